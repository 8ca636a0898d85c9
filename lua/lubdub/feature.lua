--- Feature plans: made once from options, called on many signals.
-- The options are librosa's, with its defaults; `false` stands for None.
--
--    local mfcc = lubdub.MFCC { sr = 22050, n_mfcc = 40 }
--    local x = mfcc(signal)                -- (40, frames)
--    mfcc:shape(88200)                     -- { 40, 173 }
--    mfcc:config()                         -- all options, as a table
--
-- A plan never changes. A signal that is empty, not (samples,), or with numbers that are not finite is an error.
-- @module lubdub.feature
local core = require "lubdub.core"
local outward = require "lubdub.outward"
local warning = require "lubdub.warning"

local feature = {}

-- In Lua, so that a long signal may be interrupted between two steps.
core.feature.Plan.__call = function(plan, signal)
  local run = outward(plan.start, plan, signal)
  while not run:advance() do end
  return run:result()
end

local function new(kind, options)
  local plan, empty = outward(core.feature.plan, kind, options)
  if empty > 0 then
    warning.warn(("%s: %d of %d mel filters are empty and give constant bands; use a larger n_fft, "
      .. "fewer n_mels or a higher sample rate"):format(kind, empty, plan:config().n_mels))
  end
  return plan
end

--- Mel-frequency cepstral coefficients, as librosa.feature.mfcc.
-- @tparam ?table options sr (22050), n_mfcc (20), n_fft (2048), hop_length (512), win_length (false: n_fft),
-- window ("hann"; or hamming, blackman, blackmanharris, nuttall, bartlett, boxcar, triang, flattop, cosine,
-- {"kaiser", beta}, {"gaussian", deviation}, {"tukey", share}, or win_length numbers), center (true),
-- pad_mode ("constant", "reflect", "edge"), power (2), n_mels (128), fmin (0), fmax (false: sr / 2), htk (false),
-- mel_norm ("slaney", a number or false), dct_type (2 or 3), norm ("ortho" or false), lifter (0), top_db (80 or false)
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_mfcc, frames)
function feature.MFCC(options)
  return new("MFCC", options)
end

--- A mel spectrogram, as librosa.feature.melspectrogram.
-- @tparam ?table options those of MFCC from sr to mel_norm, without n_mfcc
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_mels, frames)
function feature.MelSpectrogram(options)
  return new("MelSpectrogram", options)
end

--- The short-time Fourier transform, as librosa.stft.
-- @tparam ?table options sr (22050), n_fft (2048), hop_length (false: win_length / 4), win_length (false: n_fft),
-- window ("hann"), center (true), pad_mode ("constant")
-- @treturn Plan called with a (samples,) Tensor, it gives a Tensor (n_fft / 2 + 1, frames, 2): real, imaginary
function feature.STFT(options)
  return new("STFT", options)
end

return feature
