-- Losses against Keras in float64 (spec/golden/make_losses.py), and what compile and fit make of them.
local lubdub = require "lubdub"
local golden = require("support.json")("losses.json")
local tensor = require "support.golden_tensor"

local Tensor, losses, layers = lubdub.Tensor, lubdub.losses, lubdub.layers

-- Largest difference over the largest value.
local function distance(got, kept)
  local expected, largest, difference = kept.data, 0, 0
  local list = got:reshape { #expected }:totable()
  for i, value in ipairs(expected) do
    largest = math.max(largest, math.abs(value))
    difference = math.max(difference, math.abs(list[i] - value))
  end
  return difference / math.max(largest, 1e-12)
end

local function title(case)
  local parts = {}
  for name, value in pairs(case.config) do parts[#parts + 1] = name .. " = " .. tostring(value) end
  table.sort(parts)
  return ("%s { %s }"):format(case.kind, table.concat(parts, ", "))
end

describe("losses", function()
  it("have Keras' values and gradients", function()
    local seen = {}
    for number, case in ipairs(golden.cases) do
      local loss = losses[case.kind](case.config)
      local y, p, w = tensor(case.y), tensor(case.p), case.w and tensor(case.w)
      local where = ("case %d, %s"):format(number, title(case))
      assert.near(case.value, loss(y, p, w), 1e-6 * math.max(1, math.abs(case.value)), where)
      local difference = distance(loss:gradient(y, p, w), case.gradient)
      assert.is_true(difference < 1e-5, ("%s: gradient off by %g"):format(where, difference))
      seen[case.kind] = (seen[case.kind] or 0) + 1
    end
    assert.equal(6, #require("lubdub.order").unique((function()
      local kinds = {}
      for kind in pairs(seen) do kinds[#kinds + 1] = kind end
      return kinds
    end)()))
  end)

  it("use what goes into a final softmax or sigmoid, as Keras on TensorFlow", function()
    for _, case in ipairs(golden.steps) do
      local where = ("%s behind %s"):format(case.loss_name, tostring(case.activation))
      local model = lubdub.Sequential { layers.Input { 2 },
        layers.Dense { units = 3, activation = case.activation or false } }
      model:set_weights { tensor(case.start[1]), tensor(case.start[2]) }
      model:compile { optimizer = lubdub.optimizers.SGD { learning_rate = 0.5 }, loss = case.loss_name }
      local result = model:train_on_batch(tensor(case.x), tensor(case.y))
      assert.near(case.loss, result.loss, 1e-5 * math.max(1, case.loss), where)
      for i, weight in ipairs(model:get_weights()) do
        assert.is_true(distance(weight, case.weights[i]) < 1e-4, where .. ": weight " .. i)
      end
    end
  end)

  it("stay NaN where an output is", function()
    local y, p = Tensor { { 0, 1 } }, Tensor { { 0 / 0, 0.5 } }
    for _, kind in ipairs { "CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError", "MeanAbsoluteError",
      "Huber" } do
      local value = losses[kind]()(y, p)
      assert.is_true(value ~= value, kind)
    end
    local value = losses.SparseCategoricalCrossentropy()(Tensor { 2 }, p)
    assert.is_true(value ~= value)
    value = losses.SparseCategoricalCrossentropy { from_logits = true }(Tensor { 2 }, p)
    assert.is_true(value ~= value)
  end)

  it("are found by all of Keras' names, and print themselves", function()
    for name, kind in pairs { mse = "MeanSquaredError", MAE = "MeanAbsoluteError", bce = "BinaryCrossentropy",
      huber = "Huber", Huber = "Huber", categorical_crossentropy = "CategoricalCrossentropy" } do
      assert.equal(kind, losses.get("compile", name).kind)
    end
    assert.equal("Huber(delta = 0.5)", tostring(losses.Huber { delta = 0.5 }))
    assert.equal("mean_squared_error", losses.MeanSquaredError().name)
    assert.same({ from_logits = false, label_smoothing = 0.25 },
      losses.BinaryCrossentropy { label_smoothing = 0.25 }:config())
    assert.truthy(tostring(losses):find("Huber", 1, true))
  end)

  it("warn where they are always 0", function()
    local said = {}
    lubdub.on_warning(function(message) said[#said + 1] = message end)
    for _, loss in ipairs { "categorical_crossentropy", "sparse_categorical_crossentropy", "bce" } do
      lubdub.Sequential { layers.Input { 2 }, layers.Dense { units = 1 } }:compile { optimizer = "sgd", loss = loss }
    end
    lubdub.on_warning(nil)
    assert.equal(2, #said)
    assert.matches("compile: categorical_crossentropy of a single output is always 0", said[1])
  end)

  it("say what is wrong", function()
    local y, p = Tensor { 1, 2 }, Tensor { { 0.5, 0.5 }, { 0.5, 0.5 } }
    assert.error_matches(function() losses.Huber { dleta = 1 } end,
      "Huber: unknown option 'dleta'; did you mean 'delta'")
    assert.error_matches(function() losses.CategoricalCrossentropy { label_smoothing = 2 } end, "must be in %[0, 1%]")
    assert.error_matches(function() return losses.Hinge end, "there is no 'Hinge'")
    assert.error_matches(function() losses.get("compile", "huuber") end,
      "compile: unknown loss 'huuber'; did you mean 'huber'")
    assert.error_matches(function() losses.get("compile", 3) end, "compile: loss must be a name")
    assert.error_matches(function() losses.MeanSquaredError()(y, p) end, "y_true must be %(2, 2%), got %(2,%)")
    assert.error_matches(function() losses.SparseCategoricalCrossentropy()(Tensor { 0, 1 }, p) end,
      "classes are counted from 1 to 2, and y_true has 0.0 in row 1")
    assert.error_matches(function() losses.MeanSquaredError()(p, p, Tensor { 1 }) end, "sample weights must be %(2,%)")
  end)
end)

describe("class numbers as targets", function()
  local x = Tensor.randn { 12, 4, seed = 1 }
  local numbers = Tensor { 1, 2, 3, 1, 2, 3, 3, 2, 1, 1, 1, 2 }
  local one_hot = lubdub.to_categorical(numbers, 3)

  local function net(loss)
    local model = lubdub.Sequential { layers.Input { 4 }, layers.Dense { units = 3, activation = "softmax" }, seed = 3 }
    model:compile { optimizer = "sgd", loss = loss, metrics = { "accuracy" } }
    return model
  end

  it("train as one-hot targets do, class weights and accuracy included", function()
    local options = { epochs = 3, batch_size = 5, verbose = 0, seed = 2, class_weight = { [1] = 0.5, [3] = 2 } }
    local one, other = net "categorical_crossentropy", net "sparse_categorical_crossentropy"
    local expected, got = one:fit(x, one_hot, options).history, other:fit(x, numbers, options).history
    for epoch = 1, 3 do
      assert.near(expected.loss[epoch], got.loss[epoch], 1e-6)
      assert.equal(expected.accuracy[epoch], got.accuracy[epoch])
    end
    for i, weight in ipairs(one:get_weights()) do assert.is_true(weight:allclose(other:get_weights()[i])) end
    assert.near(one:evaluate(x, one_hot).loss, other:evaluate(x, numbers:reshape { 12, 1 }).loss, 1e-6)
  end)

  it("are refused where they are none", function()
    local model = net "sparse_categorical_crossentropy"
    local function wrong(y, message)
      assert.error_matches(function() model:fit(x, y, { verbose = 0 }) end, message)
    end
    wrong(numbers - 1,
      "fit: y has 0 in row 1; sparse_categorical_crossentropy takes class numbers, counted from 1 to 3")
    wrong(numbers * 2, "fit: y has 4 in row 2")
    wrong(numbers + 0.5, "fit: y has 1.5 in row 1")
    wrong(one_hot, "fit: y must be %(n,%), got %(12, 3%)")
    assert.error_matches(function() net "categorical_crossentropy":fit(x, numbers, { verbose = 0 }) end,
      "fit: y must be %(n, 3%), got %(12,%)")
  end)
end)
