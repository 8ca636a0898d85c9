local lubdub = require "lubdub"
local batches = require "lubdub.batches"
local noise = require "support.noise"

local Tensor, augment, signal = lubdub.Tensor, lubdub.augment, lubdub.signal

local function fails(pattern, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

local SR = 2000
local mfcc = lubdub.MFCC { sr = SR, n_mfcc = 6, n_fft = 256, hop_length = 128, n_mels = 20 }

-- n signals, and targets that tell the row
local function data(n, samples)
  local x, y = {}, {}
  for i = 1, n do
    x[i] = noise(samples or 1500, i)
    y[i] = {}
    for j = 1, n do y[i][j] = i == j and 1 or 0 end
  end
  return Tensor.stack(x), Tensor(y)
end

-- Copies of all batches of an epoch.
local function collect(source, epoch, seed)
  local list = {}
  for x, y, w in source(epoch, seed) do
    list[#list + 1] = { x = x:clone(), y = y and y:clone(), w = w and w:clone() }
  end
  return list
end

local function same(a, b)
  assert.equal(#a, #b)
  for i, batch in ipairs(a) do
    for _, name in ipairs { "x", "y", "w" } do
      assert.equal(batch[name] == nil, b[i][name] == nil)
      if batch[name] then assert.is_true(batch[name]:equal(b[i][name])) end
    end
  end
end

local function differ(a, b) assert.is_false(a:equal(b)) end

describe("an augmentation", function()
  local x = noise(4000, 7)

  it("is a function of seed, epoch and row", function()
    local function all(given)
      given.sr = SR
      return {
        augment.add_noise { snr_db = { 0, 20 } }(x, given), augment.gain { db = { -6, 6 } }(x, given),
        augment.time_shift { seconds = 0.5 }(x, given),
        augment.time_stretch { rate = { 0.8, 1.2 }, n_fft = 256 }(x, given),
        augment.pitch_shift { n_steps = { -2, 2 }, n_fft = 256 }(x, given),
      }
    end
    local first = all {}
    for i, y in ipairs(all { seed = 0, epoch = 1, row = 1 }) do assert.is_true(y:equal(first[i])) end
    for _, other in ipairs { { seed = 1 }, { epoch = 2 }, { row = 2 } } do
      for i, y in ipairs(all(other)) do
        differ(y, first[i])
        assert.is_true(y:isfinite())
      end
    end
  end)

  it("adds noise at the given ratio", function()
    for _, snr in ipairs { -10, 0, 30 } do
      local y = augment.add_noise { snr_db = snr }(x, { sr = SR })
      local added = y - x
      assert.is_true(math.abs(added:mean()) < 4 * added:std() / math.sqrt(4000))
      local found = 10 * math.log((x * x):mean() / (added * added):mean(), 10)
      assert.is_true(math.abs(found - snr) < 0.5, ("%g dB"):format(found))
    end
    assert.is_true(augment.add_noise { snr_db = 3 }(Tensor.zeros { 50 }, { sr = SR }):equal(Tensor.zeros { 50 }))
  end)

  it("makes louder, and happens with its probability", function()
    assert.is_true(augment.gain { db = 20 }(x, { sr = SR }):allclose(x * 10, { rtol = 1e-6, atol = 0 }))
    local happened = 0
    local half = augment.gain { db = 20, p = 0.5 }
    for row = 1, 400 do
      if not half(x, { sr = SR, row = row }):equal(x) then happened = happened + 1 end
    end
    assert.is_true(happened > 150 and happened < 250)
    assert.is_true(augment.gain { db = 20, p = 0 }(x, { sr = SR }):equal(x))
  end)

  it("shifts in time, both ways", function()
    local ramp = Tensor.arange(1, 1001)
    local seen = {}
    for row = 1, 200 do
      local y = augment.time_shift { seconds = 0.01 }(ramp, { sr = 1000, row = row })
      local shift = 500 - math.tointeger(y[500])
      seen[shift] = true
      local expected = {}
      for i = 1, 1000 do expected[i] = i - shift >= 1 and i - shift <= 1000 and i - shift or 0 end
      assert.is_true(y:equal(Tensor(expected)))
      local turned = augment.time_shift { seconds = 0.01, wrap = true }(ramp, { sr = 1000, row = row })
      assert.equal(ramp:sum(), turned:sum())
      assert.equal(500 - shift, turned[500])
    end
    for shift = -9, 9 do assert.is_true(seen[shift], "never " .. shift) end
    for shift in pairs(seen) do assert.is_true(math.abs(shift) <= 10) end
    local short = augment.time_shift { seconds = 100 }(Tensor { 1, 2, 3 }, { sr = 1000 })
    assert.same({ 3 }, short:shape())
  end)

  it("stretches and shifts pitch as lubdub.signal, at the old length", function()
    for _, rate in ipairs { 0.8, 1.25 } do
      assert.is_true(augment.time_stretch { rate = rate, n_fft = 256 }(x, { sr = SR }):equal(
        signal.fix_length(signal.time_stretch(x, { rate = rate, n_fft = 256 }), 4000)))
    end
    assert.is_true(augment.pitch_shift { n_steps = -1.5, n_fft = 256 }(x, { sr = SR }):equal(
      signal.pitch_shift(x, { n_steps = -1.5, sr = SR, n_fft = 256 })))
  end)

  it("masks frames and bands", function()
    local ones = Tensor.ones { 8, 30 }
    local widths = {}
    for row = 1, 200 do
      local y = augment.time_mask { frames = 5 }(ones, { row = row })
      local first = y[1]
      for c = 2, 8 do assert.is_true(y[c]:equal(first)) end
      local width = math.tointeger(30 - first:sum())
      widths[width] = true
      local text = {}
      for i, value in ipairs(first:totable()) do text[i] = ("%d"):format(value) end
      assert.matches("^1*0*1*$", table.concat(text))
    end
    assert.same({ true, true, true, true, true, [0] = true }, widths)
    local y = augment.frequency_mask { bands = 20, value = -3, count = 40 }(ones:reshape(8, 30, 1), { row = 3 })
    assert.is_true(y:equal(Tensor.zeros { 8, 30, 1 } - 3)) -- forty masks of 0 .. 8 of 8 bands leave none
    local mean = augment.time_mask { frames = 30, count = 60, value = "mean" }(Tensor { { 1, 2 }, { 3, 4 } })
    assert.same({ { 2.5, 2.5 }, { 2.5, 2.5 } }, mean:totable())
  end)

  it("prints itself and refuses bad options", function()
    assert.equal("add_noise { p = 1, snr_db = { 5, 20 } }", tostring(augment.add_noise { snr_db = { 5, 20 } }))
    fails("augment_spec.lua:%d+: add_noise: option 'snr_db' is missing", function() return augment.add_noise {} end)
    fails("add_noise: unknown option 'snr_bd'; did you mean 'snr_db'?", augment.add_noise, { snr_bd = 3 })
    fails("gain: db must be { low, high } with low <= high, got { 6, %-6 }", augment.gain, { db = { 6, -6 } })
    fails("gain: db must be a number from %-200 to 200, got nil", augment.gain, { db = { 6 } })
    fails("gain: p must be a number from 0 to 1, got 2", augment.gain, { db = 6, p = 2 })
    fails("time_shift: seconds must be a number", augment.time_shift, { seconds = -1 })
    fails("time_stretch: rate must be a number from 0.1 to 10, got 0", augment.time_stretch, { rate = 0 })
    fails("pitch_shift: n_fft must be a multiple of 4, got 510", augment.pitch_shift, { n_steps = 1, n_fft = 510 })
    fails("time_mask: frames must be a whole number, got 1.5", augment.time_mask, { frames = 1.5 })
    fails("frequency_mask: option 'bands' is missing", augment.frequency_mask)
    fails("mixup: alpha must be a number", augment.mixup, { alpha = 0 })
    local gain = augment.gain { db = 1 }
    fails("gain: option 'sr' is missing", gain, x)
    fails("gain: a signal must be %(samples,%), got %(2, 2%)", gain, Tensor.ones { 2, 2 }, { sr = 1 })
    fails("gain: x has NaN in row 2", gain, Tensor { 1, 0 / 0 }, { sr = 1 })
    fails("mixup: needs a batch", augment.mixup(), x)
    fails("time_mask: a feature must be %(coefficients, frames%)", augment.time_mask { frames = 2 }, x)
  end)
end)

describe("augment.source", function()
  local x, y = data(11)

  local function everything(more)
    local given = {
      plan = mfcc, batch_size = 4, augment.add_noise { snr_db = { 0, 20 } }, augment.time_shift { seconds = 0.1 },
      augment.time_stretch { rate = { 0.9, 1.1 }, n_fft = 256, p = 0.7 },
      augment.pitch_shift { n_steps = { -1, 1 }, n_fft = 256, p = 0.5 },
      augment.gain { db = { -6, 6 } }, augment.time_mask { frames = 3 }, augment.frequency_mask { bands = 2 },
    }
    for name, value in pairs(more or {}) do given[math.type(name) and #given + 1 or name] = value end
    return given
  end

  it("without augmentations is the plain source of the features", function()
    local rows = {}
    for i = 1, 11 do rows[i] = mfcc(x[i]):expand_dims(3) end
    local w = Tensor.arange(1, 12)
    local plain = batches.of_tensors(Tensor.stack(rows), y, w, { batch_size = 4 })
    local source = augment.source(x, y, { plan = mfcc, batch_size = 4, sample_weight = w })
    assert.equal(3, source.steps)
    assert.is_true(batches.is_source(source))
    for epoch = 1, 2 do same(collect(plain, epoch, 5), collect(source, epoch, 5)) end
    same(collect(batches.of_tensors(Tensor.stack(rows), y, nil, { batch_size = 20, shuffle = false }), 1, 5),
      collect(augment.source(x, y, { plan = mfcc, batch_size = 20, shuffle = false }), 1, 5))
    assert.equal("batch source: 11 rows in batches of 4, shuffled, 0 augmentations", tostring(source))
  end)

  it("gives the same with any threads, with and without the background, again and again", function()
    local threads = lubdub.num_threads()
    local expected = collect(augment.source(x, y, everything { augment.mixup { alpha = 1 } }), 3, 9)
    for _, n in ipairs { 1, 2, 5 } do
      lubdub.set_num_threads(n)
      for _, background in ipairs { true, false } do
        local source = augment.source(x, y, everything { augment.mixup { alpha = 1 }, background = background })
        collect(source, 2, 9)
        same(expected, collect(source, 3, 9))
        same(expected, collect(source, 3, 9))
      end
    end
    lubdub.set_num_threads(threads)
    local fixed = augment.source(x, y, everything { augment.mixup { alpha = 1 }, seed = 9 })
    same(expected, collect(fixed, 3, 1234))
    differ(expected[1].x, collect(fixed, 4, 1)[1].x)
  end)

  it("makes of a row what it is, whatever the batch", function()
    local function rows(given)
      local found = {}
      for _, batch in ipairs(collect(augment.source(x, y, given), 2, 7)) do
        local classes = batch.y:argmax(2):totable()
        for i, row in ipairs(classes) do found[math.tointeger(row)] = batch.x[i] end
      end
      return found
    end
    local a, b = rows(everything()), rows(everything { batch_size = 3, shuffle = false })
    assert.equal(11, #a)
    for i = 1, 11 do assert.is_true(a[i]:equal(b[i])) end
    -- and what the augmentation alone makes of it
    local noisy = rows { plan = mfcc, augment.add_noise { snr_db = { 0, 20 } } }
    for i = 1, 11 do
      local one = augment.add_noise { snr_db = { 0, 20 } }(x[i], { sr = SR, seed = 7, epoch = 2, row = i })
      assert.is_true(noisy[i]:equal(mfcc(one):expand_dims(3)))
    end
  end)

  it("mixes rows and targets with the same shares", function()
    local n = 64
    local values, identity = {}, {}
    for i = 1, n do
      values[i] = { i, i, i }
      identity[i] = {}
      for j = 1, n do identity[i][j] = i == j and 1 or 0 end
    end
    local shares = {}
    local source = augment.source(Tensor(values), Tensor(identity), { augment.mixup { alpha = 0.4 }, batch_size = n })
    for epoch = 1, 20 do
      local batch = collect(source, epoch, 1)[1]
      for i, target in ipairs(batch.y:totable()) do
        local sum, value = 0, 0
        for j, share in ipairs(target) do
          sum, value = sum + share, value + share * j
          if share > 0 then shares[#shares + 1] = share end
        end
        assert.is_true(math.abs(sum - 1) < 1e-6)
        for k = 1, 3 do assert.is_true(math.abs(batch.x[i][k] - value) < 1e-4) end
      end
    end
    -- the shares of a row and of its partner together are Beta(0.4, 0.4)
    local mean, square = 0, 0
    for _, share in ipairs(shares) do mean, square = mean + share / #shares, square + share ^ 2 / #shares end
    assert.is_true(math.abs(square - mean ^ 2 - 1 / (4 * 1.8)) < 0.02)
    assert.is_true(math.abs(mean - 0.5) < 0.02)
  end)

  it("takes clips and steps, with all that they do", function()
    local clips = {}
    for i = 1, 5 do clips[i] = { audio = noise(3000, i), samplerate = SR, label = "x" } end
    local fitted = lubdub.StandardScaler():fit(assert(lubdub.preprocessing.apply(
      lubdub.preprocessing.steps(mfcc, { duration = 1 }), clips)))
    for _, more in ipairs { { scale = 0.01 }, { standardize = "clip" }, { standardize = "coefficient" },
      { scaler = fitted, filter = { order = 2, cutoff = { 25, 400 } }, normalize = true, scale = 0.3 } } do
      more.duration = 1
      local steps = lubdub.preprocessing.steps(mfcc, more)
      local expected = assert(lubdub.preprocessing.apply(steps, clips))
      local found = collect(augment.source(lubdub.Dataset(clips), nil, { steps = steps, shuffle = false }), 1, 1)
      assert.is_true(found[1].x:equal(expected))
      local signals = Tensor.stack { clips[1].audio, clips[2].audio }
      found = collect(augment.source(signals, nil, { steps = steps, shuffle = false }), 1, 1)
      assert.is_true(found[1].x:equal(expected:take { 1, 2 }))
    end
    local windows = lubdub.Dataset(clips):windows { size = 0.5 }
    local steps = lubdub.preprocessing.steps(mfcc)
    assert.is_true(collect(augment.source(windows, nil, { steps = steps, shuffle = false }), 1, 1)[1].x:equal(
      windows:extract(steps, { progress = false })))
    fails("augment.source: row 2: .*no such file", augment.source, { clips[1], { path = "/no such file.wav" } }, nil,
      { steps = lubdub.preprocessing.steps(mfcc, { duration = 1 }) })
  end)

  it("takes signals and features without a plan", function()
    local gain = collect(augment.source(x, nil, { augment.gain { db = 20 }, sr = SR, shuffle = false }), 1, 1)[1].x
    assert.is_true(gain:allclose(x * 10, { rtol = 1e-6, atol = 0 }))
    local features = Tensor.ones { 3, 4, 5, 1 }
    local masked = collect(augment.source(features, nil, { augment.time_mask { frames = 5 } }), 1, 1)[1].x
    assert.same({ 3, 4, 5, 1 }, masked:shape())
    assert.is_true(masked:sum() < 60)
    assert.equal(60, features:sum()) -- the data stay
  end)

  it("may be left at any time", function()
    for epoch = 1, 20 do
      local source = augment.source(x, y, everything())
      for _ in source(epoch, 1) do
        if epoch % 3 == 0 then break end
        if epoch % 3 == 1 then
          pcall(function()
            for _ in source(epoch, 2) do error "stop" end
          end)
        end
      end
      local next_batch = source(epoch, 3) -- abandoned, without being closed
      next_batch()
    end
    collectgarbage()
    collectgarbage()
  end)

  it("trains, the same each time and after a break, and leaves validation alone", function()
    local function train(background, parts)
      local layers = lubdub.layers
      local model = lubdub.Sequential { seed = 3, layers.Flatten(),
        layers.Dense { units = 11, activation = "softmax" } }
      model:compile { optimizer = lubdub.optimizers.SGD { learning_rate = 1e-4 }, loss = "categorical_crossentropy" }
      local source = augment.source(x, y, everything { augment.mixup(), background = background })
      local rows = {}
      for i = 1, 11 do rows[i] = mfcc(x[i]):expand_dims(3) end
      local last
      for _, part in ipairs(parts) do
        last = model:fit(source, { epochs = part[2], initial_epoch = part[1], seed = 4, verbose = 0,
          validation_data = { Tensor.stack(rows), y } })
      end
      local evaluated = model:evaluate(Tensor.stack(rows), y, { verbose = 0 })
      return model:predict(Tensor.stack(rows)), last.history.val_loss, evaluated.loss
    end
    local a, losses, loss = train(true, { { 0, 4 } })
    local b = train(false, { { 0, 2 }, { 2, 4 } })
    assert.is_true(a:equal(b))
    assert.is_true(math.abs(losses[#losses] - loss) < 1e-6)
  end)

  it("refuses what does not fit", function()
    local source = augment.source
    fails("augment_spec.lua:%d+: augment.source: x has 11 rows and y has 3", function()
      return source(x, Tensor.ones { 3, 2 }, { plan = mfcc })
    end)
    fails("augment.source: options must be a table, got nil", source, x, y)
    fails("augment.source: option 'sr' is missing", source, x, y, { augment.gain { db = 1 } })
    fails("augment.source: gain comes after time_mask", source, x, y,
      { plan = mfcc, augment.time_mask { frames = 1 }, augment.gain { db = 1 } })
    fails("augmentation 1 must be one of lubdub.augment's", source, x, y, { plan = mfcc, { name = "gain" } })
    fails("give plan or steps, not both", source, x, y, { plan = mfcc, steps = {} })
    fails("plan must be a feature plan", source, x, y, { plan = "mfcc" })
    fails("signals must be %(n, samples%), got %(2, 3, 4%)", source, Tensor.ones { 2, 3, 4 }, nil, { plan = mfcc })
    fails("masks need features", source, x, y, { augment.time_mask { frames = 1 } })
    fails("mixup is given twice", source, x, y, { plan = mfcc, augment.mixup(), augment.mixup() })
    fails("batch_size must be", source, x, y, { plan = mfcc, batch_size = 0 })
    fails("seed must be a whole number", source, x, y, { plan = mfcc, seed = -1 })
    fails("unknown option 'batchsize'; did you mean 'batch_size'?", source, x, y, { plan = mfcc, batchsize = 3 })
    local bad = x:clone()
    bad[3][5] = 0 / 0
    fails("x has NaN in row 3", source, bad, y, { plan = mfcc })
    local short = lubdub.MFCC { sr = SR, n_fft = 2048, center = false }
    fails("n_fft", source, x, y, { plan = short })
  end)
end)
