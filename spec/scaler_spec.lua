local lubdub = require "lubdub"
local golden = require "support.json"
local noise = require "support.noise"
local standardize = require("lubdub.standard_scaler").standardize
local temporary = require "support.temporary"

local Tensor = lubdub.Tensor

local function fails(pattern, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

local function near(a, b, tolerance)
  assert.is_true(math.abs(a - b) <= tolerance, ("%g is not %g"):format(a, b))
end

describe("StandardScaler", function()
  local case = golden "signal_scaler.json"
  local x = Tensor(case.x):reshape(6, 4, 5, 1)

  it("is scikit-learn's, per coefficient", function()
    local scaler = lubdub.StandardScaler():fit(x)
    assert.equal(30, scaler.count)
    for i = 1, 4 do
      near(scaler.means[i], case.mean[i], 1e-13 * math.abs(case.mean[i]))
      near(scaler.squares[i] / 30, case.var[i], 1e-13 * case.var[i])
      near(scaler.scale[i], case.scale[i], 1e-6 * case.scale[i])
    end
    assert.equal(1, scaler.scale[3]) -- a constant coefficient
    local y = scaler:transform(x)
    assert.same({ 6, 4, 5, 1 }, y:shape())
    assert.is_true(y:reshape(120):allclose(Tensor(case.values), { atol = 2e-6, rtol = 0 }))
    assert.is_true(scaler:inverse_transform(y):allclose(x, { atol = 1e-5, rtol = 0 }))
    assert.is_true(lubdub.StandardScaler():fit_transform(x):equal(y))
    assert.equal("StandardScaler (per place of axis 2): fitted on 30 numbers per group", tostring(scaler))
  end)

  it("learns from parts what it learns from all", function()
    local all = lubdub.StandardScaler():fit(x)
    local parts = lubdub.StandardScaler()
    for _, range in ipairs { { 1, 1 }, { 2, 4 }, { 5, 6 } } do parts:partial_fit(x:slice(1, range[1], range[2])) end
    assert.equal(all.count, parts.count)
    for i = 1, 4 do
      near(parts.means[i], all.means[i], 1e-13 * math.abs(all.means[i]))
      near(parts.squares[i], all.squares[i], 1e-12 * all.squares[i])
    end
    assert.is_true(parts.scale:equal(all.scale))
    parts:fit(x) -- forgets
    assert.equal(30, parts.count)
  end)

  it("has other axes", function()
    local whole = lubdub.StandardScaler { axis = false }:fit_transform(x)
    near(whole:mean(), 0, 1e-6)
    near(whole:std(), 1, 1e-6)
    local each = lubdub.StandardScaler { axis = { 3, 2 } }:fit(x)
    assert.same({ 4, 5 }, each.mean:shape())
    for c = 1, 4 do
      for f = 1, 5 do
        local sum = 0
        for n = 1, 6 do sum = sum + x[n][c][f][1] end
        near(each.mean[c][f], sum / 6, 1e-5)
      end
    end
    local columns = lubdub.StandardScaler():fit_transform(Tensor { { 1, 10 }, { 3, 30 } })
    assert.same({ { -1, -1 }, { 1, 1 } }, columns:totable())
    local centred = lubdub.StandardScaler { with_std = false }:fit_transform(Tensor { { 1, 10 }, { 3, 30 } })
    assert.same({ { -1, -10 }, { 1, 10 } }, centred:totable())
  end)

  it("loses no digits beside a large mean", function()
    local offset = Tensor { 1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3 }:reshape(4, 1)
    local scaler = lubdub.StandardScaler():fit(offset)
    assert.equal(1.25, scaler.squares[1] / 4)
  end)

  it("refuses what does not fit", function()
    local scaler = lubdub.StandardScaler()
    fails("scaler_spec.lua:%d+: StandardScaler:transform: the scaler is not fitted", function()
      return (scaler:transform(x))
    end)
    scaler:fit(x)
    fails("StandardScaler:transform: axis 2 of x must have 4 places, as fitted, got %(2, 3%)", scaler.transform, scaler,
      Tensor.zeros { 2, 3 })
    fails("StandardScaler:partial_fit: axis 2 of x must have 4 places", scaler.partial_fit, scaler,
      Tensor.zeros { 2, 3 })
    fails("x must have an axis 2", scaler.transform, scaler, Tensor.zeros { 2 })
    fails("x has no rows", scaler.fit, scaler, Tensor.zeros { 0, 2 })
    fails("x is empty", scaler.partial_fit, lubdub.StandardScaler(), Tensor.zeros { 2, 3, 0 })
    fails("x has NaN in row 2", scaler.fit, scaler, Tensor { { 1, 2 }, { 0 / 0, 1 } })
    fails("x must be a tensor", scaler.fit, scaler, { 1 })
    fails("axis must be false, an axis from 2 on", lubdub.StandardScaler, { axis = 1 })
    fails("axis must be false, an axis from 2 on", lubdub.StandardScaler, { axis = { 2, 2 } })
    fails("with_mean must be true or false", lubdub.StandardScaler, { with_mean = 1 })
    assert.equal(30, scaler.count) -- nothing of that has changed it
  end)
end)

describe("standardize", function()
  it("gives every clip mean 0 and deviation 1", function()
    local x = noise(2 * 3 * 50, 1):reshape(2, 3, 50, 1) * 7 + 3
    local y = standardize(x)
    for i = 1, 2 do
      near(y[i]:mean(), 0, 1e-6)
      near(y[i]:std(), 1, 1e-6)
      assert.is_true(y[i]:allclose((x[i] - x[i]:mean()) / x[i]:std(), { atol = 1e-5, rtol = 0 }))
    end
    local z = standardize(x, { per = "coefficient" })
    for c = 1, 3 do
      near(z[2][c]:mean(), 0, 1e-6)
      near(z[2][c]:std(), 1, 1e-6)
    end
    assert.same({ { 0, 0 } }, standardize(Tensor { { 5, 5 } }):totable())
    fails('standardize: per must be "clip" or "coefficient"', standardize, x, { per = "row" })
  end)
end)

describe("preprocessing", function()
  local mfcc = lubdub.MFCC { n_mfcc = 5, sr = 2000, n_fft = 256, n_mels = 20 }
  local signal = lubdub.signal
  local clips, signals = {}, {}
  for i = 1, 4 do
    signals[i] = noise(4000, i)
    clips[i] = { audio = signals[i], samplerate = 2000 }
  end

  local function row(x) return mfcc(x):reshape(5, mfcc:shape(4000)[2], 1) end

  it("treats signals before the feature, in any number of threads", function()
    local filter = signal.butter { order = 3, cutoff = { 25, 400 }, sr = 2000 }
    local steps = lubdub.preprocessing.steps(mfcc, { duration = 2, filter = filter, remove_spikes = true,
      normalize = "rms", scale = 0.5 })
    local names = {}
    for i, step in ipairs(steps) do names[i] = step.name end
    assert.same({ "load", "filter", "remove_spikes", "normalize", "mfcc", "scale" }, names)
    local threads = lubdub.num_threads()
    for _, n in ipairs { 1, 3 } do
      lubdub.set_num_threads(n)
      local x = assert(lubdub.preprocessing.apply(steps, clips))
      for i, raw in ipairs(signals) do
        local y = signal.normalize(signal.remove_spikes(filter(raw), { sr = 2000 }), { norm = "rms" })
        assert.is_true(x[i]:equal(row(y) * 0.5))
      end
    end
    lubdub.set_num_threads(threads)
    local y, errors = lubdub.preprocessing.signals(steps, clips)
    assert.same({}, errors)
    assert.is_true(y[2]:equal(signal.normalize(signal.remove_spikes(filter(signals[2]), { sr = 2000 }),
      { norm = "rms" })))
    local x = lubdub.Dataset(clips):extract(mfcc, { duration = 2, filter = { order = 3, cutoff = { 25, 400 } } })
    assert.is_true(x[3]:equal(row(filter(signals[3]))))
    assert.matches("2%. filter%(btype = \"bandpass\", cutoff = {2 values}, order = 3",
      lubdub.preprocessing.describe(steps))
  end)

  it("says which signal is too short for a filter", function()
    local steps = lubdub.preprocessing.steps(mfcc, { filter = { order = 12, cutoff = { 100, 200 } } })
    local x, reason = lubdub.preprocessing.apply(steps, { { audio = noise(70, 1), samplerate = 2000 } })
    assert.is_nil(x)
    assert.matches("clip 1: sosfiltfilt: the signal must be longer than padlen, which is 75 samples, and has 70",
      reason)
  end)

  it("refuses steps that are none", function()
    local steps = lubdub.preprocessing.steps
    fails("cutoff must be below half the sample rate", steps, mfcc, { filter = { order = 2, cutoff = 1500 } })
    fails("the filter is for 4000 Hz, the plan for 2000 Hz", steps, mfcc,
      { filter = signal.butter { order = 2, cutoff = 300, sr = 4000 } })
    fails("scaler_spec.lua:%d+: normalize: option 'norm' must be one of peak, rms", function()
      return (steps(mfcc, { normalize = "loud" }))
    end)
    fails("remove_spikes must be a table of options, got number", steps, mfcc, { remove_spikes = 3 })
    fails('per must be "clip" or "coefficient", got row', steps, mfcc, { standardize = "row" })
    fails("scaler must be a fitted lubdub.StandardScaler, got table", steps, mfcc, { scaler = {} })
    fails("scaler is not fitted", steps, mfcc, { scaler = lubdub.StandardScaler() })
    fails("the first steps must be 'load'", lubdub.preprocessing.apply,
      { { name = "load" }, { name = "envelope" } }, clips)
  end)

  it("standardizes, and a model's file keeps the scaler", function()
    local folder, remove = temporary.folder()
    local x = assert(lubdub.preprocessing.apply(lubdub.preprocessing.steps(mfcc), clips))
    local scaler = lubdub.StandardScaler():fit(x)
    local steps = lubdub.preprocessing.steps(mfcc, { filter = { order = 2, cutoff = { 20, 300 } }, scaler = scaler })
    local y = assert(lubdub.preprocessing.apply(steps, clips))
    assert.is_true(y:equal(scaler:transform(assert(lubdub.preprocessing.apply(
      lubdub.preprocessing.steps(mfcc, { filter = { order = 2, cutoff = { 20, 300 } } }), clips)))))

    local layers = lubdub.layers
    local model = lubdub.Sequential { layers.Input(mfcc:shape(4000)), layers.Flatten(), layers.Dense { units = 2 } }
    model.preprocessing = steps
    local path = folder .. "/scaled.h5"
    assert(model:save(path))
    local back = assert(lubdub.load_model(path))
    assert.is_true(assert(lubdub.preprocessing.apply(back.preprocessing, clips)):equal(y))
    assert.matches("4%. standard_scaler%(axis = {1 values}, mean = Tensor {5}",
      lubdub.preprocessing.describe(back.preprocessing))

    local z = assert(lubdub.preprocessing.apply(lubdub.preprocessing.steps(mfcc, { standardize = "clip" }), clips))
    assert.is_true(z:equal(standardize(x)))
    remove()
  end)
end)
