-- model:gradient and lubdub.explain.
local lubdub = require "lubdub"

local L, Tensor, explain = lubdub.layers, lubdub.Tensor, lubdub.explain

local function largest(tensor) return tensor:abs():max() end

local function random(dims, seed)
  dims.seed = seed
  return Tensor.randn(dims)
end

local function refused(pattern, f, ...)
  local done, message = pcall(f, ...)
  assert(not done, "no error was raised")
  if not message:find(pattern) then error(("%q lacks %q"):format(message, pattern), 2) end
end

local function net(...)
  return lubdub.Sequential { L.Input { 8, 9, 2 },
    L.Conv2D { filters = 4, kernel_size = 3, activation = "relu" },
    L.BatchNormalization(),
    L.MaxPooling2D(),
    L.Dropout { rate = 0.5 },
    L.Conv2D { filters = 3, kernel_size = 2, padding = "same", activation = "tanh" },
    L.GlobalAveragePooling2D(),
    L.Dense { units = 3, activation = "softmax" }, seed = 2, ... }
end

-- d score / d x at one place by differences, of f(x)[row].
local function difference(f, x, row, at, h)
  local flat = x:clone():reshape { -1 }
  local place = (row - 1) * (x:size() // x:shape(1)) + at
  local value = flat[place]
  flat[place] = value + h
  local above = f(flat:reshape(x:shape()))[row]
  flat[place] = value - h
  local below = f(flat:reshape(x:shape()))[row]
  return (above - below) / (2 * h)
end

describe("model:gradient", function()
  it("is the slope of what predict says", function()
    local kinds = {
      net(),
      lubdub.Sequential { L.Input { 6, 3 }, L.LSTM { units = 4, return_sequences = true }, L.GRU { units = 3 },
        L.Dense { units = 2, activation = "sigmoid" } },
      lubdub.Sequential { L.Input { 6, 3 }, L.Bidirectional(L.LSTM { units = 3 }), L.Dense { units = 300,
        activation = "tanh" }, L.Dense { units = 300 }, L.Dense { units = 4 }, L.Softmax() },
      lubdub.Sequential { L.Input { 7, 2 }, L.Conv1D { filters = 3, kernel_size = 2, strides = 2 }, L.PReLU(),
        L.LayerNormalization(), L.Flatten(), L.Dense { units = 3 } },
    }
    for _, model in ipairs(kinds) do
      local x = random({ 3, table.unpack(model.input_shape) }, 1)
      local gradient, same, scores, units = model:gradient(x)
      assert.equal(x, same)
      local outputs = model:predict(x)
      for row = 1, 3 do
        assert.equal(outputs[row]:argmax(), units[row])
        assert.near(outputs[row]:max(), scores[row], 1e-6)
      end
      for row = 1, 3 do
        for _, at in ipairs { 1, 5, 9 } do
          local slope = difference(function(data)
            local column = {}
            for i, list in ipairs(model:predict(data):totable()) do column[i] = list[math.tointeger(units[i])] end
            return column
          end, x, row, at, 1e-3)
          assert.near(slope, gradient[row]:reshape { -1 }[at], 2e-3)
        end
      end
    end
  end)

  it("takes units by number, by list and by tensor", function()
    local model, x = net(), random({ 5, 8, 9, 2 }, 1)
    local one = model:gradient(x, { output = 2 })
    assert.equal(0, largest(one - model:gradient(x, { output = { 2, 2, 2, 2, 2 } })))
    local _, _, scores, units = model:gradient(x, { output = Tensor { 1, 2, 3, 1, 2 }, batch_size = 2 })
    assert.same({ 1, 2, 3, 1, 2 }, units:totable())
    local outputs = model:predict(x)
    for row = 1, 5 do assert.near(outputs[row][math.tointeger(units[row])], scores[row], 1e-6) end
  end)

  it("takes a layer by name, number, itself and its call", function()
    local model, x = net(), random({ 3, 8, 9, 2 }, 1)
    local expected, values = model:gradient(x, { layer = "conv2d_1" })
    assert.same({ 3, 3, 3, 3 }, expected:shape())
    local layer = model:get_layer "conv2d_1"
    for _, asked in ipairs { 5, -3, layer, layer.output } do
      assert.equal(0, largest(expected - model:gradient(x, { layer = asked })))
    end
    local features = lubdub.Model { inputs = model.inputs, outputs = layer.output }
    assert.is_true(largest(features:predict(x) - values) < 1e-6)
    for i in ipairs(model.layers) do -- each is part of what is fused elsewhere
      local _, said = model:gradient(x, { layer = i })
      local alone = lubdub.Model { inputs = model.inputs, outputs = model.layers[i].output }
      assert.is_true(largest(alone:predict(x) - said) < 1e-6)
    end
  end)

  it("leaves the model as it was, in the midst of training too", function()
    local function train(ask)
      local model, x = net(), random({ 12, 8, 9, 2 }, 1)
      local y = lubdub.to_categorical({ 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3 }, 3)
      model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
      model:fit(x, y, { epochs = 3, batch_size = 5, verbose = 0, seed = 4,
        callbacks = ask and { lubdub.callbacks.LambdaCallback {
          on_train_batch_end = function() model:gradient(x, { layer = "conv2d" }) end } } or nil })
      return model:get_weights()
    end
    local plain, asked = train(false), train(true)
    for i, weight in ipairs(plain) do assert.equal(0, largest(weight - asked[i])) end
  end)

  it("counts units over all axes of the outputs", function()
    local model = lubdub.Sequential { L.Input { 4, 2 }, L.Dense { units = 3 } }
    local x = random({ 2, 4, 2 }, 1)
    local gradient, _, scores = model:gradient(x, { output = 5 })
    assert.near(model:predict(x)[1][2][2], scores[1], 1e-6)
    assert.equal(0, largest(gradient[1][1]))
    assert.is_true(largest(gradient[1][2]) > 0)
  end)

  it("refuses what cannot be asked", function()
    local model, x = net(), random({ 3, 8, 9, 2 }, 1)
    refused("gradient: output must be the number of an output unit, from 1 to 3, got 4", model.gradient, model, x,
      { output = 4 })
    refused("from 1 to 3, got 1.5", model.gradient, model, x, { output = { 1, 1.5, 2 } })
    refused("from 1 to 3, got first", model.gradient, model, x, { output = "first" })
    refused("gradient: output lists 2 units for 3 rows", model.gradient, model, x, { output = { 1, 2 } })
    refused("gradient: batch_size must be a whole number", model.gradient, model, x, { batch_size = 0 })
    refused("there is no layer conv; there are: conv2d,", model.gradient, model, x, { layer = "conv" })
    refused("gradient: layer: .*Flatten.* is not part of the model", model.gradient, model, x, { layer = L.Flatten() })
    refused("gradient: layer: Symbolic .* is not part of the model", model.gradient, model, x,
      { layer = L.Flatten()(L.Input { 2 }) })
    refused("gradient: the unit before the final activation does not depend on what the last layer says",
      model.gradient, model, x, { layer = -1, before_softmax = true })
    refused("gradient: x must be %(n, 8, 9, 2%)", model.gradient, model, random({ 3, 8, 9 }, 1))
    refused("gradient: the model has no layers", lubdub.Sequential().gradient, lubdub.Sequential(), x)
    local dense, input = L.Dense { units = 9 }, L.Input { 9 }
    local twice = lubdub.Model { inputs = input, outputs = dense(dense(input)) }
    local y = random({ 2, 9 }, 1)
    refused("gradient: layer dense is called more than once in the model; give what", twice.gradient, twice, y,
      { layer = "dense" })
    local slope = twice:gradient(y, { layer = twice.outputs[1], output = 3 })
    assert.same({ 0, 0, 1, 0, 0, 0, 0, 0, 0 }, slope[1]:totable())
    local several = lubdub.Model { inputs = input, outputs = { twice.outputs[1], dense.output } }
    refused("gradient: the model has 2 outputs; make one with a single output", several.gradient, several, y)
    assert.equal(0, largest(twice:gradient(y, { layer = input }) - twice:gradient(y)))
  end)

  it("builds a model that waits for its data", function()
    local model = lubdub.Sequential { L.Dense { units = 2 } }
    assert.same({ 3, 4 }, (model:gradient(random({ 3, 4 }, 1))):shape())
  end)
end)

describe("explain.grad_cam", function()
  -- A net whose last convolution copies its input, and whose output is a weighted mean of it: the map is known.
  local function known()
    local model = lubdub.Sequential { L.Input { 4, 6, 2 }, L.Conv2D { filters = 2, kernel_size = 1, use_bias = false },
      L.GlobalAveragePooling2D(), L.Dense { units = 2, use_bias = false } }
    model:set_weights { Tensor { { { { 1, 0 }, { 0, 1 } } } }, Tensor { { 2, 0 }, { 0, -1 } } }
    return model
  end

  it("weighs channels by their mean gradients and cuts at 0", function()
    local model, x = known(), random({ 2, 4, 6, 2 }, 3)
    local first = explain.grad_cam(model, x, { output = 1, normalize = false })
    local expected = (x:slice(4, 1, 1):reshape { 2, 4, 6 } * (2 / 24)):maximum(0)
    assert.is_true(largest(first - expected) < 1e-6)
    local second = explain.grad_cam(model, x, { output = 2, normalize = false })
    expected = (x:slice(4, 2, 2):reshape { 2, 4, 6 } * (-1 / 24)):maximum(0)
    assert.is_true(largest(second - expected) < 1e-6)
    local scaled = explain.grad_cam(model, x, { output = 1 })
    for row = 1, 2 do assert.near(1, scaled[row]:max(), 1e-6) end
    assert.equal(0, scaled:min())
  end)

  it("has the size of the input, interpolated between the centers of cells", function()
    local model = net()
    local x = random({ 2, 8, 9, 2 }, 1)
    for _, layer in ipairs { false, "conv2d", "max_pooling2d" } do
      local map, scores, units = explain.grad_cam(model, x, { layer = layer })
      assert.same({ 2, 8, 9 }, map:shape())
      assert.same({ 2 }, scores:shape())
      assert.equal(model:predict(x)[1]:argmax(), units[1])
    end
    local pooled = lubdub.Sequential { L.Input { 4, 1 }, L.Conv1D { filters = 1, kernel_size = 1, use_bias = false },
      L.MaxPooling1D { pool_size = 2, name = "pool" }, L.GlobalAveragePooling1D(),
      L.Dense { units = 1, use_bias = false } }
    pooled:set_weights { Tensor { { { 1 } } }, Tensor { { 2 } } }
    local map = explain.grad_cam(pooled, Tensor { { { 1 }, { 0 }, { 3 }, { 0 } } },
      { layer = "pool", normalize = false })
    for i, expected in ipairs { 1, 1.5, 2.5, 3 } do assert.near(expected, map[1][i], 1e-6) end
  end)

  it("is 0 where nothing speaks for the class", function()
    local map = explain.grad_cam(known(), Tensor.zeros { 1, 4, 6, 2 }, { output = 1 })
    assert.equal(0, largest(map))
  end)

  it("refuses models without places", function()
    local dense = lubdub.Sequential { L.Input { 4 }, L.Dense { units = 2 } }
    refused("grad_cam: the model has no convolution", explain.grad_cam, dense, random({ 2, 4 }, 1))
    local model = net()
    refused("grad_cam: the layer's output must have the input's axes", explain.grad_cam, model,
      random({ 2, 8, 9, 2 }, 1), { layer = "global_average_pooling2d" })
    refused("grad_cam: unknown option 'layers'", explain.grad_cam, model, random({ 2, 8, 9, 2 }, 1), { layers = 1 })
    local a, b = L.Input { 2 }, L.Input { 2 }
    local two = lubdub.Model { inputs = { a, b }, outputs = L.Add()({ a, b }) }
    local x = random({ 1, 2 }, 1)
    refused("saliency: the model has 2 inputs; only models with one are explained", explain.saliency, two, { x, x })
  end)
end)

describe("explain.saliency", function()
  it("is the largest slope over the channels, before the softmax", function()
    local model, x = net(), random({ 3, 8, 9, 2 }, 1)
    local map = explain.saliency(model, x, { normalize = false, output = 2 })
    assert.same({ 3, 8, 9 }, map:shape())
    local gradient = model:gradient(x, { output = 2, before_softmax = true })
    assert.equal(0, largest(map - gradient:abs():max(-1)))
    assert.near(1, explain.saliency(model, x)[2]:max(), 1e-6)
    local flat = lubdub.Sequential { L.Input { 4 }, L.Dense { units = 2 } }
    assert.same({ 3, 4 }, (explain.saliency(flat, random({ 3, 4 }, 1))):shape())
  end)
end)

describe("explain.integrated_gradients", function()
  it("sums up to the difference from the baseline", function()
    local model, x = net(), random({ 3, 8, 9, 2 }, 1)
    for _, baseline in ipairs { 0, 0.5, random({ 1, 8, 9, 2 }, 2) } do
      local parts, scores, units = explain.integrated_gradients(model, x, { baseline = baseline, steps = 300 })
      local _, _, base = model:gradient(x * 0 + baseline, { output = units, before_softmax = true })
      local sum = parts:reshape { 3, -1 }:sum(2)
      assert.is_true(largest(sum - (scores - base)) < 0.02 * math.max(0.1, largest(scores - base)))
    end
  end)

  it("is exact for linear models in one step", function()
    local model = lubdub.Sequential { L.Input { 3 }, L.Dense { units = 1 } }
    local x = random({ 2, 3 }, 1)
    local parts = explain.integrated_gradients(model, x, { steps = 1 })
    assert.is_true(largest(parts - x * model:get_weights()[1]:reshape { 1, 3 }) < 1e-6)
  end)

  it("refuses no steps and baselines that do not fit", function()
    local model, x = net(), random({ 3, 8, 9, 2 }, 1)
    refused("integrated_gradients: steps must be", explain.integrated_gradients, model, x, { steps = 0 })
    assert.is_false(pcall(explain.integrated_gradients, model, x, { baseline = random({ 5 }, 1) }))
    refused("integrated_gradients: the baseline does not fit x", explain.integrated_gradients, model, x:slice(1, 1, 1),
      { baseline = x })
  end)
end)
