--- Runs gnuplot on a script and returns the picture it draws.
-- The script lies in a temporary file and the picture comes back through a pipe that we read: a gnuplot that is
-- missing or stops half-way can be told from its exit status, and never kills this process with SIGPIPE.
-- @module lubdub.plot.gnuplot
local core = require "lubdub.core"

local gnuplot = {}

-- What a whole picture ends with.
local endings = { png = "IEND\xAE\x42\x60\x82$", svg = "</svg>%s*$", pdf = "%%%%EOF%s*$",
  sixel = "\27\\%s*$", cells = "\27\\%s*$",
  letters = "</svg>%s*$" }

local function temporary()
  local ok, name = pcall(os.tmpname)
  if not ok then return nil, "no temporary file can be made: " .. name end
  return setmetatable({ name = name }, { __close = function(self) os.remove(self.name) end })
end

local function write(path, text)
  local file, reason = io.open(path, "wb")
  if not file then return nil, reason end
  local ok, failed = file:write(text)
  local closed, unwritten = file:close()
  if ok and closed then return true end
  return nil, path .. ": " .. (failed or unwritten)
end

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a" or ""
end

-- gnuplot's message without the script's name and the lines that show the place.
local function complaint(text, script)
  for line in text:gmatch "[^\n]+" do
    local start, stop = line:find(script, 1, true)
    if start then return (line:sub(stop + 1):gsub('^"?%s*', "")) end
  end
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- Draws `script`, which must leave `set output` alone.
-- @tparam string script
-- @tparam string format "png", "svg", "pdf", "sixel", "cells" or "letters"
-- @treturn[1] string the file's content
-- @treturn[2] nil
-- @treturn[2] string "gnuplot: reason"
function gnuplot.draw(script, format)
  local file <close>, reason = temporary()
  if not file then return nil, "gnuplot: " .. reason end
  local errors <close>, no_errors = temporary()
  if not errors then return nil, "gnuplot: " .. no_errors end
  local written, unwritten = core.size_guarded(write, file.name, script)
  if not written then return nil, "gnuplot: " .. unwritten end

  -- -d: a user's own .gnuplot must not change the picture
  local pipe, no_pipe = io.popen(("gnuplot -d '%s' 2>'%s' </dev/null"):format(file.name, errors.name), "r")
  if not pipe then return nil, "gnuplot: " .. no_pipe end
  local picture = pipe:read "a"
  local _, how, code = pipe:close()
  if how == "exit" and (code == 127 or code == 126) then
    return nil, "gnuplot: the program was not found; install gnuplot-nox (Debian, Ubuntu) or gnuplot"
  end
  local said = complaint(read(errors.name), file.name)
  if how == "signal" then return nil, ("gnuplot: stopped by signal %d"):format(code) end
  if code ~= 0 then return nil, "gnuplot: " .. said end
  if not picture:find(endings[format]) then
    return nil, "gnuplot: the picture is not whole" .. (said ~= "" and ": " .. said or "")
  end
  return picture
end

return gnuplot
