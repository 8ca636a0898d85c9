-- LSTM, GRU and Bidirectional: against float64 and Keras, and the fast stage against the reference.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local float64 = require "support.float64"
local nets = require "support.nets"
local L = core.layers

local function rows(tensor)
  local list = {}
  for i, row in ipairs(tensor:totable()) do list[i] = float64.flat(row) end
  return list
end

-- The largest difference between two flat lists, over the largest value of the second.
local function relative_difference(got, expected)
  local difference, largest = 0, 1e-3
  for i, value in ipairs(expected) do
    difference = math.max(difference, math.abs(got[i] - value))
    largest = math.max(largest, math.abs(value))
  end
  return difference / largest
end

-- A random LSTM or GRU; `usual` keeps to what the fast stage takes.
local function random_cell(next_number, usual, sequences, backwards)
  local activations = { "tanh", "tanh", "relu", "linear", "sigmoid" }
  local options = {
    units = next_number(1, usual and 40 or 6), return_sequences = sequences, go_backwards = backwards,
    use_bias = next_number(1, 4) > 1, dropout = next_number(1, 3) == 1 and 0.4 or 0,
    activation = next_number(1, 3) == 1 and activations[next_number(1, 5)] or nil,
    recurrent_activation = next_number(1, 4) == 1 and "tanh" or nil,
  }
  if next_number(1, 2) == 1 then return L.LSTM(options) end
  options.reset_after = usual or next_number(1, 2) == 1
  return L.GRU(options)
end

local function random_layer(next_number, usual, sequences)
  if next_number(1, 2) == 1 then return random_cell(next_number, usual, sequences, next_number(1, 3) == 1) end
  return L.Bidirectional {
    random_cell(next_number, usual, sequences, false),
    merge_mode = ({ "concat", "sum", "mul", "ave" })[next_number(1, 4)],
  }
end

-- Recurrent layers behind (steps, features), then a dense softmax; weights that are not too tame, but over many steps
-- small enough that linear and relu ones do not grow without end.
local function random_net(seed, usual)
  local next_number = nets.random(seed)
  local shape = { next_number(1, usual and 20 or 6), next_number(1, usual and 30 or 4) }
  local layers, depth = {}, next_number(1, 2)
  for i = 1, depth do
    local sequences = i < depth or next_number(1, 3) == 1
    layers[i] = random_layer(next_number, usual, sequences)
    if i == depth and sequences then layers[#layers + 1] = L.Flatten() end
  end
  local classes = next_number(2, 4)
  layers[#layers + 1] = L.Dense { units = classes, activation = "softmax" }
  nets.build(layers, shape, seed)
  for i, layer in ipairs(layers) do
    local weights = {}
    for j, weight in ipairs(layer:weights()) do
      local noise = lubdub.Tensor.randn { weight.value:size(), seed = seed * 100 + 10 * i + j } * 0.2
      weights[j] = (weight.value + noise:reshape(weight.value:shape())) * (usual and 0.6 or 1)
    end
    layer:set_weights(weights)
  end
  return layers, shape, classes
end

local function batch(n, shape, classes, seed)
  local x = lubdub.Tensor.randn { n, shape[1], shape[2], seed = seed }
  local y, w, next_number = {}, {}, nets.random(seed)
  for i = 1, n do
    y[i], w[i] = next_number(1, classes), next_number(1, 20) / 10
  end
  return x, lubdub.to_categorical(y, classes), lubdub.Tensor(w)
end

describe("gradients through time", function()
  for seed = 1, 40 do
    it("agree with central differences in float64, random net " .. seed, function()
      local layers, shape, classes = random_net(seed, false)
      local x, y, w = batch(2, shape, classes, seed)
      local gradients, loss, outputs = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
      local model, step = float64.model(layers), { seed = seed, iterations = 0 }
      local xs, ys, ws = rows(x), rows(y), w:totable()
      assert.near(float64.loss(model, xs, shape, ys, ws, step), loss, 1e-5 * math.max(1, math.abs(loss)))
      for n, sample in ipairs(xs) do
        step.sample = n - 1
        assert.is_true(relative_difference(outputs[n]:totable(), float64.predict(model, sample, shape, step)) < 1e-5)
      end
      for i, list in ipairs(float64.gradients(model, xs, shape, ys, ws, step)) do
        for j, g in ipairs(list) do
          local difference = relative_difference(float64.flat(gradients[i][j]:totable()), g)
          assert.is_true(difference < 1e-4, ("%s weight %d: %g"):format(layers[i], j, difference))
        end
      end
    end)
  end
end)

-- The largest relative difference of the gradients of two runs, and which weight has it.
local function gradient_difference(layers, got, expected)
  local most, where = 0, ""
  for i, list in ipairs(expected) do
    for j, g in ipairs(list) do
      local difference = relative_difference(float64.flat(got[i][j]:totable()), float64.flat(g:totable()))
      if difference > most then most, where = difference, ("%s weight %d"):format(layers[i], j) end
    end
  end
  return most, where
end

describe("the recurrent stage", function()
  it("does what the reference path does, over random nets", function()
    for seed = 1, 150 do
      local layers, shape, classes = random_net(seed + 5000, true)
      local n = ({ 1, 2, 5, 16, 17, 35 })[1 + seed % 6]
      local x, y, w = batch(n, shape, classes, seed)
      local plan = tostring(core.Trainer { layers = layers, input_shape = shape })
      assert.truthy(plan:find("recurrent", 1, true), plan)
      local fast, fast_loss, fast_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local slow, slow_loss, slow_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
      assert.near(slow_loss, fast_loss, 1e-5 * math.max(1, slow_loss), "loss of net " .. seed)
      assert.is_true(fast_outputs:allclose(slow_outputs, { rtol = 1e-4, atol = 1e-5 }), "outputs of net " .. seed)
      local difference, where = gradient_difference(layers, fast, slow)
      assert.is_true(difference < 1e-4, ("net %d, %s: %g"):format(seed, where, difference))
    end
  end)
end)
