--- The golden cases of spec/golden/make_spectral.py, computed and compared; for the specs and for
-- spec/golden/differences.lua.
local lubdub = require "lubdub"
local data = require "support.data"
local floats = require "support.floats"
local golden = require "support.json"
local signals = require "support.signals"


local spectral = {}

-- What the feature is computed from: a signal, or { S = }; nil where the recording is not here.
local function input_of(case)
  if case.spectrogram then
    local shape = case.spectrogram
    return { S = signals(case.source or "noise", shape[1] * shape[2]):abs():reshape(shape) }
  elseif case.signal then
    return signals(case.signal, case.n)
  end
  local path = data(case.file)
  return path and assert(lubdub.audio.load(path, case.load)):slice(1, 1, case.n)
end

--- What lubdub makes of a case; nil where its recording is not here.
function spectral.compute(case)
  local input = input_of(case)
  local f = lubdub.feature[case.feature]
  if input and (case.feature == "delta" or case.feature:find "_to_db$") then input = input.S end
  return input and f(input, case.options)
end

--- How far x is from the expected values: the largest difference in units of the largest value (of 1 dB at least), and
-- the number of values that differ at all.
function spectral.distance(case, x, expected)
  local largest = math.max(expected:abs():max(), case.feature == "spectral_contrast" and 1 or 0)
  local difference = (x - expected):abs()
  local off = 0
  for _, d in ipairs(difference:reshape(-1):totable()) do
    if d > 1e-6 * largest then off = off + 1 end
  end
  return difference:max() / (largest > 0 and largest or 1), off
end

--- How wide a bin is in units of the largest value, for features that count in bins.
function spectral.bin(case, expected)
  local sr = case.options.sr or 22050
  return sr / (case.options.n_fft or case.spectrogram and 2 * case.spectrogram[1] - 2 or 2048) / expected:abs():max()
end

--- All cases of "spectral" or "recordings": an iterator of case, expected Tensor.
function spectral.cases(name)
  local next_one, i, list = floats(name .. ".f32"), 0, golden(name .. ".json").cases
  return function()
    i = i + 1
    local case = list[i]
    if case then return case, next_one(case.shape) end
    assert(next_one(), name .. ".f32 has more than its cases")
  end
end

--- A case in words.
function spectral.describe(case)
  local names, parts = {}, {}
  for name in pairs(case.options) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = name .. " " .. tostring(case.options[name]) end
  local from = case.file or case.signal and ("%d samples of %s"):format(case.n, case.signal)
    or ("S of (%s)"):format(table.concat(case.spectrogram, ", "))
  return ("%s of %s: %s"):format(case.feature, from, table.concat(parts, ", "))
end

return spectral
