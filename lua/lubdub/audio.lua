--- Recordings: reading, writing, resampling. Names and defaults are librosa's; `false` stands for None.
-- Signals are Tensors: (samples,), or (channels, samples).
-- @module lubdub.audio
-- @usage local y, sr = lubdub.audio.load("heart.wav", { sr = 22050, duration = 4 })
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local outward = require "lubdub.outward"
local warning = require "lubdub.warning"

local audio = {}

-- Advances a job to its end. In Lua, so that a long recording may be interrupted between two steps.
local function finish(job)
  while true do
    local finished, reason = job:advance()
    if finished == nil then return nil, reason end
    if finished then return true end
  end
end

local function check_path(where, path)
  if type(path) ~= "string" then
    blame("%s: path must be a string, got %s", where, type(path))
  end
end

--- Loads a recording as librosa.load does: `offset` and `duration` are cut at the native rate (rounded down),
-- channels are averaged, then it is resampled with soxr.
-- A file with less data than its header promises gives a warning, or a failure with `strict = true`.
-- @tparam string path
-- @tparam ?table options sr (22050; false: native), mono (true), offset (0 s), duration (false: to the end),
-- res_type ("soxr_hq"; or soxr_vhq, soxr_mq, soxr_lq, soxr_qq), strict (false)
-- @treturn[1] Tensor (samples,), or (channels, samples) with `mono = false` where there are several
-- @treturn[1] number its sample rate
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
-- @usage local y, sr = assert(lubdub.audio.load("heart.wav", { sr = 22050, duration = 4 }))
function audio.load(path, options)
  check_path("audio.load", path)
  local job <close>, failed = outward(core.audio.load, path, options)
  if not job then return nil, failed end
  local ok, reason = finish(job)
  if not ok then return nil, reason end
  local signal, sr, message = job:result()
  if message then warning.warn(message, path) end
  return signal, sr
end

--- What a recording is, from its header.
-- @tparam string path
-- @treturn[1] table duration (s), samplerate, channels, frames, promised (frames that the header promises: more than
-- `frames` in a wav that is cut), format ("WAV"), subtype ("PCM_16")
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
-- @usage print(lubdub.audio.info("heart.wav").duration)
function audio.info(path)
  check_path("audio.info", path)
  return outward(core.audio.info, path)
end

--- Writes a signal; the name's end says how: .wav, .flac, .ogg or .aiff.
-- Values beyond -1 .. 1 are clipped, except by FLOAT. Nothing half-written is left under the name.
-- @tparam string path
-- @tparam Tensor signal (samples,) or (channels, samples)
-- @tparam number sr sample rate, Hz
-- @tparam ?table options subtype ("PCM_16"; or "PCM_24", "FLOAT")
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
-- @usage lubdub.audio.write("copy.wav", signal, sr)
function audio.write(path, signal, sr, options)
  check_path("audio.write", path)
  local job <close>, failed = outward(core.audio.write, path, signal, sr, options)
  if not job then return nil, failed end
  return outward(finish, job)
end

--- Another sample rate, as librosa.resample: n samples become ceil(n * target_sr / orig_sr).
-- @tparam Tensor signal (samples,) or (channels, samples)
-- @tparam table options orig_sr, target_sr, res_type ("soxr_hq")
-- @treturn Tensor
-- @usage local y = lubdub.audio.resample(signal, { orig_sr = 4000, target_sr = 22050 })
function audio.resample(signal, options)
  local job <close> = outward(core.audio.resample, signal, options)
  local ok, reason = finish(job)
  if not ok then blame("%s", reason) end
  return (job:result())
end

return audio
