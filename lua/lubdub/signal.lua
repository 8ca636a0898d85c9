--- Signal tools: filters, trimming, levels, envelopes. Names and values are scipy's and librosa's.
-- Signals are Tensors, (samples,) or (channels, samples); every function works along the last axis and gives a new
-- Tensor.
--
--    local band = lubdub.signal.butter { order = 4, cutoff = { 25, 400 }, btype = "bandpass", sr = 2000 }
--    local y = band(x)                          -- forth and back: nothing is moved in time
--    local envelope = lubdub.signal.envelope(y)
--
-- @module lubdub.signal
-- @usage local y = lubdub.signal.butter { order = 4, cutoff = { 25, 400 }, btype = "bandpass", sr = 4000 } (signal)
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local options = require "lubdub.options"
local outward = require "lubdub.outward"

local Tensor = core.Tensor
local signal = {}

-- Advances a job to its end. In Lua, so that a long signal may be interrupted between two steps.
local function finish(job, with_state)
  local running <close> = job -- luacheck: ignore
  while not outward(job.advance, job) do end
  if with_state then return job:result(), job:state() end
  return job:result()
end

local function treat(x, treatment) return finish(outward(core.signal.treat, x, treatment)) end

local function check_signal(where, x)
  if not Tensor.is(x) then blame("%s: expected a Tensor, got %s", where, type(x)) end
  local shape = x:shape()
  if #shape ~= 1 and #shape ~= 2 then
    blame("%s: a signal must be (samples,) or (channels, samples), got %d dimensions", where, #shape)
  end
  return shape[#shape], #shape
end

-- === filters ===

--- A filter as second-order sections.
-- Called with a signal, it filters it: forth and back (`sosfiltfilt`) unless made with `zero_phase = false`
-- (`sosfilt`).
-- @type Filter
-- @field sos list of sections { b0, b1, b2, 1, a1, a2 }, scipy's
-- @field order, btype, cutoff, sr, zero_phase what it was made from
local Filter = { __name = "lubdub.Filter" }
Filter.__index = Filter

function Filter:__call(x)
  if self.zero_phase then return signal.sosfiltfilt(self, x) end
  return signal.sosfilt(self, x)
end

--- The options that it was made from.
-- @treturn table
function Filter:config()
  return { order = self.order, btype = self.btype, cutoff = self.cutoff, sr = self.sr, zero_phase = self.zero_phase }
end

function Filter:__tostring()
  local cutoff = type(self.cutoff) == "table" and ("%g to %g"):format(self.cutoff[1], self.cutoff[2])
    or ("%g"):format(self.cutoff)
  return ("Butterworth %s, order %d, %s Hz at %g Hz: %d sections, %s"):format(self.btype, self.order, cutoff, self.sr,
    #self.sos, self.zero_phase and "forth and back" or "causal")
end

local bands = { lowpass = 1, highpass = 1, bandpass = 2, bandstop = 2 }

-- The two edges of `cutoff`, the second one false for lowpass and highpass.
local function read_cutoff(cutoff, btype)
  if not bands[btype] then
    blame("butter: option 'btype' must be one of lowpass, highpass, bandpass, bandstop, got '%s'", tostring(btype))
  end
  local two = bands[btype] == 2
  local low, high = cutoff, false
  if type(cutoff) == "table" then low, high = cutoff[1], cutoff[2] or false end
  local right = math.type(low) and (two and math.type(high) or not two and high == false)
  if not right then
    blame(two and "butter: cutoff of a %s must be { low, high } in Hz, got %s"
      or "butter: cutoff of a %s must be one frequency in Hz, got %s", btype,
      type(cutoff) == "table" and ("{ %s, %s }"):format(tostring(low), tostring(cutoff[2])) or tostring(cutoff))
  end
  return low, high
end

--- A Butterworth filter, as scipy.signal.butter(..., output = "sos").
-- @tparam table given order (1 to 12), cutoff (Hz: where it is down by 3 dB; { low, high } of a band), btype
-- ("lowpass", "highpass", "bandpass" or "bandstop"; by default "lowpass", or "bandpass" where cutoff has two
-- frequencies), sr (Hz), zero_phase (true: called, the filter runs forth and back)
-- @treturn Filter
-- @usage local band = lubdub.signal.butter { order = 4, cutoff = { 25, 400 }, btype = "bandpass", sr = 4000 }
function signal.butter(given)
  local o = options.read("butter", given, { order = options.none, cutoff = options.none, btype = options.none,
    sr = options.none, zero_phase = true })
  for _, name in ipairs { "order", "cutoff", "sr" } do
    if o[name] == nil then blame("butter: option '%s' is missing", name) end
  end
  if type(o.zero_phase) ~= "boolean" then blame "butter: zero_phase must be true or false" end
  local btype = o.btype or type(o.cutoff) == "table" and o.cutoff[2] and "bandpass" or "lowpass"
  local low, high = read_cutoff(o.cutoff, btype)
  local sos = outward(core.signal.butter, { order = o.order, btype = btype, low = low, high = high, sr = o.sr })
  return setmetatable({ sos = sos, order = o.order, btype = btype, cutoff = high and { low, high } or low, sr = o.sr,
    zero_phase = o.zero_phase }, Filter)
end

-- The numbers of nested lists, in order, behind those of `list`.
local function flat(nested, list)
  for _, value in ipairs(nested) do
    if type(value) == "table" then flat(value, list) else list[#list + 1] = value end
  end
  return list
end

local function sections(where, sos)
  if getmetatable(sos) == Filter then return sos.sos end
  if type(sos) == "table" then return sos end
  blame("%s: expected a filter of signal.butter or a list of sections, got %s", where, type(sos))
end

--- Filters a signal once, from rest, as scipy.signal.sosfilt: what a device hearing it live would do. It delays.
--
-- Sound that comes in blocks is filtered as if it were whole: `zi` is what the filter remembers of the blocks before.
--
--    local y, memory = lubdub.signal.sosfilt(band, block, { zi = memory or "rest" })
--
-- @param sos a Filter, or a list of sections { b0, b1, b2, 1, a1, a2 }
-- @tparam Tensor x (samples,) or (channels, samples)
-- @tparam ?table given zi (false; or "rest", or the second result for the samples before, or scipy's: a list of
-- 2 numbers for each section and channel, in the order [section][channel][2], nested or not)
-- @treturn Tensor
-- @treturn ?table with zi: the memory after the last sample, a flat list
function signal.sosfilt(sos, x, given)
  local o = options.read("sosfilt", given, { zi = false })
  local treatment, zi = { kind = "sosfilt", sos = sections("sosfilt", sos) }, o.zi
  if not zi then return treat(x, treatment) end
  if zi == "rest" then
    local _, axis = check_signal("sosfilt", x)
    zi = {}
    for i = 1, 2 * #treatment.sos * (axis == 2 and x:shape(1) or 1) do zi[i] = 0 end
  elseif type(zi) == "table" then
    zi = flat(zi, {})
  else
    blame("sosfilt: zi must be \"rest\" or a list of numbers, got %s", type(zi))
  end
  return finish(outward(core.signal.treat, x, treatment, zi), true)
end

--- Where a filter is after a constant 1 that has gone on for long, as scipy.signal.sosfilt_zi: times the first sample,
-- it spares the beginning of a signal a jump from zero.
-- @param sos a Filter, or a list of sections { b0, b1, b2, 1, a1, a2 }
-- @treturn table 2 numbers for each section, { { z1, z2 }, ... }: `zi` of sosfilt
function signal.sosfilt_zi(sos)
  return outward(core.signal.steady, sections("sosfilt_zi", sos))
end

--- Filters a signal forth and back, as scipy.signal.sosfiltfilt: nothing is moved in time, and the filter counts twice.
-- @param sos a Filter, or a list of sections { b0, b1, b2, 1, a1, a2 }
-- @tparam Tensor x (samples,) or (channels, samples), longer than padlen
-- @tparam ?table given padtype ("odd", "even", "constant" or false), padlen (false: scipy's, 3 (2 sections + 1) for
-- most)
-- @treturn Tensor
function signal.sosfiltfilt(sos, x, given)
  local o = options.read("sosfiltfilt", given, { padtype = "odd", padlen = false })
  return treat(x, { kind = "sosfiltfilt", sos = sections("sosfiltfilt", sos), padtype = o.padtype, padlen = o.padlen })
end

-- === levels and envelopes ===

--- Brings a signal to a level: x times level over its peak, or over its root mean square. Silence stays silence.
-- @tparam Tensor x each channel on its own
-- @tparam ?table given norm ("peak" or "rms"), level (1)
-- @treturn Tensor
-- @usage local y = lubdub.signal.normalize(signal)
function signal.normalize(x, given)
  local o = options.read("normalize", given, { norm = "peak", level = 1 })
  return treat(x, { kind = "normalize", norm = o.norm, level = o.level })
end

--- Takes out friction spikes: Schmidt et al. 2010 (csrc/audio/spikes.h has the rule).
-- @tparam Tensor x
-- @tparam table given sr (Hz), window (0.5 s), threshold (3: times the median of the windows' peaks)
-- @treturn Tensor with zeros in place of the spikes
-- @usage local y = lubdub.signal.remove_spikes(signal, { sr = 4000 })
function signal.remove_spikes(x, given)
  local o = options.read("remove_spikes", given, { sr = options.none, window = 0.5, threshold = 3 })
  return treat(x, { kind = "remove_spikes", sr = o.sr, window = o.window, threshold = o.threshold })
end

--- The envelope of a signal.
-- "hilbert" is the absolute value of scipy.signal.hilbert(x); "homomorphic" the exponential of its logarithm,
-- low-passed.
-- @tparam Tensor x
-- @tparam ?table given method ("hilbert" or "homomorphic"); for the latter sr (Hz) and cutoff (8 Hz)
-- @treturn Tensor
-- @usage local e = lubdub.signal.envelope(signal)
function signal.envelope(x, given)
  local o = options.read("envelope", given, { method = "hilbert", sr = options.none, cutoff = 8 })
  return treat(x, { kind = "envelope", method = o.method, sr = o.sr, cutoff = o.cutoff })
end

-- === length ===

--- Exactly `size` samples: longer signals are cut at the end, shorter ones get zeros there. librosa.util.fix_length.
-- @tparam Tensor x (samples,) or (channels, samples)
-- @tparam integer size
-- @treturn Tensor
-- @usage local y = lubdub.signal.fix_length(signal, 16000)
function signal.fix_length(x, size)
  local n, axis = check_signal("fix_length", x)
  if math.type(size) ~= "integer" or size < 0 then
    blame("fix_length: size must be a whole number of at least 0, got %s", tostring(size))
  end
  if size == n then return x end
  local shape = x:shape()
  shape[axis] = size
  local y = Tensor.zeros(shape)
  local kept = math.min(n, size)
  if kept > 0 then y:slice(axis, 1, kept):copy(x:slice(axis, 1, kept)) end
  return y
end

-- Frames that are measured in one call.
local BLOCK = 256

-- The mean squares of all frames.
local function frame_powers(x, frame_length, hop)
  local powers = {}
  repeat
    local part, frames = outward(core.signal.powers, x, frame_length, hop, #powers, BLOCK)
    table.move(part, 1, #part, #powers + 1, powers)
  until #powers == frames
  return powers
end

--- Leaves out silence at both ends, as librosa.effects.trim.
-- A frame is silent where it lies more than top_db below the loudest one (or below `ref`, an amplitude).
-- @tparam Tensor x (samples,), or (channels, samples): then a frame is silent where all channels are
-- @tparam ?table given top_db (60), ref (false: the loudest frame), frame_length (2048), hop_length (512)
-- @treturn Tensor a part of x, not a copy; empty where all is silent
-- @treturn integer its first sample in x
-- @treturn integer its last sample in x
-- @usage local y = lubdub.signal.trim(signal)
function signal.trim(x, given)
  local n, axis = check_signal("trim", x)
  local o = options.read("trim", given, { top_db = 60, ref = false, frame_length = 2048, hop_length = 512 })
  for _, name in ipairs { "frame_length", "hop_length" } do
    if math.type(o[name]) ~= "integer" or o[name] < 1 then
      blame("trim: %s must be a whole number of at least 1, got %s", name, tostring(o[name]))
    end
  end
  if not math.type(o.top_db) or o.top_db < 0 or o.top_db ~= o.top_db then
    blame("trim: top_db must be a number of at least 0, got %s", tostring(o.top_db))
  end
  if o.ref and not (math.type(o.ref) and o.ref > 0) then
    blame("trim: ref must be an amplitude above 0, got %s", tostring(o.ref))
  end
  local powers, loudest = frame_powers(x, o.frame_length, o.hop_length), 0
  for _, power in ipairs(powers) do loudest = math.max(loudest, power) end
  local reference = math.max(1e-10, o.ref and o.ref ^ 2 or loudest)
  local first, last
  for frame, power in ipairs(powers) do
    if 10 * (math.log(math.max(1e-10, power), 10) - math.log(reference, 10)) > -o.top_db then
      first, last = first or frame, frame
    end
  end
  if not first then
    local shape = x:shape()
    shape[axis] = 0
    return Tensor.zeros(shape), 1, 0
  end
  local from, to = (first - 1) * o.hop_length + 1, math.min(n, last * o.hop_length)
  return x:slice(axis, from, to), from, to
end

-- === speed and pitch ===

--- Another speed at the same pitch, as librosa.effects.time_stretch.
-- @tparam Tensor x
-- @tparam table given rate (2 is twice as fast), n_fft (2048), hop_length (false: n_fft / 4)
-- @treturn Tensor round(samples / rate) samples
-- @usage local slower = lubdub.signal.time_stretch(signal, { rate = 0.8 })
function signal.time_stretch(x, given)
  return finish(outward(core.signal.time_stretch, x, given))
end

--- Another pitch at the same speed, as librosa.effects.pitch_shift.
-- @tparam Tensor x
-- @tparam table given n_steps (semitones, parts too), sr (Hz), bins_per_octave (12), n_fft (2048), hop_length (false:
-- n_fft / 4)
-- @treturn Tensor as many samples as x
-- @usage local higher = lubdub.signal.pitch_shift(signal, { sr = 4000, n_steps = 2 })
function signal.pitch_shift(x, given)
  return finish(outward(core.signal.pitch_shift, x, given))
end

return signal
