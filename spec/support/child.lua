--- Lua programs in processes of their own, which may be killed or meet limits without harm to the specs.
local lfs = require "lfs"

local child = {}

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- The shell's words: into the folder; and a program that runs code there. This process' paths are made absolute.
local function command(folder, code, through)
  local function absolute(path) return (path:gsub("%f[^;\0]([^/;][^;]*)", lfs.currentdir() .. "/%1")) end
  local words = { "LUA_PATH=" .. quoted(absolute(package.path)), "LUA_CPATH=" .. quoted(absolute(package.cpath)),
    through or "", os.getenv "LUA" or "lua5.4", "-e", quoted(code) }
  return "cd " .. quoted(folder), table.concat(words, " ")
end

--- Runs Lua code.
-- @tparam string folder where it runs
-- @tparam string code
-- @tparam ?string before a command of the shell that comes first: "ulimit -f 8"
-- @tparam ?string through a program that runs Lua: "nice"
-- @treturn string what it printed
-- @treturn string how it ended: "exit" or "signal"
-- @treturn integer the status or the signal
function child.run(folder, code, before, through)
  local change, run = command(folder, code, through)
  local pipe = assert(io.popen(("%s && %s && %s 2>&1"):format(change, before or ":", run)))
  local text = pipe:read "a"
  local _, how, status = pipe:close()
  return text, how, status
end

--- Runs Lua code, which says `ready()` when it has come to what matters, and kills it (kill -9) then.
-- @tparam string folder where it runs
-- @tparam string code
-- @tparam number seconds from ready() to the kill
-- @treturn boolean whether it was killed (and had not ended before)
-- @treturn string what it printed
function child.kill(folder, code, seconds)
  local change, run = command(folder, [[local function ready() io.open(".ready", "w"):close() end ]] .. code)
  local script = ("%s && rm -f .ready && mkfifo .ready && { %s >.said 2>&1 & } && read line <.ready; sleep %.4f; "
    .. "kill -9 $! 2>/dev/null; wait $! 2>/dev/null; status=$?; rm -f .ready; exit $status"):format(change, run,
    seconds)
  local _, how, status = os.execute("sh -c " .. quoted(script))
  local file = assert(io.open(folder .. "/.said"))
  local text = file:read "a"
  file:close()
  os.remove(folder .. "/.said")
  assert(how == "exit" and (status == 137 or status == 0), text)
  return status == 137, text
end

return child
