--- Convolutions and pools as nodes of ONNX. Padding is written as numbers: "SAME_UPPER" does not know dilation in
-- all of its operators.
-- @module lubdub.onnx.windows
local activations = require "lubdub.onnx.activations"

local windows = {}

-- Padding before and behind along one axis, as in csrc/nn/layers/window.c.
local function margins(size, kernel, stride, dilation, padding)
  local extent = dilation * (kernel - 1) + 1
  if padding == "causal" then return extent - 1, 0 end
  local total = padding == "same" and ((size + stride - 1) // stride - 1) * stride + extent - size or 0
  total = math.max(total, 0)
  return total // 2, total - total // 2
end

-- The attributes that all windows have; ONNX lists the paddings before all axes, then those behind.
local function frame(x, kernel, strides, dilations, padding)
  local before, behind = {}, {}
  for i, size in ipairs(kernel) do
    before[i], behind[i] = margins(x.shape[i], size, strides[i], dilations and dilations[i] or 1, padding)
  end
  return { kernel_shape = kernel, strides = strides, dilations = dilations,
    pads = table.move(behind, 1, #behind, #before + 1, before) }
end

local function weight_named(layer, name)
  for _, weight in ipairs(layer:weight_views()) do
    if weight.name == name then return weight.value end
  end
end

-- A kernel with its last axes, (..., in, out), first: (out, in, ...).
local function turned(kernel)
  local rank, order = kernel:ndim(), {}
  order[1], order[2] = rank, rank - 1
  for axis = 1, rank - 2 do order[axis + 2] = axis end
  return kernel:permute(order)
end

-- Each of the m kernels of each channel by itself: (h, w, channels, m) -> (channels m, 1, h, w).
local function split(kernel)
  local h, w, channels, m = table.unpack(kernel:shape())
  return kernel:permute { 3, 4, 1, 2 }:contiguous():reshape { channels * m, 1, h, w }
end

local function convolve(b, x, layer, given)
  local inputs = { b:first(x), b:weight(layer, given.role, given.kernel) }
  if given.bias then
    inputs[3] = b:weight(layer, "bias", function() return weight_named(layer, "bias") end)
  end
  given.attributes.group = given.group
  return b:node("Conv", inputs, given.attributes, given.shape, true)
end

function windows.convolution(b, call)
  local layer, o, x = call.layer, call.config, call.inputs[1]
  local y = convolve(b, x, layer, {
    role = "kernel", kernel = function() return turned(weight_named(layer, "kernel")) end, bias = o.use_bias,
    group = o.groups, attributes = frame(x, o.kernel_size, o.strides, o.dilation_rate, o.padding), shape = call.shape,
  })
  return activations.add(b, o.activation, y)
end

local function depthwise(b, call, bias, shape)
  local layer, o, x = call.layer, call.config, call.inputs[1]
  return convolve(b, x, layer, {
    role = "depthwise_kernel", bias = bias, group = x.shape[3], shape = shape,
    kernel = function() return split(layer:weight_views()[1].value) end,
    attributes = frame(x, o.kernel_size, o.strides, o.dilation_rate, o.padding),
  })
end

function windows.depthwise(b, call)
  return activations.add(b, call.config.activation, depthwise(b, call, call.config.use_bias, call.shape))
end

function windows.separable(b, call)
  local layer, o = call.layer, call.config
  local between = { call.shape[1], call.shape[2], call.inputs[1].shape[3] * o.depth_multiplier }
  local y = convolve(b, depthwise(b, call, false, between), layer, {
    role = "pointwise_kernel", kernel = function() return turned(weight_named(layer, "pointwise_kernel")) end,
    bias = o.use_bias, attributes = { kernel_shape = { 1, 1 } }, shape = call.shape,
  })
  return activations.add(b, o.activation, y)
end

--- A maker of pools; averages are over what is no padding, as in Keras.
function windows.pool(op)
  return function(b, call)
    local o, x = call.config, call.inputs[1]
    return b:node(op, { b:first(x) }, frame(x, o.pool_size, o.strides or o.pool_size, nil, o.padding), call.shape, true)
  end
end

--- A maker of pools over all pixels: a reduction, which takes the axes where they are.
function windows.global_pool(op)
  return function(b, call)
    local x, axes = call.inputs[1], {}
    for axis = 1, #x.shape - 1 do axes[axis] = b.place(x, axis) end
    return b:node(op, { x }, { axes = axes, keepdims = call.config.keepdims and 1 or 0 }, call.shape,
      call.config.keepdims and x.first)
  end
end

return windows
