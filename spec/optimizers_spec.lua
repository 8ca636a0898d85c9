-- Optimizers, schedules and regularizers against Keras in float64 (spec/golden/make_optimizers.py).
local lubdub = require "lubdub"
local golden = require("support.json")("optimizers.json")
local tensor = require "support.golden_tensor"

local layers, optimizers, Tensor = lubdub.layers, lubdub.optimizers, lubdub.Tensor
local schedules = optimizers.schedules

local x, y, w = tensor(golden.x), tensor(golden.y), tensor(golden.w)

local function start()
  local list = {}
  for i, kept in ipairs(golden.start) do list[i] = tensor(kept) end
  return list
end

local function net(first, second)
  first, second = first or {}, second or {}
  first.units, first.activation = 5, "tanh"
  second.units, second.activation = 4, "softmax"
  local model = lubdub.Sequential { layers.Input { 3 }, layers.Dense(first), layers.Dense(second) }
  model:set_weights(start())
  return model
end

-- The largest difference of a weight, but for what float32 rounds off, over the largest way that they went.
local function off(now, kept)
  local difference, way = 0, 1e-12
  for i, weight in ipairs(now) do
    local expected, first = tensor(kept[i]), tensor(golden.start[i])
    difference = math.max(difference, (weight - expected):abs():max())
    way = math.max(way, (expected - first):abs():max())
  end
  return math.max(difference - 2e-7, 0) / way
end

local function follow(where, model, optimizer, kept)
  model:compile { optimizer = optimizer, loss = "categorical_crossentropy" }
  for step = 1, 6 do
    local first, last = 5 * step - 4, 5 * step
    local result = model:train_on_batch(x:slice(1, first, last), y:slice(1, first, last),
      { sample_weight = w:slice(1, first, last) })
    assert.near(kept.loss[step], result.loss, 2e-5 * math.max(1, kept.loss[step]), where .. ", step " .. step)
    local weights = kept.weights[tostring(step)]
    if weights then
      local difference = off(model:get_weights(), weights)
      assert.is_true(difference < 1e-4, ("%s, step %d: off by %g"):format(where, step, difference))
    end
  end
  local evaluated = model:evaluate(x, y, { batch_size = 7, verbose = 0 }).loss
  assert.near(kept.evaluate, evaluated, 2e-5 * math.max(1, kept.evaluate))
end

describe("optimizers", function()
  for number, case in ipairs(golden.optimizers) do
    local optimizer = optimizers[case.kind](case.config)
    it(("step as Keras', %d: %s"):format(number, tostring(optimizer)), function()
      follow(tostring(optimizer), net(), optimizer, case)
    end)
  end

  it("keep what Keras keeps", function()
    local slots = {
      { "SGD", {}, 0 }, { "SGD", { momentum = 0.5 }, 1 }, { "RMSprop", {}, 1 }, { "RMSprop", { centered = true }, 2 },
      { "RMSprop", { centered = true, momentum = 0.1 }, 3 }, { "Adam", {}, 2 }, { "AdamW", { amsgrad = true }, 3 },
    }
    for _, case in ipairs(slots) do
      local model = net()
      model:compile { optimizer = optimizers[case[1]](case[2]), loss = "categorical_crossentropy" }
      model:train_on_batch(x, y)
      assert.equal(4 * case[3], #model.trainer:state().slots)
      assert.equal(2 + case[3] * model:count_params(), model:count_optimizer_params())
    end
  end)

  it("go on from a state as if they had never stopped, whatever they keep", function()
    for _, optimizer in ipairs { optimizers.SGD { momentum = 0.9 },
      optimizers.RMSprop { centered = true, momentum = 0.5 },
      optimizers.Adam { amsgrad = true, global_clipnorm = 0.1 } } do
      local model = net()
      model:compile { optimizer = optimizer, loss = "categorical_crossentropy" }
      model:train_on_batch(x, y)
      local weights, state = model:get_weights(), model.trainer:state()
      model:train_on_batch(x, y)
      local expected = model:get_weights()
      model:set_weights(weights)
      model:compile { optimizer = optimizer, loss = "categorical_crossentropy" }
      model:ensure_trainer():set_state(state)
      model:train_on_batch(x, y)
      for i, weight in ipairs(model:get_weights()) do assert.is_true(weight:equal(expected[i]), tostring(optimizer)) end
    end
  end)

  it("clip nothing where the limit is 0 or far away", function()
    local expected
    for _, options in ipairs { {}, { clipnorm = 0 }, { clipvalue = 0 }, { global_clipnorm = 1e9 },
      { clipnorm = 1e9 } } do
      local model = net()
      model:compile { optimizer = optimizers.SGD(options), loss = "categorical_crossentropy" }
      model:train_on_batch(x, y)
      expected = expected or model:get_weights()
      for i, weight in ipairs(model:get_weights()) do assert.is_true(weight:equal(expected[i])) end
    end
  end)

  it("say what is wrong", function()
    local function wrong(message, f, ...)
      local ok, got = pcall(f, ...)
      assert.is_false(ok)
      assert.matches(message, got)
    end
    wrong("SGD: only one of clipnorm, clipvalue and global_clipnorm", optimizers.SGD, { clipnorm = 1, clipvalue = 1 })
    wrong("SGD: option 'momentum' must be in %[0, 1%], got 2", optimizers.SGD, { momentum = 2 })
    wrong("RMSprop: unknown option 'roh'; did you mean 'rho'", optimizers.RMSprop, { roh = 0.9 })
    wrong("Adam: option 'weight_decay' must be at least 0", optimizers.Adam, { weight_decay = -1 })
    wrong("AdamW: option 'weight_decay' must be given, got false", optimizers.AdamW, { weight_decay = false })
    wrong("there is no 'Nadam'; there are Adam, AdamW, RMSprop, SGD", function() return optimizers.Nadam end)
  end)

  it("print what is set", function()
    assert.equal("SGD(learning_rate = 0.01, momentum = 0, nesterov = false)", tostring(optimizers.SGD()))
    assert.equal("AdamW(learning_rate = 0.001, weight_decay = 0.004, clipnorm = 1, beta_1 = 0.9, beta_2 = 0.999, "
      .. "epsilon = 1e-07, amsgrad = false)", tostring(optimizers.AdamW { clipnorm = 1 }))
    assert.equal("SGD(learning_rate = 0.5, momentum = 0, nesterov = false; rate by a function)",
      tostring(optimizers.SGD { learning_rate = function() return 0.5 end }))
    local schedule = schedules.PiecewiseConstantDecay { boundaries = { 5 }, values = { 1, 0.5 } }
    assert.equal("SGD(learning_rate = 1, momentum = 0, nesterov = false; rate by "
      .. "PiecewiseConstantDecay(boundaries = {5}, values = {1, 0.5}))",
      tostring(optimizers.SGD { learning_rate = schedule }))
  end)
end)

describe("schedules", function()
  for number, case in ipairs(golden.schedules) do
    local schedule = schedules[case.kind](case.config)
    it(("give Keras' rates, %d: %s"):format(number, tostring(schedule)), function()
      for step, rate in ipairs(case.rates) do assert.near(rate, schedule(step - 1), 1e-7, "step " .. step) end
      follow(tostring(schedule), net(), optimizers.SGD { learning_rate = schedule }, case)
    end)
  end

  it("may be functions of the number of steps done; fit asks before every step", function()
    local asked = {}
    local optimizer = optimizers.SGD { learning_rate = function(step)
      asked[#asked + 1] = step
      return 0.5 / (step + 1)
    end }
    local model = net()
    model:compile { optimizer = optimizer, loss = "categorical_crossentropy" }
    model:fit(x, y, { epochs = 2, batch_size = 10, verbose = 0 })
    assert.same({ 0, 0, 1, 2, 3, 4, 5 }, asked)
    assert.near(0.5 / 6, optimizer.learning_rate, 1e-12)
    assert.equal("function", type(optimizer.schedule))
  end)

  it("cannot be overruled", function()
    local optimizer = optimizers.Adam { learning_rate = function() return 0.1 end, beta_1 = 0.5 }
    assert.equal(0.5, optimizer:config().beta_1)
    assert.error_matches(function() optimizer.learning_rate = 1 end, "follows a schedule and cannot be set")
    assert.equal(0.1, optimizer.learning_rate)
  end)

  it("say what is wrong", function()
    local function wrong(message, f, ...)
      local ok, got = pcall(f, ...)
      assert.is_false(ok)
      assert.matches(message, got)
    end
    wrong("ExponentialDecay: option 'decay_rate' is missing", schedules.ExponentialDecay,
      { initial_learning_rate = 1, decay_steps = 2 })
    wrong("decay_steps must be above 0", schedules.CosineDecay, { initial_learning_rate = 1, decay_steps = 0 })
    wrong("unknown option 'alhpa'; did you mean 'alpha'", schedules.CosineDecay,
      { initial_learning_rate = 1, decay_steps = 1, alhpa = 0 })
    wrong("values must be one more than boundaries, got 2 and 2", schedules.PiecewiseConstantDecay,
      { boundaries = { 1, 2 }, values = { 1, 2 } })
    wrong("boundaries must rise", schedules.PiecewiseConstantDecay, { boundaries = { 2, 2 }, values = { 1, 2, 3 } })
    wrong("Adam: the schedule must give a learning rate of at least 0, got nil for step 0", optimizers.Adam,
      { learning_rate = function() end })
    wrong("SGD: option 'learning_rate' must be a number, got", optimizers.SGD, { learning_rate = {} })
    wrong("SGD: unknown option 'momentun'", optimizers.SGD, { learning_rate = function() return 1 end, momentun = 1 })
    local model = net()
    model:compile { optimizer = optimizers.SGD { learning_rate = function(step) return step < 1 and 1 or -1 end },
      loss = "categorical_crossentropy" }
    wrong("at least 0, got %-1 for step 1", model.fit, model, x, y, { epochs = 2, verbose = 0, batch_size = 30 })
  end)
end)

describe("regularizers", function()
  local regularizers = lubdub.regularizers
  local cases = {
    ["l2 of kernels, l1 of a bias"] = function()
      return { kernel_regularizer = regularizers.L2(0.05), bias_regularizer = regularizers.L1 { l1 = 0.02 } },
        { kernel_regularizer = "l2" }
    end,
    ["l1_l2"] = function()
      return { kernel_regularizer = { "l1_l2", l1 = 0.01, l2 = 0.03 } }, { bias_regularizer = "L1" }
    end,
    ["a frozen layer"] = function()
      return { kernel_regularizer = regularizers.l2(0.05), trainable = false },
        { kernel_regularizer = regularizers.L2(0.1) }
    end,
  }
  for name, options in pairs(cases) do
    it("are in the loss and in the gradient, as in Keras: " .. name, function()
      follow(name, net(options()), optimizers.SGD { learning_rate = 0.2 }, golden.regularizers[name])
    end)
  end

  it("print themselves, and say what is wrong", function()
    assert.equal("l2(l2 = 0.5)", tostring(regularizers.L2(0.5)))
    assert.same({ "l1_l2", l1 = 0.25, l2 = 0 }, regularizers.L1L2 { l1 = 0.25 })
    assert.error_matches(function() regularizers.L2(-1) end, "L2: option 'l2' must be at least 0")
    assert.error_matches(function() return regularizers.L3 end, "there is no 'L3'; there are L1, L1L2, L2")
    assert.error_matches(function() layers.Dense { units = 1, kernel_regularizer = "l3" } end,
      "option 'kernel_regularizer' must be one of l1, l2, l1_l2, got 'l3'")
    assert.error_matches(function() layers.Dense { units = 1, bias_regularizer = { "l2", l1 = 1 } } end,
      "Dense: bias_regularizer l2: unknown option 'l1'")
    local config = layers.Conv2D { filters = 1, kernel_size = 1, kernel_regularizer = "l2" }:config()
    assert.equal("l2", config.kernel_regularizer)
    assert.is_false(config.bias_regularizer)
  end)

  it("are copied with their model", function()
    local model = net({ kernel_regularizer = regularizers.L2(0.25) })
    assert.same({ "l2", l2 = 0.25 }, model:clone().layers[1]:config().kernel_regularizer)
  end)
end)

describe("frozen layers", function()
  it("neither move nor count, and decay does not touch them", function()
    local model = net({ trainable = false })
    model:compile { optimizer = optimizers.AdamW { weight_decay = 0.5 }, loss = "categorical_crossentropy" }
    model:fit(x, y, { epochs = 2, verbose = 0 })
    local weights = model:get_weights()
    for i = 1, 2 do assert.is_true(weights[i]:equal(tensor(golden.start[i]))) end
    for i = 3, 4 do assert.is_false(weights[i]:equal(tensor(golden.start[i]))) end
    assert.equal(24, select(2, model:count_params()))
  end)
end)

describe("train_on_batch", function()
  it("is a step of fit", function()
    local one, other = net(), net()
    for _, model in ipairs { one, other } do
      model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
    end
    local result = one:train_on_batch(x, y, { class_weight = { [2] = 3 } })
    local options = { batch_size = 30, shuffle = false, verbose = 0, class_weight = { [2] = 3 } }
    local history = other:fit(x, y, options).history
    assert.equal(history.loss[1], result.loss)
    assert.equal(history.accuracy[1], result.accuracy)
    assert.equal(result.loss, result[1])
    for i, weight in ipairs(one:get_weights()) do assert.is_true(weight:equal(other:get_weights()[i])) end
    assert.near(one:evaluate(x, y, { verbose = 0 }).loss, one:test_on_batch(x, y).loss, 1e-6)
    assert.is_true(one:predict(x):equal(one:predict_on_batch(x)))
  end)

  it("says what is wrong", function()
    local model = net()
    assert.error_matches(function() model:train_on_batch(x, y) end, "train_on_batch: the model is not compiled")
    model:compile { optimizer = "adam" }
    assert.error_matches(function() model:train_on_batch(x, y) end, "train_on_batch: the model has no loss")
    model:compile { optimizer = "adam", loss = "mse" }
    assert.error_matches(function() model:train_on_batch(x) end, "y is missing")
    assert.error_matches(function() model:train_on_batch(x, y:slice(1, 1, 5)) end, "x has 30 rows and y has 5")
    assert.error_matches(function() model:train_on_batch(x, y, { sample_weight = w, class_weight = { 1 } }) end,
      "cannot be given together")
    assert.error_matches(function() model:train_on_batch(x, y, { class_weight = { [9] = 1 } }) end,
      "class_weight has the key 9, but the classes are counted from 1 to 4")
    assert.error_matches(function() model:train_on_batch(x, y, { sampel_weight = w }) end,
      "did you mean 'sample_weight'")
    assert.error_matches(function() model:test_on_batch(Tensor.zeros { 2, 2 }, y) end,
      "test_on_batch: x must be %(n, 3%)")
  end)
end)
