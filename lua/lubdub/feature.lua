--- Feature plans: made once from options, called on many signals.
-- The options are librosa's, with its defaults; `false` stands for None.
--
--    local mfcc = lubdub.MFCC { sr = 22050, n_mfcc = 40 }
--    local x = mfcc(signal)                -- (40, frames)
--    mfcc:shape(88200)                     -- { 40, 173 }
--    mfcc:config()                         -- all options, as a table
--    mfcc { S = decibels }                 -- from a spectrogram that is there already, as librosa's S
--
-- A plan never changes. A signal that is empty, not (samples,), or with numbers that are not finite is an error.
-- `S` is (rows, frames): |STFT|^power for MelSpectrogram, dB of mel bands for MFCC, |STFT|^2 for ChromaSTFT, and |STFT|
-- for RMS and the spectral ones; STFT and ZeroCrossingRate take none.
--
-- The same under librosa's names makes a plan and calls it at once, and takes n_fft from the rows of S where it is
-- not given: `feature.spectral_centroid(signal, { sr = 4000 })`, `feature.rms { S = magnitude }`.
-- @module lubdub.feature
-- @usage
-- local mfcc = lubdub.MFCC { sr = 4000, n_mfcc = 13 }
-- local x = mfcc(signal)
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local options = require "lubdub.options"
local outward = require "lubdub.outward"
local warning = require "lubdub.warning"

local feature = {}

-- In Lua, so that a long signal may be interrupted between two steps.
core.feature.Plan.__call = function(plan, signal)
  local run = outward(plan.start, plan, signal)
  while not run:advance() do end
  return run:result()
end

local function new(kind, given)
  local plan, empty = outward(core.feature.plan, kind, given)
  if empty > 0 then
    warning.warn(("%s: %d of %d mel filters are empty and give constant bands; use a larger n_fft, "
      .. "fewer n_mels or a higher sample rate"):format(kind, empty, plan:config().n_mels))
  end
  return plan
end

--- Mel-frequency cepstral coefficients, as librosa.feature.mfcc.
-- @tparam ?table given sr (22050), n_mfcc (20), n_fft (2048), hop_length (512), win_length (false: n_fft),
-- window ("hann"; or hamming, blackman, blackmanharris, nuttall, bartlett, boxcar, triang, flattop, cosine,
-- {"kaiser", beta}, {"gaussian", deviation}, {"tukey", share}, or win_length numbers), center (true),
-- pad_mode ("constant", "reflect", "edge"), power (2), n_mels (128), fmin (0), fmax (false: sr / 2), htk (false),
-- mel_norm ("slaney", a number or false), dct_type (2 or 3), norm ("ortho" or false), lifter (0), top_db (80 or false;
-- without a floor, or with one beyond 90 dB of power, spectra are computed in double, which takes six times as long)
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_mfcc, frames)
-- @usage
-- local mfcc = lubdub.MFCC { sr = 4000, n_mfcc = 13 }
-- local x = mfcc(signal) -- (13, frames)
function feature.MFCC(given)
  return new("MFCC", given)
end

--- A mel spectrogram, as librosa.feature.melspectrogram.
-- @tparam ?table given those of MFCC from sr to mel_norm, without n_mfcc
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_mels, frames)
-- @usage local mel = lubdub.MelSpectrogram { sr = 22050, n_mels = 64 } (signal)
function feature.MelSpectrogram(given)
  return new("MelSpectrogram", given)
end

--- The short-time Fourier transform, as librosa.stft.
-- @tparam ?table given sr (22050), n_fft (2048), hop_length (false: win_length / 4), win_length (false: n_fft),
-- window ("hann"), center (true), pad_mode ("constant")
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_fft / 2 + 1, frames, 2): real, imaginary
-- @usage local spectrum = lubdub.STFT { n_fft = 512 } (signal)
function feature.STFT(given)
  return new("STFT", given)
end

--- The root of the mean square of each frame, as librosa.feature.rms.
-- @tparam ?table given sr (22050), frame_length (2048), hop_length (512), center (true), pad_mode ("constant")
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (1, frames)
-- @usage local rms = lubdub.RMS { frame_length = 512 } (signal)
function feature.RMS(given)
  return new("RMS", given)
end

--- The share of neighbouring samples that differ in sign, as librosa.feature.zero_crossing_rate.
-- @tparam ?table given sr (22050), frame_length (2048), hop_length (512), center (true; pads with the first and last
-- samples), threshold (1e-10: what is nearer to zero counts as zero), zero_pos (true: zero is positive)
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (1, frames)
-- @usage local rate = lubdub.ZeroCrossingRate() (signal)
function feature.ZeroCrossingRate(given)
  return new("ZeroCrossingRate", given)
end

--- The mean frequency of each frame, in Hz, as librosa.feature.spectral_centroid.
-- @tparam ?table given those of STFT, with hop_length = 512
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (1, frames)
-- @usage local hz = lubdub.SpectralCentroid { sr = 4000 } (signal)
function feature.SpectralCentroid(given)
  return new("SpectralCentroid", given)
end

--- How wide the spectrum lies around its centroid, in Hz, as librosa.feature.spectral_bandwidth.
-- @tparam ?table given those of STFT, with hop_length = 512; norm (true), p (2)
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (1, frames)
-- @usage local hz = lubdub.SpectralBandwidth { sr = 4000 } (signal)
function feature.SpectralBandwidth(given)
  return new("SpectralBandwidth", given)
end

--- The frequency below which most of the spectrum lies, in Hz, as librosa.feature.spectral_rolloff.
-- @tparam ?table given those of STFT, with hop_length = 512; roll_percent (0.85)
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (1, frames)
-- @usage local hz = lubdub.SpectralRolloff { sr = 4000 } (signal)
function feature.SpectralRolloff(given)
  return new("SpectralRolloff", given)
end

--- Peaks less valleys of the spectrum in octaves, in dB, as librosa.feature.spectral_contrast.
-- @tparam ?table given those of STFT, with hop_length = 512; fmin (200 Hz), n_bands (6), quantile (0.02),
-- linear (false)
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_bands + 1, frames)
-- @usage local dB = lubdub.SpectralContrast { sr = 22050 } (signal)
function feature.SpectralContrast(given)
  return new("SpectralContrast", given)
end

--- The energy of each pitch class, as librosa.feature.chroma_stft with a tuning that is known.
-- @tparam ?table given those of STFT, with hop_length = 512; norm (math.huge, or "inf": each frame's maximum
-- becomes 1; or a number p, or false), n_chroma (12), tuning (0), ctroct (5), octwidth (2, or false), base_c (true)
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_chroma, frames)
-- @usage local chroma = lubdub.ChromaSTFT { sr = 22050 } (signal)
function feature.ChromaSTFT(given)
  return new("ChromaSTFT", given)
end

--- librosa's names of the plans: name = kind. Steps of preprocessing have these names.
feature.names = {
  stft = "STFT", melspectrogram = "MelSpectrogram", mfcc = "MFCC", rms = "RMS",
  zero_crossing_rate = "ZeroCrossingRate", spectral_centroid = "SpectralCentroid",
  spectral_bandwidth = "SpectralBandwidth", spectral_rolloff = "SpectralRolloff",
  spectral_contrast = "SpectralContrast", chroma_stft = "ChromaSTFT",
}

-- The options of a call on a spectrogram, with n_fft from its rows where that is not given.
local function with_size(kind, input, given)
  local S = type(input) == "table" and input.S
  local name = kind == "RMS" and "frame_length" or "n_fft"
  if kind == "MFCC" or not core.Tensor.is(S) or #S:shape() ~= 2 or (given and given[name]) then return given end
  local copy = { [name] = math.max(1, 2 * (S:shape()[1] - 1)) }
  for key, value in pairs(given or {}) do copy[key] = value end
  return copy
end

--- MFCC of a signal, or of a spectrogram { S = ... }, at once.
-- @function mfcc
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of MFCC
-- @treturn Tensor
-- @usage local x = lubdub.feature.mfcc(signal, { n_mfcc = 13 })

--- MelSpectrogram of a signal, or of a spectrogram { S = ... }, at once.
-- @function melspectrogram
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of MelSpectrogram
-- @treturn Tensor
-- @usage local x = lubdub.feature.melspectrogram(signal, { n_mels = 64 })

--- STFT of a signal, at once.
-- @function stft
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of STFT
-- @treturn Tensor
-- @usage local x = lubdub.feature.stft(signal, { n_fft = 512 })

--- RMS of a signal, or of a spectrogram { S = ... }, at once.
-- @function rms
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of RMS
-- @treturn Tensor
-- @usage local x = lubdub.feature.rms(signal, { frame_length = 512 })

--- ZeroCrossingRate of a signal, at once.
-- @function zero_crossing_rate
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of ZeroCrossingRate
-- @treturn Tensor
-- @usage local x = lubdub.feature.zero_crossing_rate(signal, { frame_length = 512 })

--- SpectralCentroid of a signal, or of a spectrogram { S = ... }, at once.
-- @function spectral_centroid
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of SpectralCentroid
-- @treturn Tensor
-- @usage local x = lubdub.feature.spectral_centroid(signal, { sr = 4000 })

--- SpectralBandwidth of a signal, or of a spectrogram { S = ... }, at once.
-- @function spectral_bandwidth
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of SpectralBandwidth
-- @treturn Tensor
-- @usage local x = lubdub.feature.spectral_bandwidth(signal, { sr = 4000 })

--- SpectralRolloff of a signal, or of a spectrogram { S = ... }, at once.
-- @function spectral_rolloff
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of SpectralRolloff
-- @treturn Tensor
-- @usage local x = lubdub.feature.spectral_rolloff(signal, { sr = 4000 })

--- SpectralContrast of a signal, or of a spectrogram { S = ... }, at once.
-- @function spectral_contrast
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of SpectralContrast
-- @treturn Tensor
-- @usage local x = lubdub.feature.spectral_contrast(signal, { sr = 22050 })

--- ChromaSTFT of a signal, at once.
-- @function chroma_stft
-- @param input a Tensor (samples,), or { S = Tensor (rows, frames) }
-- @tparam ?table given those of ChromaSTFT
-- @treturn Tensor
-- @usage local x = lubdub.feature.chroma_stft(signal, { sr = 22050 })

for name, kind in pairs(feature.names) do
  feature[name] = function(input, given) return new(kind, with_size(kind, input, given))(input) end
end

local references = { max = true, min = true, mean = true }

local function to_decibel(where, S, given, amin, amplitude)
  local o = options.read(where, given, { ref = 1, amin = amin, top_db = 80 })
  if not core.Tensor.is(S) then blame("%s: expected a Tensor, got %s", where, type(S)) end
  local ref = o.ref
  if #S == 0 then return S:clone() end
  if references[ref] then
    ref = amplitude and S:abs() or S
    ref = ref[o.ref](ref)
  elseif type(ref) == "function" then
    ref = ref(amplitude and S:abs() or S)
  end
  if type(ref) ~= "number" or ref ~= ref then
    blame("%s: ref must be a number, \"max\", \"min\", \"mean\" or a function that gives one, got %s", where,
      tostring(o.ref))
  end
  if type(o.amin) ~= "number" or o.amin ~= o.amin or o.amin < 1e-150 then
    blame("%s: amin must be a number above 0, got %s", where, tostring(o.amin))
  end
  if o.top_db and not (type(o.top_db) == "number" and o.top_db >= 0) then
    blame("%s: top_db must be a number from 0, or false, got %s", where, tostring(o.top_db))
  end
  return outward(core.transform.decibel, S, where, amplitude, ref, o.amin, o.top_db or nil)
end

--- Power in dB, as librosa.power_to_db: 10 log10(max(amin, S)) - 10 log10(max(amin, ref)), floored.
-- @tparam Tensor S
-- @tparam ?table given ref (1: a number, "max", "min", "mean", or a function of S), amin (1e-10), top_db (80: the floor
-- lies so much below the highest value of all of S; false: none)
-- @treturn Tensor of the same shape
-- @usage local dB = lubdub.power_to_db(lubdub.MelSpectrogram()(signal), { ref = "max" })
function feature.power_to_db(S, given) return to_decibel("power_to_db", S, given, 1e-10, false) end

--- Amplitude in dB, as librosa.amplitude_to_db: power_to_db of the squares of S, ref and amin.
-- @tparam Tensor S
-- @tparam ?table given ref (1), amin (1e-5), top_db (80), as of power_to_db
-- @treturn Tensor of the same shape
-- @usage local dB = lubdub.amplitude_to_db(lubdub.RMS()(signal))
function feature.amplitude_to_db(S, given) return to_decibel("amplitude_to_db", S, given, 1e-5, true) end

--- Smoothed differences over time (Savitzky-Golay), as librosa.feature.delta.
-- @tparam Tensor x (..., frames)
-- @tparam ?table given width (9; odd), order (1; 2: differences of differences), axis (-1), mode ("interp", which needs
-- at least `width` frames; or "nearest", "mirror", "constant", "wrap")
-- @treturn Tensor of the same shape
-- @usage local slopes = lubdub.delta(lubdub.MFCC { n_mfcc = 13 } (signal))
function feature.delta(x, given)
  if not core.Tensor.is(x) then blame("delta: expected a Tensor, got %s", type(x)) end
  return outward(core.transform.delta, x, given)
end

return feature
