-- Objects with options in model files: what Keras wrote, and the way there and back.
local lubdub = require "lubdub"
local layers, optimizers, losses, metrics = lubdub.layers, lubdub.optimizers, lubdub.losses, lubdub.metrics

local name

before_each(function()
  name = os.tmpname()
  os.remove(name)
  name = name .. ".h5"
end)

after_each(function() os.remove(name) end)

-- Loads a file; any warning is an error.
local function load(path)
  local said
  lubdub.on_warning(function(message) said = said or message end)
  local model, reason = lubdub.load_model(path)
  lubdub.on_warning(nil)
  assert(not said, said)
  return assert(model, reason)
end

-- All that a model has beside its weights, as plain values.
local function described(model)
  local list = {}
  for i, layer in ipairs(model.layers) do list[i] = layer:config() end
  local optimizer, entries = model.optimizer, {}
  for i, entry in ipairs(model.metric_list) do
    entries[i] = { entry.name, entry.weighted, entry.metric.kind, entry.metric:config() }
  end
  local schedule = optimizer.schedule
  return { layers = list, optimizer = { optimizer.kind, optimizer:config() }, metrics = entries,
    schedule = schedule and { schedule.kind, schedule:config() },
    loss = { model.loss_function.kind, model.loss_function:config() } }
end

describe("model files", function()
  it("of Keras with objects are read whole", function()
    local model = load "spec/golden/keras_objects_1.h5"
    local first, second = model.layers[1]:config(), model.layers[2]:config()
    assert.equal("he_normal", first.kernel_initializer)
    assert.same({ "constant", value = 0.25 }, first.bias_initializer)
    assert.same({ "l2", l2 = 0.02 }, first.kernel_regularizer)
    assert.same({ "l1_l2", l1 = 0.1, l2 = 0.2 }, first.bias_regularizer)
    assert.same({ "orthogonal", gain = 2, seed = 5 }, second.kernel_initializer)
    assert.equal("l1", second.kernel_regularizer[1]) -- Keras keeps its 0.01 as a float32
    assert.near(0.01, second.kernel_regularizer.l1, 1e-8)
    local optimizer = model.optimizer:config()
    assert.same({ 0.9, true, 0.5, false }, { optimizer.momentum, optimizer.nesterov, optimizer.clipnorm,
      optimizer.weight_decay })
    assert.equal("CosineDecay(initial_learning_rate = 0.1, decay_steps = 100, warmup_target = 0.5, warmup_steps = 10)",
      tostring(model.optimizer.schedule))
    assert.equal("CategoricalCrossentropy(label_smoothing = 0.125)", tostring(model.loss))
    assert.same({ "accuracy", "area", "precision", "f1_score", "mse", "weighted_accuracy" }, model.metrics)
    assert.equal("PR", model.metric_list[2].metric:config().curve)
    assert.equal(2, model.metric_list[3].metric:config().class_id)
    assert.is_true(model.metric_list[6].weighted)

    model = load "spec/golden/keras_objects_2.h5"
    assert.same({ "variance_scaling", scale = 2, mode = "fan_out", distribution = "uniform", seed = false },
      model.layers[1]:config().kernel_initializer)
    optimizer = model.optimizer:config()
    assert.equal("RMSprop", model.optimizer.kind)
    assert.near(0.01, optimizer.learning_rate, 1e-9)
    assert.same({ 0.8, 0.1, true, 0.25 }, { optimizer.rho, optimizer.momentum, optimizer.centered,
      optimizer.weight_decay })
    assert.equal("huber", model.loss) -- Keras 3.15 forgets its delta
    assert.same({ "mae" }, model.metrics)
  end)

  it("of lubdub keep everything", function()
    local schedules = optimizers.schedules
    local cases = {
      { optimizer = optimizers.AdamW { learning_rate = schedules.ExponentialDecay { initial_learning_rate = 0.1,
        decay_steps = 10, decay_rate = 0.5, staircase = true }, amsgrad = true, global_clipnorm = 2 },
        loss = losses.BinaryCrossentropy { from_logits = true, label_smoothing = 0.25 },
        metrics = { "binary_accuracy", metrics.AUC { from_logits = true, num_thresholds = 50 } } },
      { optimizer = optimizers.SGD { learning_rate = schedules.PiecewiseConstantDecay { boundaries = { 3, 7 },
        values = { 0.1, 0.01, 0.001 } }, momentum = 0.5, clipvalue = 1 }, loss = "mae",
        metrics = { metrics.Recall { thresholds = 0.25, class_id = 1 },
          metrics.FBetaScore { average = "micro", beta = 2 } },
        weighted_metrics = { "mse", metrics.TopKCategoricalAccuracy { k = 2, name = "top" } } },
      { optimizer = "rmsprop", loss = losses.SparseCategoricalCrossentropy { from_logits = true } },
    }
    for i, case in ipairs(cases) do
      local model = lubdub.Sequential { layers.Input { 5, 5, 1 },
        layers.Conv2D { filters = 2, kernel_size = 2,
          kernel_initializer = { "truncated_normal", stddev = 0.2, seed = 3 },
          bias_initializer = { "random_uniform", maxval = 1 }, kernel_regularizer = { "l1_l2", l1 = 0.5 } },
        layers.Flatten(),
        layers.Dense { units = 3, bias_regularizer = "l2", kernel_initializer = "lecun_normal" } }
      model:compile(case)
      assert(model:save(name))
      local back = load(name)
      assert.same(described(model), described(back), "case " .. i)
    end
  end)

  it("hold the rate where a function gave it, and no functions as metrics", function()
    local model = lubdub.Sequential { layers.Input { 2 }, layers.Dense { units = 2 } }
    model:compile { optimizer = optimizers.SGD { learning_rate = function() return 0.25 end }, loss = "mse",
      metrics = { "mae", mine = function() return 1 end } }
    assert(model:save(name))
    local back = load(name)
    assert.equal(0.25, back.optimizer.learning_rate)
    assert.is_nil(back.optimizer.schedule)
    assert.same({ "mae" }, back.metrics)
  end)
end)
