--- One line that tells how far a long job is: redrawn in place on a terminal, not shown elsewhere.
-- A job that reports its end in a line of its own says it with `bar:finish(text)`, on a terminal or not.
-- @module lubdub.progress
local core = require "lubdub.core"

local progress = {}

local stream, columns = io.stdout, core.terminal_columns()
local open_bar -- the bar whose line is on the screen, not yet ended
local REDRAW = 0.1 -- seconds

--- Sends everything to another stream: a host with its own console, a test.
-- @param[opt] to anything with `write` and `flush`; nil brings standard output back
-- @tparam ?integer width its columns where it understands "\r" and "\27[K", nil for a plain file
function progress.redirect(to, width)
  stream, columns, open_bar = to or io.stdout, width, nil
  if not to then columns = core.terminal_columns() end
end

--- Whether lines are redrawn.
function progress.on_terminal() return columns ~= nil end

--- A duration for people: "0.42 s", "58 s", "3:05 min", "1:02:03 h".
-- @tparam number seconds
-- @treturn string
function progress.duration(seconds)
  if seconds < 9.995 then return ("%.2f s"):format(seconds) end
  local whole = math.floor(seconds + 0.5)
  if whole < 60 then return ("%d s"):format(whole) end
  if whole < 3600 then return ("%d:%02d min"):format(whole // 60, whole % 60) end
  return ("%d:%02d:%02d h"):format(whole // 3600, whole // 60 % 60, whole % 60)
end

local function wipe()
  if open_bar then
    stream:write("\r\27[K")
    open_bar = nil
  end
end

--- Writes a line of its own; a bar that is on the screen comes back at its next update.
-- @tparam string message
function progress.say(message)
  wipe()
  stream:write(message, "\n")
  stream:flush()
end

local Bar = {}
Bar.__index = Bar

--- A bar.
-- @tparam ?table options `label` (""), `total` (number of steps, nil where unknown), `unit` ("step"), `delay` (0;
-- seconds before it is first drawn, for jobs that are mostly short)
-- @treturn Bar with methods update, finish, clear
function progress.bar(options)
  options = require("lubdub.options").read("progress.bar", options,
    { label = "", total = false, unit = "step", delay = 0 })
  local start = core.clock()
  return setmetatable({ label = options.label, total = options.total, unit = options.unit, start = start,
    drawn = start + options.delay - REDRAW }, Bar)
end

local function fit_width(text)
  local width = columns - 1
  if (utf8.len(text) or #text) <= width then return text end
  return text:sub(1, (utf8.offset(text, width + 1) or #text + 1) - 1)
end

local function rate_text(seconds, unit)
  if seconds >= 1 then return ("%.1f s/%s"):format(seconds, unit) end
  if seconds >= 1e-3 then return ("%.0f ms/%s"):format(seconds * 1e3, unit) end
  return ("%.0f us/%s"):format(seconds * 1e6, unit)
end

--- Redraws the line, at most ten times a second.
-- @tparam integer done steps that are finished
-- @tparam ?string text what else to say
-- @tparam ?number left seconds left, where the caller knows better than the bar
function Bar:update(done, text, left)
  if not columns then return end
  local now = core.clock()
  if now - self.drawn < REDRAW then return end
  self.drawn = now
  local spent = now - self.start
  local parts = {}
  if self.total then
    local full = math.floor(20 * math.min(done / self.total, 1))
    parts[1] = ("%s[%s%s] %d/%d"):format(self.label == "" and "" or self.label .. " ", ("="):rep(full),
      ("."):rep(20 - full), done, self.total)
    left = left or done > 0 and spent / done * (self.total - done)
  else
    parts[1] = ("%s%d"):format(self.label == "" and "" or self.label .. " ", done)
  end
  if done > 0 then parts[#parts + 1] = rate_text(spent / done, self.unit) end
  if left then parts[#parts + 1] = progress.duration(left) .. " left" end
  parts[#parts + 1] = text
  stream:write("\r", fit_width(table.concat(parts, " - ")), "\27[K")
  stream:flush()
  open_bar = self
end

--- Takes the line away.
function Bar:clear() -- luacheck: no self
  wipe()
  stream:flush()
end

--- Ends the bar with a line that stays.
-- @tparam string text
function Bar:finish(text) -- luacheck: no self
  progress.say(text)
end

return progress
