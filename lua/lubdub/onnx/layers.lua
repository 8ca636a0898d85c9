--- Every kind of layer as nodes of ONNX, operator set 13.
-- To add a layer, add an entry to `layers`: a function of (builder, call) that adds its nodes and gives the value that
-- comes out. A call has layer, config (its options), inputs (values), shape (of a sample of what comes out).
-- @module lubdub.onnx.layers
local Tensor = require("lubdub.core").Tensor
local activations = require "lubdub.onnx.activations"
local recurrent = require "lubdub.onnx.recurrent"
local windows = require "lubdub.onnx.windows"

local layers = {}

-- What does nothing but while training.
local function nothing(_, call) return call.inputs[1] end

local function weights_of(layer)
  local by_name = {}
  for _, weight in ipairs(layer:weight_views()) do by_name[weight.name] = weight.value end
  return by_name
end

-- === dense, normalization ===

local function dense(b, call)
  local layer, o, x = call.layer, call.config, call.inputs[1]
  local function weight(name) return b:weight(layer, name, function() return weights_of(layer)[name] end) end
  local y
  if #x.shape == 1 then
    y = b:node("Gemm", { x, weight "kernel", o.use_bias and weight "bias" or nil }, nil, call.shape)
  else
    y = b:node("MatMul", { b:last(x), weight "kernel" }, nil, call.shape)
    if o.use_bias then y = b:same("Add", y, nil, weight "bias") end
  end
  return activations.add(b, o.activation, y)
end

-- Axes of a sample, from 1 and in their order, that an option names: one, or a list.
local function axes_of(option, x)
  local axes = {}
  for i, axis in ipairs(type(option) == "table" and option or { option }) do
    axes[i] = axis < 0 and axis + #x.shape + 1 or axis - 1
  end
  table.sort(axes)
  return axes
end

-- A weight whose elements lie in the order of some of a value's axes, spread over the others.
local function along(b, layer, name, x, axes, value)
  if not x.first and axes[1] == #x.shape then return b:weight(layer, name, value) end
  return b:weight(layer, ("%s%s_%d"):format(name, x.first and "_first" or "", #x.shape), function()
    local last, shape = x.first and #x.shape or 0, {}
    for axis = 1, #x.shape do shape[axis] = 1 end
    for _, axis in ipairs(axes) do shape[axis] = x.shape[axis] end
    local spread = value():reshape(shape)
    if last < 2 then return spread end
    local order = { last }
    for axis = 1, last - 1 do order[axis + 1] = axis end
    return spread:permute(order):contiguous()
  end)
end

-- Channels along another axis than ONNX has them on: y = x * scale + offset.
local function affine(b, call, axes)
  local layer, x, epsilon = call.layer, call.inputs[1], call.config.epsilon
  local function scale()
    local weights = weights_of(layer)
    local deviation = (weights.moving_variance + epsilon):sqrt()
    return (weights.gamma or Tensor.ones { #deviation }) / deviation
  end
  local function offset()
    local weights = weights_of(layer)
    local shift = weights.moving_mean * scale()
    return weights.beta and weights.beta - shift or -shift
  end
  local y = b:same("Mul", x, nil, along(b, layer, "scale", x, axes, scale))
  return b:same("Add", y, nil, along(b, layer, "offset", x, axes, offset))
end

local function batch_normalization(b, call)
  local axes = axes_of(call.config.axis, call.inputs[1])
  if axes[1] ~= #call.inputs[1].shape then return affine(b, call, axes) end
  local layer, x = call.layer, b:first(call.inputs[1])
  local width, inputs = x.shape[#x.shape], { x }
  local function weight(name, otherwise)
    inputs[#inputs + 1] = b:weight(layer, name, function()
      return weights_of(layer)[name] or Tensor.full { width, value = otherwise }
    end)
  end
  weight("gamma", 1)
  weight("beta", 0)
  weight("moving_mean")
  weight("moving_variance")
  return b:same("BatchNormalization", x, { epsilon = call.config.epsilon }, table.unpack(inputs, 2))
end

-- Operator set 13 has no such operator.
local function layer_normalization(b, call)
  local layer, o, x = call.layer, call.config, call.inputs[1]
  local axes, places = axes_of(o.axis, x), {}
  for i, axis in ipairs(axes) do places[i] = b.place(x, axis) end
  local centered = b:same("Sub", x, nil, b:same("ReduceMean", x, { axes = places }))
  local variance = b:same("ReduceMean", b:same("Mul", centered, nil, centered), { axes = places })
  local deviation = b:same("Sqrt", b:same("Add", variance, nil, b:number(o.epsilon)))
  local y = b:same("Div", centered, nil, deviation)
  local function weight(name)
    return along(b, layer, name, x, axes, function() return weights_of(layer)[name] end)
  end
  if o.scale then y = b:same("Mul", y, nil, weight "gamma") end
  if o.center then y = b:same("Add", y, nil, weight "beta") end
  return y
end

-- === shapes ===

local function reshape(b, call) return b:reshaped(call.inputs[1], call.shape) end

local function flatten(b, call)
  if #call.inputs[1].shape == 1 then return call.inputs[1] end
  return reshape(b, call)
end

local function permute(b, call)
  local x = call.inputs[1]
  local y = b:arranged(x, { 0, table.unpack(call.config.dims) })
  return y ~= x and y or b:node("Identity", { x }, nil, call.shape) -- x may have its channels first
end

-- Margins as { { before, behind }, ... } for each axis of a sample; Keras leaves the channels out, and in one
-- dimension the outer list.
local function by_axis(given)
  local list = type(given[1]) == "table" and { table.unpack(given) } or { given }
  list[#list + 1] = { 0, 0 }
  return list
end

local function pad(b, call)
  local x, before, behind = call.inputs[1], { 0 }, { 0 }
  for _, pair in ipairs(b.ordered(x, by_axis(call.config.padding))) do
    before[#before + 1], behind[#behind + 1] = pair[1], pair[2]
  end
  return b:node("Pad", { x, b:integers(table.move(behind, 1, #behind, #before + 1, before)) }, nil, call.shape, x.first)
end

local function crop(b, call)
  local x, starts, ends, axes = call.inputs[1], {}, {}, {}
  for axis, pair in ipairs(by_axis(call.config.cropping)) do
    starts[axis], ends[axis], axes[axis] = pair[1], x.shape[axis] - pair[2], b.place(x, axis)
  end
  return b:node("Slice", { x, b:integers(starts), b:integers(ends), b:integers(axes) }, nil, call.shape, x.first)
end

-- === activations with options ===

local function relu(b, call)
  local o, x = call.config, call.inputs[1]
  if o.threshold == 0 then
    local y = o.negative_slope == 0 and b:same("Relu", x) or b:same("LeakyRelu", x, { alpha = o.negative_slope })
    return o.max_value and b:same("Min", y, nil, b:number(o.max_value)) or y
  end
  local threshold = b:number(o.threshold)
  local above = o.max_value and b:same("Min", x, nil, b:number(o.max_value)) or x
  local below = b:same("Mul", b:same("Sub", x, nil, threshold), nil, b:number(o.negative_slope))
  return b:node("Where", { b:same("Greater", x, nil, threshold), above, below }, nil, x.shape, x.first)
end

local function prelu(b, call)
  local layer, x = call.layer, call.inputs[1]
  return b:same("PRelu", x, nil, b:weight(layer, x.first and "alpha_first" or "alpha", function()
    local alpha, order = layer:weight_views()[1].value, {}
    for axis = 1, #x.shape do order[b.place(x, axis)] = axis end
    return alpha:permute(order):contiguous()
  end))
end

-- === merging ===

-- A sample's axes match those of another from the last on; ONNX would count the batch among them.
local function spread(b, values)
  local most = 0
  for _, value in ipairs(values) do most = math.max(most, #value.shape) end
  local list = b:alike(values)
  for i, value in ipairs(list) do
    local shape = {}
    for axis = 1, most - #value.shape do shape[axis] = 1 end
    table.move(value.shape, 1, #value.shape, #shape + 1, shape)
    if #shape > #value.shape then list[i] = b:reshaped(value, shape) end
  end
  return list
end

-- For operators that take any number of inputs.
local function merged(op)
  return function(b, call)
    local list = spread(b, call.inputs)
    return b:node(op, list, nil, call.shape, list[1].first)
  end
end

-- For those that take two.
local function folded(op)
  return function(b, call)
    local list = spread(b, call.inputs)
    local y = list[1]
    for i = 2, #list do y = b:node(op, { y, list[i] }, nil, call.shape, list[1].first) end
    return y
  end
end

local function concatenate(b, call)
  local list, axis = b:alike(call.inputs), call.config.axis
  axis = axis < 0 and axis + #call.shape + 1 or axis - 1
  return b:node("Concat", list, { axis = b.place(list[1], axis) }, call.shape, list[1].first)
end

-- === all kinds ===

layers.makers = {
  Conv1D = windows.convolution, Conv2D = windows.convolution,
  DepthwiseConv2D = windows.depthwise, SeparableConv2D = windows.separable,
  MaxPooling1D = windows.pool "MaxPool", MaxPooling2D = windows.pool "MaxPool",
  AveragePooling1D = windows.pool "AveragePool", AveragePooling2D = windows.pool "AveragePool",
  GlobalAveragePooling1D = windows.global_pool "ReduceMean", GlobalAveragePooling2D = windows.global_pool "ReduceMean",
  GlobalMaxPooling1D = windows.global_pool "ReduceMax", GlobalMaxPooling2D = windows.global_pool "ReduceMax",
  Dense = dense, BatchNormalization = batch_normalization, LayerNormalization = layer_normalization,
  Flatten = flatten, Reshape = reshape, Permute = permute,
  ZeroPadding1D = pad, ZeroPadding2D = pad, Cropping1D = crop, Cropping2D = crop,
  Dropout = nothing, SpatialDropout1D = nothing, SpatialDropout2D = nothing, GaussianNoise = nothing,
  Activation = function(b, call) return activations.add(b, call.config.activation, call.inputs[1]) end,
  ReLU = relu, PReLU = prelu,
  LeakyReLU = function(b, call) return b:same("LeakyRelu", call.inputs[1], { alpha = call.config.negative_slope }) end,
  ELU = function(b, call) return b:same("Elu", call.inputs[1], { alpha = call.config.alpha }) end,
  Softmax = function(b, call)
    return activations.softmax(b, call.inputs[1], axes_of(call.config.axis, call.inputs[1]))
  end,
  LSTM = recurrent.layer, GRU = recurrent.layer, Bidirectional = recurrent.bidirectional,
  Add = merged "Sum", Average = merged "Mean", Maximum = merged "Max", Minimum = merged "Min",
  Subtract = folded "Sub", Multiply = folded "Mul", Concatenate = concatenate,
}

-- === what cannot be expressed ===

local function cell_problem(kind, config)
  local missing = recurrent.missing(config)
  return missing and ("%s with the activation '%s'"):format(kind, missing)
end

--- What ONNX has no nodes for in a layer, as text; nil where it has all.
function layers.problem(layer)
  local kind, config = layer.kind, layer:config()
  if not layers.makers[kind] then return kind end
  if kind == "LSTM" or kind == "GRU" then return cell_problem(kind, config) end
  if kind == "Bidirectional" then
    local second = config.backward_layer or config.layer
    return cell_problem(config.layer.kind, config.layer:config()) or cell_problem(second.kind, second:config())
  end
  if not activations.known(config.activation) then return ("%s with the activation '%s'"):format(kind,
    config.activation) end
end

return layers
