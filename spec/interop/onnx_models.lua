--- Models of every kind of layer, for ONNX: behind a convolution, whose channels ONNX has first, or behind the input.
local lubdub = require "lubdub"
local nets = require "support.nets"

local L, Tensor = lubdub.layers, lubdub.Tensor
local onnx_models = { graphs = {} }

local function one_of(next_number, list) return list[next_number(1, #list)] end

local cells = { "tanh", "relu", "linear", "sigmoid", "elu", "leaky_relu", "softplus", "softsign", "hard_sigmoid",
  "keras2_hard_sigmoid" }

local function recurrent(kind)
  return function(next_number)
    return L[kind] {
      units = next_number(1, 5), return_sequences = next_number(1, 2) == 1, use_bias = next_number(1, 4) > 1,
      go_backwards = next_number(1, 2) == 1, activation = one_of(next_number, cells),
      recurrent_activation = one_of(next_number, { "sigmoid", "hard_sigmoid", "keras2_hard_sigmoid", "tanh" }),
      reset_after = kind == "GRU" and next_number(1, 2) == 1 or nil,
    }
  end
end

local function bidirectional(next_number)
  local inner = recurrent(one_of(next_number, { "LSTM", "GRU" }))(next_number)
  local config = inner:config()
  config.go_backwards = false
  local other
  if next_number(1, 2) == 1 then
    other = L[inner.kind == "LSTM" and "GRU" or "LSTM"] { units = config.units, go_backwards = true,
      return_sequences = config.return_sequences, use_bias = next_number(1, 2) == 1 }
  end
  return L.Bidirectional { L[inner.kind](config), backward_layer = other,
    merge_mode = one_of(next_number, { "concat", "sum", "mul", "ave" }) }
end

-- Makers of layers that nets.options has not: kind = function(next_number, shape).
local makers = {
  LSTM = recurrent "LSTM", GRU = recurrent "GRU", Bidirectional = bidirectional,
  Flatten = function() return L.Flatten() end,
  BatchNormalization = function(next_number, shape)
    return L.BatchNormalization { axis = nets.axis(next_number, shape), epsilon = 10.0 ^ -next_number(1, 3),
      center = next_number(1, 3) > 1, scale = next_number(1, 3) > 1 }
  end,
}
for _, kind in ipairs { "Average", "Max" } do
  for _, rank in ipairs { "1D", "2D" } do
    local name = ("Global%sPooling%s"):format(kind, rank)
    makers[name] = function(next_number) return L[name] { keepdims = next_number(1, 2) == 1 } end
  end
end

--- Every kind that stands in a chain.
onnx_models.kinds = {}
for kind, make in pairs(nets.options) do
  makers[kind] = function(next_number, shape) return L[kind](make(next_number, shape)) end
end
for kind in pairs(makers) do table.insert(onnx_models.kinds, kind) end
table.sort(onnx_models.kinds)

local function rank_of(kind)
  if kind:find "1D$" or kind == "LSTM" or kind == "GRU" or kind == "Bidirectional" then return 2 end
  return kind:find "2D$" and 3 or nil
end

-- Weights with signs and sizes as after training: variances stay positive.
local function stirred(model, next_number)
  local weights, i = model:get_weights(), 0
  for _, layer in ipairs(model.layers) do
    for _, weight in ipairs(layer:weights()) do
      i = i + 1
      local shape = weight.value:shape()
      shape.seed = next_number(1, 1e6)
      weights[i] = weight.name == "moving_variance" and Tensor.rand(shape) + 0.5 or Tensor.randn(shape) * 0.4
    end
  end
  model:set_weights(weights)
  return model
end

--- A model around one layer of this kind.
-- @tparam string kind
-- @tparam function next_number
-- @treturn Sequential
function onnx_models.layer(kind, next_number)
  local rank = rank_of(kind) or next_number(1, 3)
  if kind == "Permute" or kind == "PReLU" or kind == "Reshape" then rank = math.max(rank, 2) end
  local shape = {}
  for axis = 1, rank - 1 do shape[axis] = next_number(5, 8) end
  shape[rank] = next_number(1, 4)
  local list = { L.Input(shape) }
  if rank > 1 and next_number(1, 3) > 1 then
    local width = next_number(1, 4)
    list[2] = L[("Conv%dD"):format(rank - 1)] { filters = width, kernel_size = 1 }
    shape = { table.unpack(shape) }
    shape[rank] = width
  end
  table.insert(list, makers[kind](next_number, shape))
  local out = list[#list]:output_shape(shape)
  if #out > 1 and next_number(1, 2) == 1 then -- what follows reads the layer's values in their order
    table.insert(list, next_number(1, 2) == 1 and L.Flatten() or L.Dense { units = 3 })
  end
  list.seed = next_number(1, 1e6)
  return stirred(lubdub.Sequential(list), next_number)
end

-- === graphs ===

local graphs = onnx_models.graphs

-- Every merge of inputs with channels last and first, and with fewer axes.
function graphs.merges()
  local image, row, outputs = L.Input { 5, 6, 3, name = "image" }, L.Input { 3, name = "row" }, {}
  local first = L.Conv2D { filters = 3, kernel_size = 1 }(image)
  local column = L.Reshape { 5, 1, 1 }(L.Dense { units = 5 }(row))
  for _, kind in ipairs { "Add", "Multiply", "Average", "Maximum", "Minimum" } do
    outputs[#outputs + 1] = L[kind]()({ first, image, row })
    outputs[#outputs + 1] = L[kind]()({ row, column, first })
    outputs[#outputs + 1] = L[kind]()({ first, column })
    outputs[#outputs + 1] = L[kind]()({ first, first })
  end
  outputs[#outputs + 1] = L.Subtract()({ first, image })
  outputs[#outputs + 1] = L.Subtract()({ row, first })
  for axis = 2, 4 do outputs[#outputs + 1] = L.Concatenate { axis = axis }({ image, first, image }) end
  outputs[#outputs + 1] = L.Concatenate { axis = -2 }({ first, first })
  return stirred(lubdub.Model { inputs = { image, row }, outputs = outputs }, nets.random(1))
end

-- Inputs that are outputs, one output twice, an input that nothing needs, and layers called several times.
function graphs.shared()
  local a, b, unused = L.Input { 6, 4, name = "a" }, L.Input { 6, 4, name = "b/b" }, L.Input { 2, name = "unused" }
  local dense, norm = L.Dense { units = 4, name = "größe of it" }, L.LayerNormalization()
  local lstm, prelu = L.LSTM { units = 3 }, L.PReLU {}
  local conv = L.Conv1D { filters = 4, kernel_size = 3, padding = "causal" }
  local one, other = norm(dense(a)), norm(conv(dense(conv(b))))
  local joined = L.Concatenate()({ lstm(one), lstm(other), lstm(prelu(other)) })
  local outputs = { joined, a, joined, prelu(one), L.Permute { 2, 1 }(other), L.Dropout { rate = 0.5 }(b),
    dense(dense(a)) }
  return stirred(lubdub.Model { inputs = { a, unused, b }, outputs = outputs }, nets.random(2))
end

-- What the notebook ends in, with all that travels with it.
function graphs.notebook()
  local model = assert(lubdub.load_model "spec/golden/notebook_net.h5")
  model.labels = { "artifact", "extrahls", "extrastole", "murmur", "sch\u{f6}n" }
  model.preprocessing = {
    { name = "mfcc", options = { sr = 22050, n_mfcc = 40, top_db = false } },
    { name = "scale", options = { mean = Tensor.arange(40) } },
  }
  return model
end

return onnx_models
