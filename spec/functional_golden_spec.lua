-- Graphs of layers against Keras' numbers (spec/golden/make_functional.py).
local lubdub = require "lubdub"
local json = require "support.json"

local L, Tensor = lubdub.layers, lubdub.Tensor

local nets = {}

function nets.residual()
  local x = L.Input { 8, 9, 2 }
  local y = L.Conv2D { filters = 4, kernel_size = 3, padding = "same", use_bias = false }(x)
  y = L.ReLU()(L.BatchNormalization()(y))
  y = L.Conv2D { filters = 4, kernel_size = 3, padding = "same" }(y)
  y = L.BatchNormalization()(y)
  local shortcut = L.Conv2D { filters = 4, kernel_size = 1 }(x)
  y = L.Add { name = "sum" }({ y, shortcut })
  y = L.Activation { activation = "relu" }(y)
  y = L.MaxPooling2D { pool_size = 2, name = "middle" }(y)
  y = L.GlobalAveragePooling2D()(y)
  return x, L.Dense { units = 3, activation = "softmax" }(y)
end

function nets.two_inputs()
  local a, b = L.Input { 6, name = "numbers" }, L.Input { 5, 3, name = "series" }
  local left = L.Dense { units = 4, activation = "tanh" }(a)
  local right = L.LSTM { units = 4, name = "middle" }(b)
  local gate = L.Dense { units = 1, activation = "sigmoid" }(a)
  local y = L.Concatenate()({ L.Multiply()({ left, gate }), right, a })
  return { a, b }, L.Dense { units = 3, activation = "softmax" }(y)
end

function nets.siamese()
  local a, b = L.Input { 7, 2, name = "one" }, L.Input { 7, 2, name = "other" }
  local conv, pool = L.Conv1D { filters = 3, kernel_size = 2, activation = "relu" }, L.GlobalMaxPooling1D()
  local dense = L.Dense { units = 4, activation = "tanh" }
  local left, right = dense(pool(conv(a))), dense(pool(conv(b)))
  local y = L.Concatenate { name = "middle" }({ L.Subtract()({ left, right }), L.Multiply()({ left, right }) })
  return { a, b }, L.Dense { units = 1, activation = "sigmoid" }(y)
end

function nets.branches()
  local x, ways = L.Input { 6, 5, 3 }, {}
  for i, k in ipairs { 1, 3, 5 } do
    ways[i] = L.Conv2D { filters = 2, kernel_size = k, padding = "same", activation = "relu" }(x)
  end
  local pooled = L.Conv2D { filters = 2, kernel_size = 1 }(
    L.AveragePooling2D { pool_size = 3, strides = 1, padding = "same" }(x))
  local y = L.Concatenate { axis = -1, name = "middle" }({ ways[1], ways[2], ways[3], pooled })
  local z = L.Average()({ ways[1], ways[2], pooled })
  local w = L.Maximum()({ ways[2], L.Minimum()({ ways[3], pooled }) })
  y = L.Concatenate()({ L.GlobalAveragePooling2D()(y), L.Flatten()(L.Add()({ z, w })) })
  return x, L.Softmax()(L.Dense { units = 4 }(y))
end

local function tensor(packed) return Tensor(packed.values):reshape(packed.shape) end

local function tensors(list)
  local result = {}
  for i, packed in ipairs(list) do result[i] = tensor(packed) end
  return result
end

-- The largest difference, as a part of the largest value or of `least`.
local function difference(got, expected, least)
  return (got - expected):abs():max() / math.max(expected:abs():max(), least or 1)
end

for _, case in ipairs(json "functional.json") do
  describe("Keras' net " .. case.name, function()
    local x = tensors(case.inputs)
    if #x == 1 then x = x[1] end
    local y, weights = tensor(case.y), tensors(case.weights)
    local function model()
      local inputs, outputs = nets[case.name]()
      local made = lubdub.Model { inputs = inputs, outputs = outputs }
      made:set_weights(weights)
      return made
    end

    it("has Keras' layers, summary and outputs", function()
      local net, names = model(), {}
      for i, layer in ipairs(net.layers) do names[i] = layer.name end
      assert.same(case.layers, names)
      local text = tostring(net):gsub('"functional"', '"' .. case.summary:match 'Model: "([^"]*)"' .. '"')
      assert.equal(case.summary, text)
      assert.is_true(difference(net:predict(x), tensor(case.outputs)) < 1e-5)
    end)

    it("moves its weights as Keras does", function()
      local net = model()
      net:compile { optimizer = lubdub.optimizers.SGD { learning_rate = 0.1 }, loss = case.loss_name }
      assert.near(case.loss, net:train_on_batch(x, y).loss, 1e-5)
      local stepped = tensors(case.stepped)
      for i, weight in ipairs(net:get_weights()) do
        local moved = stepped[i] - weights[i]
        assert.is_true(difference(weight - weights[i], moved, 1e-3) < 1e-4, i)
      end
    end)

    for _, where in ipairs { "after", "before" } do
      it("has Keras' gradients " .. where .. " the final activation", function()
        local net, expected = model(), case[where]
        local options = { output = case.units, before_softmax = where == "before", batch_size = 2 }
        local gradient, same, scores, units = net:gradient(x, options)
        assert.equal(x, same)
        assert.same(case.units, units:totable())
        assert.is_true(difference(scores, Tensor(expected.scores)) < 1e-5)
        for i, one in ipairs(type(gradient) == "table" and gradient or { gradient }) do
          assert.is_true(difference(one, tensor(expected.inputs[i]), 1e-3) < 1e-4)
        end
        options.layer = "middle"
        local values
        gradient, values = net:gradient(x, options)
        assert.is_true(difference(values, tensor(expected.middle)) < 1e-5)
        assert.is_true(difference(gradient, tensor(expected.at_middle), 1e-3) < 1e-4)
      end)
    end
  end)
end
