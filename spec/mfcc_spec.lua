local lubdub = require "lubdub"
local feature = require "lubdub.feature"
local floats = require "support.floats"
local golden = require "support.json"
local signals = require "support.signals"
local warned = require "support.warned"

local Tensor = lubdub.Tensor

-- The largest difference, in units of the largest value.
local function distance(x, expected)
  local largest = expected:abs():max()
  return (x - expected):abs():max() / (largest > 0 and largest or 1)
end

local function description(case)
  local names, parts = {}, {}
  for name in pairs(case.options) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = case.options[name]
    if type(value) == "table" then value = value[1] end
    parts[i] = name .. " " .. tostring(value)
  end
  return ("%s of %d samples of %s: %s"):format(case.kind, case.n, case.signal, table.concat(parts, ", "))
end

describe("features are librosa's:", function()
  local said = warned(before_each, after_each)

  local next_one = floats "features.f32"
  for _, case in ipairs(golden("features.json").cases) do
    local expected = next_one(case.shape)
    it(description(case), function()
      local plan = feature[case.kind](case.options)
      local x = plan(signals(case.signal, case.n))
      assert.same(case.shape, x:shape())
      assert.same(case.shape, plan:shape(case.n))
      local d = distance(x, expected)
      assert(d <= 2e-6, ("%.3g of the largest value"):format(d))
    end)
  end

  it("and the golden file has nothing more", function() assert.is_true(next_one()) end)

  it("empty mel filters are told, once", function()
    for _ = 1, 2 do lubdub.MFCC { sr = 4000, n_mels = 128, n_fft = 128 } end
    assert.equal(1, #said)
    assert.matches("MFCC: %d+ of 128 mel filters are empty", said[1])
  end)

  it("bands that are all alike have exactly 0 behind the first coefficient", function()
    local x = lubdub.MFCC { n_mfcc = 40 }(Tensor.concat { signals("silence", 20000), signals("noise", 1000) * 3e-3 })
    assert.equal(0, x:slice(2, 1, 30):slice(1, 2, 40):abs():max())
    assert.is_true(x:slice(2, -1):slice(1, 2, 40):abs():max() > 0)
  end)

  it("frames are counted as librosa does", function()
    local seed = 7
    local function random(low, high)
      seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
      return low + (seed >> 8) % (high - low + 1)
    end
    for _ = 1, 60 do
      local n_fft, hop = random(1, 300), random(1, 400)
      local n = n_fft + random(0, 1000)
      for _, center in ipairs { true, false } do
        local plan = feature.STFT { n_fft = n_fft, hop_length = hop, center = center }
        local frames = 1 + (n + (center and 2 * (n_fft // 2) or 0) - n_fft) // hop
        assert.same({ n_fft // 2 + 1, frames, 2 }, plan:shape(n))
      end
    end
  end)

  it("Parseval's sum holds for any length", function()
    for _, n_fft in ipairs { 8, 9, 30, 64, 101, 250, 512, 777, 1024, 2048, 2310, 16384 } do
      local y = signals("noise", n_fft)
      local power = feature.STFT { n_fft = n_fft, window = "boxcar", center = false, hop_length = n_fft }(y) ^ 2
      local bins = n_fft // 2 + 1
      local both = 2 * power:sum() - power[1]:sum() - (n_fft % 2 == 0 and power[bins]:sum() or 0)
      local energy = n_fft * (y ^ 2):sum()
      assert(math.abs(both - energy) <= 1e-5 * energy, ("n_fft %d: %g, %g"):format(n_fft, both, energy))
    end
  end)

  it("a frame does not depend on the frames around it", function()
    local y = signals("noise", 9000)
    local plan = feature.MFCC { n_mfcc = 13, top_db = false, center = false }
    local whole = plan(y)
    for _, frame in ipairs { 1, 2, 7, 14 } do
      local first = (frame - 1) * 512
      local alone = plan(y:slice(1, first + 1, first + 2048))
      assert.is_true(alone:equal(whole:slice(2, frame, frame)))
    end
  end)
end)

describe("a plan", function()
  local mfcc = lubdub.MFCC { n_mfcc = 40 }

  it("tells its options", function()
    assert.equal("MFCC", mfcc.kind)
    assert.equal(22050, mfcc.sr)
    local config = mfcc:config()
    assert.equal(40, config.n_mfcc)
    assert.equal(2048, config.n_fft)
    assert.equal(false, config.win_length)
    assert.equal("hann", config.window)
    assert.equal("slaney", config.mel_norm)
    assert.matches("^MFCC%(sr = 22050, n_mfcc = 40, n_fft = 2048, hop_length = 512, ", tostring(mfcc))
    assert.same({ 40, 173 }, mfcc:shape(88200))
  end)

  it("is made again from its configuration, with any window", function()
    local y = signals("beats", 3000)
    local numbers = {}
    for i = 1, 400 do numbers[i] = math.sin(i / 130) end
    for _, window in ipairs { "flattop", { "kaiser", 9 }, { "tukey", 0.25 }, "tukey", 8.6, numbers, Tensor(numbers) } do
      local plan = lubdub.MFCC { n_fft = 512, win_length = 400, window = window, mel_norm = math.huge, top_db = false }
      local json = require "dkjson"
      local again = lubdub.MFCC(json.decode(json.encode(plan:config())))
      assert.is_true(plan(y):equal(again(y)))
      assert.equal(tostring(plan), tostring(again))
    end
  end)

  it("takes views as they are", function()
    local y = Tensor.stack { signals("noise", 3000), signals("beats", 3000) }
    assert.is_true(mfcc(y[2]):equal(mfcc(signals("beats", 3000))))
    assert.is_true(mfcc(y:transpose():contiguous():transpose()[1]):equal(mfcc(signals("noise", 3000))))
  end)

  it("gives the same when called again, and on other lengths in between", function()
    local y = signals("beats", 9000)
    local first = mfcc(y)
    mfcc(signals("noise", 100))
    mfcc(signals("noise", 40000))
    assert.is_true(first:equal(mfcc(y)))
  end)

  for name, case in pairs {
    ["an unknown option"] = { { n_mfc = 3 }, "MFCC: unknown option 'n_mfc'; did you mean 'n_mfcc'%?" },
    ["no hop"] = { { hop_length = 0 }, "option 'hop_length' must be in" },
    ["a negative hop"] = { { hop_length = -5 }, "option 'hop_length' must be in" },
    ["half a coefficient"] = { { n_mfcc = 2.5 }, "option 'n_mfcc' must be a whole number" },
    ["more coefficients than bands"] = { { n_mfcc = 41, n_mels = 40 }, "n_mfcc %(41%) must be at most n_mels %(40%)" },
    ["fmax above half the rate"] = { { sr = 4000, fmax = 3000 }, "fmax %(3000 Hz%) is above half" },
    ["fmin at fmax"] = { { fmin = 500, fmax = 500 }, "fmin %(500 Hz%) must be below fmax" },
    ["a window longer than the FFT"] = { { win_length = 3000 }, "win_length %(3000%) must be at most n_fft %(2048%)" },
    ["an unknown window"] = { { window = "hannn" }, "unknown window 'hannn'; did you mean 'hann'" },
    ["a window without its parameter"] = { { window = "kaiser" }, "needs its parameter: {\"kaiser\", number}" },
    ["a window with a parameter too much"] = { { window = { "hann", 3 } }, "takes no parameter" },
    ["window numbers that are too few"] = { { window = { 1, 2, 3 } }, "must have win_length %(2048%) numbers, got 3" },
    ["a norm of the filters that is none"] = { { mel_norm = "slany" }, "'mel_norm' must be \"slaney\", a number" },
    ["a negative norm of the filters"] = { { mel_norm = -2 }, "a numeric mel_norm must be at least 0" },
    ["a type of DCT that is none"] = { { dct_type = 4 }, "option 'dct_type' must be in" },
    ["an unknown way of padding"] = { { pad_mode = "wrap" }, "'pad_mode' must be one of constant, reflect, edge" },
  } do
    it("refuses " .. name, function()
      local ok, message = pcall(lubdub.MFCC, case[1])
      assert.is_false(ok)
      assert.matches(case[2], message)
      assert.not_matches("lua/lubdub", message) -- the error points at the caller's line
    end)
  end

  for name, case in pairs {
    ["an empty signal"] = { Tensor {}, "the signal is empty" },
    ["NaN"] = { Tensor { 1, 2, 0 / 0, 3 }, "sample 3 is not finite" },
    ["an infinite sample"] = { Tensor { 1, math.huge }, "sample 2 is not finite %(inf%)" },
    ["channels"] = { Tensor.zeros { 2, 3000 }, "the signal must be %(samples,%), got %(2, 3000%)" },
    ["a table"] = { { 1, 2 }, "the signal must be a Tensor, got table" },
  } do
    it("refuses " .. name, function()
      local ok, message = pcall(mfcc, case[1])
      assert.is_false(ok)
      assert.matches(case[2], message)
      assert.not_matches("lua/lubdub", message)
    end)
  end

  it("refuses a signal shorter than the FFT where it does not centre", function()
    assert.error_matches(function() lubdub.MFCC { center = false }(Tensor.zeros { 2047 }) end,
      "must have n_fft %(2048%) samples, got 2047")
    assert.same({ 20, 1 }, lubdub.MFCC { center = false }(Tensor.zeros { 2048 }):shape())
  end)
end)

describe("every kernel variant", function()
  -- Prints a checksum of features over powers of two and other sizes, as bytes.
  local program = [[
    local lubdub = require "lubdub"
    local feature = require "lubdub.feature"
    local y = require "support.signals" ("beats", 7000)
    local sum = 0
    local function add(x)
      for word in x:to_bytes():gmatch "...." do sum = (sum * 31 + string.unpack("<I4", word)) & 0xFFFFFFFFFFFF end
    end
    for _, n_fft in ipairs { 8, 16, 64, 256, 1000, 999, 2048, 8192 } do
      add(feature.STFT { n_fft = n_fft, hop_length = 333 }(y))
      add(lubdub.MFCC { n_fft = n_fft, n_mfcc = 13, n_mels = 21, power = n_fft == 64 and 1 or 2, fmax = 9000 }(y))
    end
    for _, kind in pairs { "RMS", "ZeroCrossingRate", "SpectralCentroid", "SpectralBandwidth", "SpectralRolloff",
      "SpectralContrast", "ChromaSTFT" } do
      for _, n_fft in ipairs { 512, 900, 999 } do
        local size = kind:find "^[RZ]" and "frame_length" or "n_fft"
        local o = { [size] = n_fft, hop_length = 333 }
        if kind == "SpectralContrast" then o.n_bands = 4 end
        add(lubdub[kind](o)(y))
      end
    end
    print(sum)
    local x = lubdub.MFCC { n_mfcc = 13 } (y)
    print(("%.9g"):format(x:abs():sum()))
  ]]
  local function run(variant)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write('require("lubdub.warning").on_warning(function() end)\n', program)
    file:close()
    local pipe = io.popen(("LUBDUB_CPU=%s LUA_PATH='%s' LUA_CPATH='%s' lua5.4 %s 2>&1"):format(variant,
      package.path, package.cpath, name))
    local sum, total = pipe:read("l", "n")
    pipe:close()
    os.remove(name)
    return sum, total
  end

  local _, variants = lubdub.cpu()
  local sums, totals = {}, {}
  for _, variant in ipairs(variants) do sums[variant], totals[variant] = run(variant) end

  it("runs", function()
    for _, variant in ipairs(variants) do
      assert.is_number(totals[variant], variant .. ": " .. tostring(sums[variant]))
      assert.is_true(math.abs(totals[variant] - totals.plain) <= 1e-5 * totals.plain)
    end
  end)

  it("AVX2 and AVX-512 give the same bits", function()
    if not sums.avx512 then return pending "this CPU has no AVX-512" end
    assert.equal(sums.avx2, sums.avx512)
  end)
end)

describe("PASCAL's recordings", function()
  local root = require "support.data" "pascal2011"

  it("have librosa's MFCC, load and resampling included", function()
    if not root then return pending "../shared/data/pascal2011 is not here" end
    local about = golden "pascal_mfcc.json"
    local next_clip = floats "pascal_mfcc.f32"
    local paths = {}
    for i, path in ipairs(about.paths) do paths[i] = root .. "/" .. path end
    local plan = lubdub.MFCC { sr = 22050, n_mfcc = 40 }
    local steps = lubdub.preprocessing.steps(plan, { duration = 4 })
    local x = assert(lubdub.preprocessing.apply(steps, paths))
    assert.same({ 404, 40, 173, 1 }, x:shape())
    local largest, sum = 0, 0
    for i = 1, #paths do
      local expected = next_clip { #about.columns, 40 }
      for c, column in ipairs(about.columns) do
        local d = (x[i]:slice(2, column, column):reshape(40) - expected[c]):abs()
        largest, sum = math.max(largest, d:max()), sum + d:sum()
      end
    end
    local mean = sum / (#paths * #about.columns * 40)
    assert(largest <= 1e-3, "largest difference " .. largest)
    assert(mean <= 2e-5, "mean difference " .. mean)
    assert.is_true(next_clip())
  end)
end)
