local lubdub = require "lubdub"
local feature = require "lubdub.feature"
local raises = require "support.raises"
local signals = require "support.signals"
local spectral = require "support.spectral"
local warning = require "lubdub.warning"

local Tensor = lubdub.Tensor

-- In units of the largest value. Of chroma and contrast librosa itself is 1.4e-6 from float64.
local bound = {
  rms = 5e-7, zero_crossing_rate = 0, spectral_centroid = 2e-7, spectral_bandwidth = 2e-7, spectral_contrast = 2e-6,
  chroma_stft = 2e-6, power_to_db = 5e-7, amplitude_to_db = 5e-7, delta = 2e-6, mfcc = 2e-6, melspectrogram = 2e-6,
}

describe("features are librosa's:", function()
  before_each(function() warning.on_warning(function() end) end)
  after_each(function() warning.on_warning(nil) end)

  local frames, moved = 0, 0
  for _, name in ipairs { "spectral", "recordings" } do
    for case, expected in spectral.cases(name) do
      it(spectral.describe(case), function()
        local x = spectral.compute(case)
        if not x then return pending "its recording is not in ../shared/data" end
        assert.same(case.shape, x:shape())
        local d, off = spectral.distance(case, x, expected)
        if case.feature == "spectral_rolloff" then
          frames, moved = frames + #x:reshape(-1), moved + off
          assert(d <= 1.01 * spectral.bin(case, expected), "off by more than a bin")
        else
          assert(d <= bound[case.feature], ("%.3g of the largest value"):format(d))
        end
      end)
    end
  end

  it("and at most one rolloff in a thousand is off by a bin", function()
    assert.is_true(frames > 100)
    assert.is_true(moved <= 1e-3 * frames)
  end)
end)

describe("a plan of each kind", function()
  local y = signals("beats", 3000)

  for name, kind in pairs(feature.names) do
    it(kind .. " tells its options, and is made again from them", function()
      local options = { sr = 32000, hop_length = 200, [kind == "RMS" and "frame_length" or "center"] = 600 }
      if options.center then options.center = false end
      if kind == "MFCC" then options.n_mels = 30 end
      local plan = lubdub[kind](options)
      assert.equal(kind, plan.kind)
      assert.equal(32000, plan.sr)
      assert.same(200, plan:config().hop_length)
      assert.matches("^" .. kind .. "%(sr = 32000, ", tostring(plan))
      local dkjson = require "dkjson"
      local again = lubdub[kind](dkjson.decode(dkjson.encode(plan:config())))
      assert.equal(tostring(plan), tostring(again))
      local x = plan(y)
      assert.same(plan:shape(3000), x:shape())
      assert.is_true(x:equal(again(y)))
      assert.is_true(x:equal(plan { y = y }))
      assert.is_true(x:equal(feature[name](y, options)))
    end)
  end

  it("of other norms prints and keeps them", function()
    for _, norm in ipairs { 2, "inf", false, 0.5 } do
      local plan = lubdub.ChromaSTFT { norm = norm }
      assert.equal(norm, plan:config().norm)
      assert.equal(tostring(plan), tostring(lubdub.ChromaSTFT(plan:config())))
    end
    assert.equal("inf", lubdub.ChromaSTFT { norm = math.huge }:config().norm)
    assert.matches('norm = "inf"%)$', tostring(lubdub.ChromaSTFT {}))
  end)

  it("starts from a spectrogram as from the signal that has it", function()
    local stft = lubdub.STFT { hop_length = 512 }(y)
    local bins, n = stft:shape(1), stft:shape(2)
    local power = (stft ^ 2):sum(3):reshape(bins, n)
    local magnitude = power:sqrt()
    for kind, S in pairs { SpectralCentroid = magnitude, SpectralBandwidth = magnitude, SpectralContrast = magnitude,
      ChromaSTFT = power, MelSpectrogram = power } do
      local plan = lubdub[kind] {}
      local x, from_S = plan(y), plan { S = S }
      assert.same(x:shape(), from_S:shape())
      assert.is_true((x - from_S):abs():max() <= 1e-4 * x:abs():max())
    end
    local decibels = lubdub.power_to_db(lubdub.MelSpectrogram {}(y))
    local x = lubdub.MFCC {}(y)
    assert.is_true((lubdub.MFCC { top_db = 1 } { S = decibels } - x):abs():max() <= 1e-5 * x:abs():max())
    -- Parseval: the RMS of a spectrogram without window is the signal's
    local flat = lubdub.STFT { n_fft = 500, hop_length = 500, window = "boxcar", center = false }(y)
    local S = (flat ^ 2):sum(3):sqrt():reshape(251, 6)
    local r = lubdub.RMS { frame_length = 500, hop_length = 500, center = false }
    assert.is_true((r(y) - r { S = S }):abs():max() <= 1e-5 * r(y):max())
  end)

  it("serves extraction and preprocessing like the MFCC", function()
    local clips = lubdub.Dataset { { audio = y, samplerate = 22050 }, { audio = y * 0.5, samplerate = 22050 } }
    for name, kind in pairs(feature.names) do
      local plan = lubdub[kind] {}
      local x = clips:extract(plan)
      local steps = lubdub.preprocessing.steps(plan)
      assert.equal(name, steps[2].name)
      assert.is_true(x:equal(clips:extract(steps)))
      assert.is_true(x[1]:reshape(plan:shape(3000)):equal(plan(y)))
      assert.matches("2%. " .. name .. "%(%)", lubdub.preprocessing.describe(steps))
    end
  end)

  for what, case in pairs {
    ["S of other rows"] = { lubdub.SpectralCentroid {}, { S = Tensor.zeros { 7, 3 } },
      "SpectralCentroid: S must be (1025, frames), got (7, 3)" },
    ["a signal as S"] = { lubdub.RMS {}, { S = y }, "RMS: S must be (1025, frames), got (3000,)" },
    ["negative magnitudes"] = { lubdub.SpectralRolloff { n_fft = 4 }, { S = Tensor { { 1, 2 }, { 0, -3 }, { 1, 1 } } },
      "S must be finite and not negative, and has -3 in row 2, column 2" },
    ["NaN in S"] = { lubdub.RMS { frame_length = 2 }, { S = Tensor { { 0 / 0 }, { 1 } } }, "in row 1, column 1" },
    ["S where there is none"] = { lubdub.ZeroCrossingRate {}, { S = y }, "ZeroCrossingRate: takes a signal, and no S" },
    ["S of an STFT"] = { lubdub.STFT {}, { S = y }, "STFT: takes a signal" },
    ["a table without either"] = { lubdub.RMS {}, { x = y }, "RMS: the signal must be a Tensor, got table" },
    ["NaN"] = { lubdub.RMS {}, Tensor { 1, 0 / 0 }, "RMS: sample 2 is not finite" },
    ["a short signal without centring"] = { lubdub.RMS { center = false }, Tensor.zeros { 2047 },
      "RMS: without centring the signal must have frame_length (2048) samples, got 2047" },
  } do
    it("refuses " .. what, function() raises(function() case[1](case[2]) end, case[3]) end)
  end

  for what, case in pairs {
    ["an option of another kind"] = { lubdub.RMS, { n_fft = 512 }, "RMS: unknown option 'n_fft'" },
    ["a window where there is none"] = { lubdub.RMS, { window = "hann" }, "unknown option 'window'" },
    ["a hop of nothing"] = { lubdub.ZeroCrossingRate, { hop_length = 0 }, "option 'hop_length' must be in" },
    ["a share of all"] = { lubdub.SpectralRolloff, { roll_percent = 1 }, "option 'roll_percent' must be in" },
    ["octaves above half the rate"] = { lubdub.SpectralContrast, { sr = 4000 },
      "SpectralContrast: no bin of n_fft (2048) lies between 3200 and 6400 Hz; give fewer n_bands" },
    ["octaves without a bin"] = { lubdub.SpectralContrast, { n_fft = 64 }, "give a larger n_fft" },
    ["a norm that is none"] = { lubdub.ChromaSTFT, { norm = "two" }, "option 'norm' must be a number from 0, \"inf\"" },
    ["a negative norm"] = { lubdub.ChromaSTFT, { norm = -1 }, "option 'norm' must be a number from 0" },
  } do
    it("refuses " .. what, function() raises(function() case[1](case[2]) end, case[3]) end)
  end

  it("counts frames as librosa does, and does not depend on what lies around", function()
    local seed = 11
    local function random(low, high)
      seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
      return low + (seed >> 8) % (high - low + 1)
    end
    for _ = 1, 30 do
      local length, hop = random(1, 300), random(1, 200)
      local n = length + random(0, 2000)
      local x = signals("noise", n)
      for _, kind in ipairs { "RMS", "SpectralCentroid" } do
        local size = kind == "RMS" and "frame_length" or "n_fft"
        for _, center in ipairs { true, false } do
          local plan = lubdub[kind] { [size] = length, hop_length = hop, center = center }
          local frames = 1 + (n + (center and 2 * (length // 2) or 0) - length) // hop
          assert.same({ 1, frames }, plan:shape(n))
          if not center then
            local at = random(0, frames - 1)
            local alone = plan(x:slice(1, at * hop + 1, at * hop + length))
            assert.equal(alone:totable()[1][1], plan(x):totable()[1][at + 1])
          end
        end
      end
    end
  end)
end)

describe("dB", function()
  local S = Tensor { { 1, 0.1 }, { 0, 1e-3 } }

  it("take references by name, number and function", function()
    local half = lubdub.power_to_db(S, { ref = function(x) return x:max() / 2 end, top_db = false })
    assert.is_true(math.abs(half:totable()[1][1] - 3.0103) < 1e-4)
    assert.is_true(lubdub.power_to_db(S * 7, { ref = "max" }):max() == 0)
    assert.is_true(lubdub.amplitude_to_db(S * -7, { ref = "max" }):max() == 0)
    assert.is_true(lubdub.power_to_db(S, { ref = -1 }):equal(lubdub.power_to_db(S)))
    assert.same({ 0, 3 }, lubdub.power_to_db(Tensor.zeros { 0, 3 }):shape())
  end)

  for what, case in pairs {
    ["no tensor"] = { { 1 }, nil, "power_to_db: expected a Tensor, got table" },
    ["amin 0"] = { S, { amin = 0 }, "amin must be a number above 0, got 0" },
    ["a negative floor"] = { S, { top_db = -1 }, "top_db must be a number from 0, or false, got -1" },
    ["a reference that is none"] = { S, { ref = "most" }, "ref must be a number, \"max\"" },
    ["NaN"] = { Tensor { 1, 0 / 0 }, nil, "power_to_db: element 2 is NaN" },
    ["an unknown option"] = { S, { topdb = 3 }, "unknown option 'topdb'; did you mean 'top_db'?" },
  } do
    it("refuse " .. what, function() raises(function() lubdub.power_to_db(case[1], case[2]) end, case[3]) end)
  end
end)

describe("delta", function()
  it("works along any axis", function()
    local x = signals("beats", 600):reshape(20, 30)
    local d = lubdub.delta(x)
    assert.is_true(lubdub.delta(x:transpose(), { axis = 1 }):transpose():equal(d))
    assert.is_true(lubdub.delta(x:reshape(1, 20, 30, 1), { axis = 3 }):reshape(20, 30):equal(d))
  end)

  it("is exact on polynomials", function()
    local t = Tensor.arange(20)
    assert.is_true((lubdub.delta(t * 3 + 1, { width = 5 }) - 3):abs():max() < 1e-6)
    assert.is_true((lubdub.delta(t ^ 2 * 2, { width = 7, order = 2 }) - 4):abs():max() < 1e-5)
  end)

  local x = Tensor.zeros { 2, 8 }
  for what, case in pairs {
    ["an even width"] = { { width = 4 }, "delta: width must be odd and at least 3, got 4" },
    ["a width of 1"] = { { width = 1 }, "width must be odd and at least 3, got 1" },
    ["a width beyond the frames"] = { {}, "width (9) must be at most the number of frames (8) in mode 'interp'" },
    ["order 0"] = { { order = 0, width = 3 }, "order must be from 1 to width - 1, got 0" },
    ["an order as large as the width"] = { { order = 3, width = 3 }, "order must be from 1 to width - 1, got 3" },
    ["an axis that is not there"] = { { axis = 3 }, "axis 3 is not one of 2" },
    ["an unknown mode"] = { { mode = "reflect" }, "'mode' must be one of interp, nearest, mirror, constant, wrap" },
  } do
    it("refuses " .. what, function() raises(function() lubdub.delta(x, case[1]) end, case[2]) end)
  end
end)
