-- Runs a notebook's cells. Requests come from the file descriptor in the first argument, replies go to the one in the
-- second, each a line of JSON; lubdub_kernel.py is at the other end.
local here = arg[0]:match "^(.*[/\\])" or "./"
local tree = os.getenv "LUBDUB_KERNEL_TREE"
if tree then
  package.path = tree .. "/?.lua;" .. tree .. "/?/init.lua;" .. package.path
  package.cpath = tree .. "/?.so;" .. package.cpath
end

local requests <const> = assert(io.open("/dev/fd/" .. arg[1], "r"))
local replies <const> = assert(io.open("/dev/fd/" .. arg[2], "w"))

-- Everything that this file needs of others is at hand before a cell can change a global.
local json = require "dkjson"
local core = require "lubdub.core"
local lookup = dofile(here .. "lookup.lua")
local cell = dofile(here .. "cell.lua")
local flush, exit = io.flush, os.exit
local stdout, stderr = io.stdout, io.stderr
local display = require "lubdub.display"

stdout:setvbuf "line"

local function send(reply)
  stdout:flush()
  stderr:flush()
  replies:write(json.encode(reply), "\n")
  replies:flush()
end

-- Sends what has its place among what is printed, and waits until it is there.
local function ask(reply)
  send(reply)
  local line = requests:read "l"
  if not line then exit(0) end
  return json.decode(line)
end

-- === what cells find ===

-- xeus-lua's interface, so that a notebook runs in either kernel.
ilua = { display = { detail = {} } }

function ilua.display.detail._display_data(data, metadata)
  local bundle, place, wrong = json.decode(data)
  if not bundle then error(("_display_data: not JSON (at %s: %s)"):format(place, wrong), 2) end
  ask { kind = "display", data = bundle, metadata = metadata and json.decode(metadata) or nil }
end

local function shower(mime)
  return function(text) ask { kind = "display", data = { [mime] = text, ["text/plain"] = tostring(text) } } end
end

ilua.display.html, ilua.display.latex = shower "text/html", shower "text/latex"
ilua.display.plain_text, ilua.display.svg = shower "text/plain", shower "image/svg+xml"

function ilua.display.json(value)
  ask { kind = "display", data = { ["application/json"] = value, ["text/plain"] = json.encode(value) } }
end

function ilua.display.display(value)
  local ok, method = pcall(function() return value.display end)
  if ok and type(method) == "function" then return method(value) end
  display.show(value)
end

function ilua.display.clear_output(wait) ask { kind = "clear", wait = wait and true or false } end

-- io.read asks the person before the notebook.
local function read_line(prompt)
  local answer = ask { kind = "input", prompt = prompt }
  if answer.error then error("io.read: " .. answer.error, 0) end
  return answer.text
end

local function read(...)
  local out, n = {}, select("#", ...)
  if n == 0 then return read_line() end
  for i = 1, n do
    local format = tostring((select(i, ...))):gsub("^%*", "")
    local line = read_line()
    local kind = format:sub(1, 1)
    if kind == "n" then line = tonumber(line)
    elseif kind == "L" then line = line .. "\n"
    elseif kind ~= "l" and kind ~= "a" then line = line:sub(1, math.tointeger(tonumber(format))) end
    out[i] = line
    if line == nil then return table.unpack(out, 1, i) end
  end
  return table.unpack(out, 1, n)
end
io.read = read -- luacheck: ignore

os.exit = function(code, close) -- luacheck: ignore
  flush()
  exit(code, close)
end

-- A line that is redrawn with "\r": front ends know no "\27[K", so blanks cover what was longer.
local progress_stream = { width = 0 }

function progress_stream:write(...)
  local text = table.concat({ ... })
  text = text:gsub("\r([^\r\n\27]*)\27%[K", function(line)
    local columns = utf8.len(line) or #line
    local covered = "\r" .. line .. (" "):rep(self.width - columns)
    self.width = columns
    return columns == 0 and covered .. "\r" or covered
  end)
  stdout:write(text)
  return self
end

function progress_stream:flush() -- luacheck: no self
  stdout:flush()
end

require("lubdub.progress").redirect(progress_stream, 100)

-- === requests ===

local answers = {}

-- The lines of a traceback that are the notebook's and the libraries', not this file's. Where the message names a line
-- of the notebook, a library has found a mistake there, and how it found it is no help.
local function traceback(message)
  if type(message) ~= "string" then
    local meta = getmetatable(message)
    message = meta and meta.__tostring and tostring(message)
      or ("(error object is a %s value)"):format(type(message))
  end
  local lines = {}
  for line in debug.traceback(nil, 2):gmatch "[^\n]+" do
    if line:find(".lua:", 1, true) and line:find(here, 1, true) then break end
    lines[#lines + 1] = line
  end
  while lines[#lines] and lines[#lines]:find "^%s*%[C%]: in " do lines[#lines] = nil end
  while message:find "^In%[" and lines[2] and not lines[2]:find "^%s*In%[" do table.remove(lines, 2) end
  return { message = message, lines = #lines > 1 and lines or {} }
end

-- The reply, and what the function returned where all went well.
local function run(f, ...)
  local results = table.pack(core.interruptible(xpcall, f, traceback, ...))
  local ok = results[1] and results[2]
  if ok then return { kind = "end" }, results[3] end
  local failed = results[1] and results[3] or results[2]
  -- an interrupt beside the cell's handler comes as a bare message
  if type(failed) ~= "table" then failed = { message = tostring(failed), lines = {} } end
  return { kind = "end", error = failed.message, interrupted = failed.message:find "interrupted!$" ~= nil,
    traceback = { failed.message, table.unpack(failed.lines) } }
end

-- Values are shown as the REPL prints them, and what can be shown richly on its own.
local function show(values)
  if values.n == 1 then
    if values[1] ~= nil then ask { kind = "result", data = display.bundle(values[1]) } end
    return
  end
  local parts = {}
  for i = 1, values.n do parts[i] = tostring(values[i]) end
  ask { kind = "result", data = { ["text/plain"] = table.concat(parts, "\t") } }
end

function answers.execute(request)
  local chunk, quiet = cell.compile(request.code, ("=In[%d]"):format(request.number or 0))
  if not chunk then return { kind = "end", error = quiet, traceback = { quiet } } end
  local reply, values = run(chunk)
  if reply.error or quiet or request.silent or values.n == 0 then return reply end
  return (run(show, values))
end

function answers.complete(request)
  local matches, stem = lookup.complete(request.code)
  return { kind = "end", matches = setmetatable(matches, { __jsontype = "array" }), stem = stem }
end

function answers.inspect(request) return { kind = "end", text = lookup.inspect(request.before, request.after) } end

function answers.is_complete(request) return { kind = "end", status = cell.status(request.code) } end

for line in requests:lines() do
  local request = json.decode(line)
  local ok, reply = xpcall(answers[request.kind], debug.traceback, request)
  send(ok and reply or { kind = "end", error = reply, traceback = { reply } })
end
