--- The sound of a row of a data set, or of what stands for it.
-- @module lubdub.plot.sound
local audio = require "lubdub.audio"
local blame = require "lubdub.blame"
local row = require "lubdub.row"

local sound = {}

--- Whether a value is a row with a sound: a table with `path` or `audio`.
function sound.is_row(value)
  return type(value) == "table" and value[1] == nil and (value.path or value.audio) ~= nil
end

--- The sound of a row: its part where it is a window, one channel.
-- @tparam table clip with path, or with audio (a Tensor) and samplerate
-- @tparam ?table given `sr`: at most so many samples a second (false: as it is); `offset` (0), added to the row's own;
-- `duration`: at most so many seconds
-- @treturn[1] Tensor (n)
-- @treturn[1] number its samples per second
-- @treturn[2] nil
-- @treturn[2] string reason
function sound.of(clip, given)
  local o = given or {}
  local data = row.data(clip) or clip
  local offset = (data.offset or 0) + (o.offset or 0)
  local duration = data.offset and data.duration or false
  if o.duration then duration = math.min(duration or math.huge, o.duration) end
  if not data.audio then
    local info, reason = audio.info(data.path)
    if not info then return nil, reason end
    local sr = math.min(o.sr or math.huge, math.tointeger(info.samplerate) or info.samplerate)
    return audio.load(data.path, { sr = sr, offset = offset, duration = duration })
  end
  local signal, sr = data.audio, data.samplerate
  if not sr then return nil, "the row has audio, and no samplerate" end
  if signal:ndim() == 2 then signal = signal:mean(1) end
  local first = math.floor(offset * sr) + 1
  local last = math.min(signal:shape(1), duration and first + math.floor(duration * sr) - 1 or math.maxinteger)
  if first > last then return nil, "nothing of the sound is left behind its offset" end
  signal = signal:slice(1, first, last)
  if o.sr and sr > o.sr then return audio.resample(signal, { orig_sr = sr, target_sr = o.sr }), o.sr end
  return signal, sr
end

--- What a figure of a sound is made of: a row gives its sound and rate, anything else comes back as it is.
-- @tparam string where for messages
-- @param value
-- @param sr what the caller said of the rate, or nil
-- @return value, sr
function sound.read(where, value, sr)
  if not sound.is_row(value) then return value, sr end
  local signal, rate = sound.of(value)
  if not signal then blame("%s: %s", where, rate) end
  return signal, sr or rate
end

return sound
