--- Pieces of equal length out of recordings, as rows of their own.
--
-- Each window has the columns of its recording, and `recording` (its path or name, or its position where it has
-- neither), `offset` and `duration` in seconds, and `group`: the recording's group or patient, or else the recording
-- itself, so that windows of one recording can be kept on one side of a split.
-- @module lubdub.dataset.windows
local blame = require "lubdub.blame"
local options = require "lubdub.options"
local row = require "lubdub.row"
local warning = require "lubdub.warning"

-- Durations are quotients of whole numbers: what misses a window by less than this is rounding.
local SLACK = 1e-9

local function positive(name, value)
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then
    blame("Dataset:windows: %s must be seconds above 0, got %s", name, tostring(value))
  end
  return value
end

--- @tparam Dataset self
-- @tparam table given `size`: seconds of a window; `hop`: seconds from one to the next (default `size`, so that
-- they touch); `pad`: false; true gives a recording shorter than `size` one window, to be padded by extract
-- @treturn table rows; without `pad`, shorter recordings give none, and a warning says how many
return function(self, given)
  local o = options.read("Dataset:windows", given, { size = options.none, hop = options.none, pad = false })
  local size = positive("size", o.size)
  local hop = o.hop and positive("hop", o.hop) or size
  local rows, short = {}, 0
  for i, clip in self:iter() do
    local duration = clip.duration
    if not duration then blame("Dataset:windows: row %d has no duration", i) end
    local n = math.floor((duration - size) / hop + SLACK) + 1
    if n < 1 then
      short = short + 1
      n = o.pad and 1 or 0
    end
    local start = row.data(clip).offset or 0
    local recording = clip.recording or clip.path or clip.name or ("clip %d"):format(i)
    for k = 1, n do
      local data = row.copy(clip)
      data.recording = recording
      data.group = data.group or data.patient or recording
      data.offset = start + (k - 1) * hop
      data.duration = size
      rows[#rows + 1] = row.new(data, clip)
    end
  end
  if short > 0 and not o.pad then
    warning.warn(("windows: %d of %d recordings are shorter than %g s and give none; pad = true keeps them")
      :format(short, #self, size))
  end
  return rows
end
