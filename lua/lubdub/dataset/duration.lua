--- How long a piece of each recording is read: the duration that was given, or that of the windows.
-- @module lubdub.dataset.duration
local blame = require "lubdub.blame"
local row = require "lubdub.row"

local duration = {}

--- The duration of every row.
-- @tparam string where the asking function, for messages
-- @tparam Dataset clips
-- @tparam ?number given seconds
-- @return seconds, or false: all of each recording
-- @raise where windows differ in length, or are shorter than what is given
function duration.of(where, clips, given)
  local seconds, first = given, nil
  for i, clip in clips:iter() do
    local data = row.data(clip)
    local window = data.offset and data.duration
    if window and given and given > window + 1e-9 then
      blame("%s: duration = %g s is longer than row %d, a window of %g s", where, given, i, window)
    elseif window and not given then
      if first and math.abs(window - seconds) > 1e-9 then
        blame("%s: row %d is a window of %g s, row %d of %g s; give a duration", where, first, seconds, i, window)
      end
      seconds, first = window, first or i
    end
  end
  return seconds or false
end

--- Preprocessing steps, the first of which learns the duration of the windows where it has none.
-- @tparam string where the asking function, for messages
-- @tparam Dataset clips
-- @tparam table steps
-- @treturn table steps
function duration.of_steps(where, clips, steps)
  local load = steps[1]
  if type(load) ~= "table" or load.name ~= "load" then return steps end
  local seconds = duration.of(where, clips, load.options and load.options.duration or nil)
  local copy, read = table.move(steps, 1, #steps, 1, {}), { duration = seconds }
  for name, value in pairs(load.options or {}) do
    if name ~= "duration" then read[name] = value end
  end
  copy[1] = { name = "load", options = read }
  return copy
end

return duration
