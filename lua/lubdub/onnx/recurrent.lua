--- LSTM, GRU and Bidirectional as nodes of ONNX: one for each direction, over (steps, batch, features).
-- @module lubdub.onnx.recurrent
local Tensor = require("lubdub.core").Tensor
local activations = require "lubdub.onnx.activations"

local recurrent = {}

-- The order of the gates' columns: Keras has i, f, c, o; ONNX i, o, f, c. A GRU's are z, r, h in both.
local GATES = { LSTM = { 1, 4, 2, 3 }, GRU = { 1, 2, 3 } }

-- (rows, gates units) -> (1, gates units, rows) in ONNX's order.
local function turned(matrix, kind)
  local parts, units = {}, matrix:shape(2) // #GATES[kind]
  for i, gate in ipairs(GATES[kind]) do parts[i] = matrix:slice(2, (gate - 1) * units + 1, gate * units) end
  return Tensor.concat(parts, 2):transpose():contiguous():expand_dims(1)
end

-- (gates units) or (2, gates units) -> (1, 2 gates units): what is added to x's part, then to h's.
local function biases(bias, kind)
  local rows = bias:ndim() == 1 and bias:expand_dims(1) or bias
  local for_x = turned(rows:slice(1, 1, 1), kind):reshape { 1, -1 }
  local for_h = rows:shape(1) == 2 and turned(rows:slice(1, 2, 2), kind):reshape { 1, -1 } or for_x * 0
  return Tensor.concat({ for_x, for_h }, 2)
end

local function functions(kind, o)
  local names, alphas, betas = {}, {}, {}
  local list = { o.recurrent_activation, o.activation, kind == "LSTM" and o.activation or nil }
  for i, name in ipairs(list) do
    local entry = activations.of_cells[name or "linear"]
    names[i] = entry[1]
    alphas[#alphas + 1], betas[#betas + 1] = entry[2], entry[3]
  end
  return names, #alphas > 0 and alphas or nil, #betas > 0 and betas or nil
end

-- One direction of a layer: `kind`, its options `o`, and the list of its weights under `role`.
local function direction(b, x, layer, given)
  local kind, o, weights = given.kind, given.o, given.weights
  local function weight(role, make) return b:weight(layer, given.prefix .. role, make) end
  local inputs = {
    b:arranged(x, { 1, 0, 2 }),
    weight("kernel", function() return turned(weights()[1], kind) end),
    weight("recurrent_kernel", function() return turned(weights()[2], kind) end),
    o.use_bias and weight("bias", function() return biases(weights()[3], kind) end) or nil,
  }
  local names, alphas, betas = functions(kind, o)
  local attributes = { hidden_size = o.units, direction = given.backwards and "reverse" or "forward",
    activations = names, activation_alpha = alphas, activation_beta = betas,
    linear_before_reset = kind == "GRU" and (o.reset_after and 1 or 0) or nil }
  if not o.return_sequences then
    local last = b:node(kind, inputs, attributes, { o.units }, false, 2)
    return b:node("Squeeze", { last, b:integers { 0 } }, nil, { o.units })
  end
  local shape = { x.shape[1], o.units }
  local y = b:node(kind, inputs, attributes, shape) -- (steps, 1, batch, units)
  y = b:node("Transpose", { y }, { perm = { 2, 0, 1, 3 } }, shape)
  return b:node("Squeeze", { y, b:integers { 2 } }, nil, shape)
end

-- A layer that goes backwards alone gives its outputs as it makes them, and ONNX puts them where their inputs stood.
local function backwards(b, y)
  local lowest = b:integers { math.mininteger }
  return b:same("Slice", y, nil, b:integers { -1 }, lowest, b:integers { 1 }, b:integers { -1 })
end

local function values(layer, first, last)
  return function()
    local list = {}
    for i, weight in ipairs(layer:weight_views()) do
      if i >= first and i <= last then list[i - first + 1] = weight.value end
    end
    return list
  end
end

function recurrent.layer(b, call)
  local o = call.config
  local y = direction(b, call.inputs[1], call.layer, { kind = call.layer.kind, o = o, prefix = "",
    weights = values(call.layer, 1, 3), backwards = o.go_backwards })
  return o.go_backwards and o.return_sequences and backwards(b, y) or y
end

local merges = { sum = "Add", mul = "Mul", ave = "Mean" }

function recurrent.bidirectional(b, call)
  local layer, o, x = call.layer, call.config, call.inputs[1]
  local forward, backward = o.layer, o.backward_layer or o.layer
  local half = forward:config().use_bias and 3 or 2
  local ys = {
    direction(b, x, layer, { kind = forward.kind, o = forward:config(), prefix = "forward_",
      weights = values(layer, 1, half) }),
    direction(b, x, layer, { kind = backward.kind, o = backward:config(), prefix = "backward_",
      weights = values(layer, half + 1, half + 3), backwards = true }),
  }
  if o.merge_mode == "concat" then return b:node("Concat", ys, { axis = -1 }, call.shape) end
  return b:node(merges[o.merge_mode], ys, nil, call.shape)
end

--- The first activation of a recurrent layer that ONNX's operators lack; nil where they have all.
function recurrent.missing(config)
  for _, name in ipairs { "activation", "recurrent_activation" } do
    if not activations.of_cells[config[name] or "linear"] then return config[name] end
  end
end

return recurrent
