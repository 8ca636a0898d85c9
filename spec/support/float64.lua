--- A float64 model of the layers, written from their definitions and for nothing but clarity: the oracle of the engine.
-- Arrays are flat Lua tables, row-major, channels last, counted from 1.
local float64 = {}

local function mix(key, word)
  local z = key + 0x9E3779B97F4A7C15 * (word + 1)
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

local function hash32(key, i)
  local m = 0xFFFFFFFF
  local x = (i * 0x9E3779B1 + (key & m)) & m
  x = ((x ~ (x >> 15)) * 0x85EBCA77 & m) + (key >> 32) & m
  x = (x ~ (x >> 13)) * 0xC2B2AE3D & m
  return x ~ (x >> 16)
end

local activations = {}
function activations.linear(y) return y end
function activations.relu(y) for i = 1, #y do y[i] = math.max(y[i], 0) end return y end
function activations.sigmoid(y) for i = 1, #y do y[i] = 1 / (1 + math.exp(-y[i])) end return y end
function activations.tanh(y)
  for i = 1, #y do local e = math.exp(2 * y[i]) y[i] = (e - 1) / (e + 1) end
  return y
end
function activations.softmax(y, width)
  for first = 1, #y, width do
    local top, sum = -math.huge, 0
    for i = first, first + width - 1 do top = math.max(top, y[i]) end
    for i = first, first + width - 1 do y[i] = math.exp(y[i] - top) sum = sum + y[i] end
    for i = first, first + width - 1 do y[i] = y[i] / sum end
  end
  return y
end

--- The error function: its Taylor series, and the continued fraction of what is missing to 1 (Lentz's way).
function float64.erf(x)
  local a = math.abs(x)
  if a < 2.5 then
    local term, sum = a, a
    for n = 1, 60 do
      term = -term * a * a / n
      sum = sum + term / (2 * n + 1)
    end
    return (x < 0 and -2 or 2) / math.sqrt(math.pi) * sum
  end
  local f = a
  for n = 60, 1, -1 do f = a + n / 2 / f end
  return (x < 0 and -1 or 1) * (1 - math.exp(-a * a) / math.sqrt(math.pi) / f)
end

local function each(f)
  return function(y)
    for i = 1, #y do y[i] = f(y[i]) end
    return y
  end
end

local function elu(alpha) return function(x) return x < 0 and alpha * (math.exp(x) - 1) or x end end
local function leaky(slope) return function(x) return x < 0 and slope * x or x end end

activations.relu6 = each(function(x) return math.min(math.max(x, 0), 6) end)
activations.leaky_relu = each(leaky(0.2))
activations.elu = each(elu(1))
activations.selu = each(function(x) return 1.0507009873554805 * elu(1.6732632423543772)(x) end)
activations.gelu = each(function(x) return x / 2 * (1 + float64.erf(x / math.sqrt(2))) end)
activations.silu = each(function(x) return x / (1 + math.exp(-x)) end)
activations.swish = activations.silu
activations.hard_sigmoid = each(function(x) return math.min(math.max(x / 6 + 0.5, 0), 1) end)
activations.keras2_hard_sigmoid = each(function(x) return math.min(math.max(0.2 * x + 0.5, 0), 1) end)
activations.softplus = each(function(x) return math.log(1 + math.exp(x)) end)
activations.softsign = each(function(x) return x / (1 + math.abs(x)) end)
activations.exponential = each(math.exp)

local function window(size, extent, stride, padding)
  if padding == "causal" then return (size + stride - 1) // stride, extent - 1 end
  if padding == "same" then
    local out = (size + stride - 1) // stride
    return out, math.max((out - 1) * stride + extent - size, 0) // 2
  end
  return (size - extent) // stride + 1, 0
end

local forward = {}

function forward.Input(_, _, x, shape) return x, shape end
function forward.Flatten(_, _, x) return x, { #x } end
function forward.Activation(_, _, x, shape) return { table.unpack(x) }, shape end

function forward.Dense(config, weights, x, shape)
  local features, units, y = shape[#shape], config.units, {}
  for row = 0, #x // features - 1 do
    for u = 1, units do
      local sum = weights[2] and weights[2][u] or 0
      for i = 1, features do sum = sum + x[row * features + i] * weights[1][(i - 1) * units + u] end
      y[row * units + u] = sum
    end
  end
  local out = { table.unpack(shape) }
  out[#out] = units
  return y, out
end

-- A layer over (T, C) as one over (1, T, C): the shape, and the two numbers of an option.
local function image(shape)
  if #shape == 3 then return shape[1], shape[2], shape[3] end
  return 1, shape[1], shape[2]
end

local function two(list, shape)
  if #shape == 3 then return list[1], list[2] end
  return 1, list[1]
end

local function out_shape(shape, h, w, c)
  if #shape == 3 then return { h, w, c } end
  return { w, c }
end

--- Calls visit(output pixel, tap, input pixel), all from 0, for what meets inside; returns the output's height
-- and width.
local function slide(config, size, shape, visit)
  local H, W = image(shape)
  local kh, kw = two(size, shape)
  local sh, sw = two(config.strides or size, shape)
  local dh, dw = two(config.dilation_rate or { 1, 1 }, shape)
  local oh, above = window(H, dh * (kh - 1) + 1, sh, #shape == 3 and config.padding)
  local ow, left = window(W, dw * (kw - 1) + 1, sw, config.padding)
  for h = 0, oh - 1 do for w = 0, ow - 1 do
    for i = 0, kh - 1 do for j = 0, kw - 1 do
      local r, s = h * sh + i * dh - above, w * sw + j * dw - left
      if r >= 0 and r < H and s >= 0 and s < W then visit(h * ow + w, i * kw + j, r * W + s) end
    end end
  end end
  return oh, ow
end

local function filled(n, value)
  local y = {}
  for i = 1, n do y[i] = value end
  return y
end

local function convolve(config, kernel, bias, x, shape)
  local O, C, y = config.filters, shape[#shape], {}
  local cg, og = C // config.groups, O // config.groups
  local oh, ow = slide(config, config.kernel_size, shape, function(p, tap, q)
    for o = 0, O - 1 do
      local sum = y[p * O + o + 1] or bias and bias[o + 1] or 0
      local first = q * C + o // og * cg
      for c = 0, cg - 1 do sum = sum + x[first + c + 1] * kernel[(tap * cg + c) * O + o + 1] end
      y[p * O + o + 1] = sum
    end
  end)
  for i = 1, oh * ow * O do y[i] = y[i] or bias and bias[(i - 1) % O + 1] or 0 end
  return y, out_shape(shape, oh, ow, O)
end

function forward.Conv2D(config, weights, x, shape) return convolve(config, weights[1], weights[2], x, shape) end
forward.Conv1D = forward.Conv2D

local function depthwise(config, kernel, bias, x, shape)
  local C, m, y = shape[#shape], config.depth_multiplier, {}
  local oh, ow = slide(config, config.kernel_size, shape, function(p, tap, q)
    for c = 0, C - 1 do for k = 0, m - 1 do
      local at = p * C * m + c * m + k + 1
      y[at] = (y[at] or 0) + x[q * C + c + 1] * kernel[(tap * C + c) * m + k + 1]
    end end
  end)
  for i = 1, oh * ow * C * m do y[i] = (y[i] or 0) + (bias and bias[(i - 1) % (C * m) + 1] or 0) end
  return y, out_shape(shape, oh, ow, C * m)
end

function forward.DepthwiseConv2D(config, weights, x, shape)
  return depthwise(config, weights[1], weights[2], x, shape)
end

function forward.SeparableConv2D(config, weights, x, shape)
  local z, middle = depthwise(config, weights[1], nil, x, shape)
  local point = { filters = config.filters, groups = 1, kernel_size = { 1, 1 }, strides = { 1, 1 }, padding = "valid" }
  return convolve(point, weights[2], weights[3], z, middle)
end

function forward.MaxPooling2D(config, _, x, shape)
  local C, y = shape[#shape], {}
  local oh, ow = slide(config, config.pool_size, shape, function(p, _, q)
    for c = 1, C do y[p * C + c] = math.max(y[p * C + c] or -math.huge, x[q * C + c]) end
  end)
  return y, out_shape(shape, oh, ow, C)
end
forward.MaxPooling1D = forward.MaxPooling2D

function forward.AveragePooling2D(config, _, x, shape)
  local C, y, count = shape[#shape], {}, {}
  local oh, ow = slide(config, config.pool_size, shape, function(p, _, q)
    count[p] = (count[p] or 0) + 1
    for c = 1, C do y[p * C + c] = (y[p * C + c] or 0) + x[q * C + c] end
  end)
  for i = 1, #y do y[i] = y[i] / count[(i - 1) // C] end
  return y, out_shape(shape, oh, ow, C)
end
forward.AveragePooling1D = forward.AveragePooling2D

local function global(combine, divide)
  return function(config, _, x, shape)
    local C, y = shape[#shape], {}
    for i = 1, #x do
      local c = (i - 1) % C + 1
      y[c] = y[c] and combine(y[c], x[i]) or x[i]
    end
    for c = 1, C do y[c] = divide and y[c] / (#x // C) or y[c] end
    local out = config.keepdims and filled(#shape - 1, 1) or {}
    out[#out + 1] = C
    return y, out
  end
end

local function add(a, b) return a + b end
forward.GlobalAveragePooling1D, forward.GlobalAveragePooling2D = global(add, true), global(add, true)
forward.GlobalMaxPooling1D, forward.GlobalMaxPooling2D = global(math.max), global(math.max)

function forward.Reshape(config, _, x)
  local out, rest = { table.unpack(config.target_shape) }, #x
  for _, size in ipairs(out) do rest = size > 0 and rest // size or rest end
  for i, size in ipairs(out) do out[i] = size == -1 and rest or size end
  return x, out
end

-- The indices (from 0) of element i (from 1) of an array of this shape; and the way back.
local function indices(i, shape)
  local at = {}
  i = i - 1
  for axis = #shape, 1, -1 do at[axis], i = i % shape[axis], i // shape[axis] end
  return at
end

local function place(at, shape)
  local i = 0
  for axis = 1, #shape do i = i * shape[axis] + at[axis] end
  return i + 1
end

function forward.Permute(config, _, x, shape)
  local out, y = {}, {}
  for i, axis in ipairs(config.dims) do out[i] = shape[axis] end
  for i = 1, #x do
    local at, from = indices(i, out), {}
    for k, axis in ipairs(config.dims) do from[axis] = at[k] end
    y[i] = x[place(from, shape)]
  end
  return y, out
end

local function pairs_of(option, shape)
  return #shape == 3 and option or { option }
end

function forward.ZeroPadding2D(config, _, x, shape)
  local margins, out = pairs_of(config.padding, shape), { table.unpack(shape) }
  for axis, pair in ipairs(margins) do out[axis] = out[axis] + pair[1] + pair[2] end
  local y = filled(float64.product(out), 0)
  for i = 1, #x do
    local at = indices(i, shape)
    for axis, pair in ipairs(margins) do at[axis] = at[axis] + pair[1] end
    y[place(at, out)] = x[i]
  end
  return y, out
end
forward.ZeroPadding1D = forward.ZeroPadding2D

function forward.Cropping2D(config, _, x, shape)
  local margins, out, y = pairs_of(config.cropping, shape), { table.unpack(shape) }, {}
  for axis, pair in ipairs(margins) do out[axis] = out[axis] - pair[1] - pair[2] end
  for i = 1, float64.product(out) do
    local at = indices(i, out)
    for axis, pair in ipairs(margins) do at[axis] = at[axis] + pair[1] end
    y[i] = x[place(at, shape)]
  end
  return y, out
end
forward.Cropping1D = forward.Cropping2D

-- The elements of x in groups along axes that an option names (from 1, the batch's): lists of places, each in the
-- order in which they lie.
local function groups(option, shape)
  local named, list, by_key = {}, {}, {}
  for _, axis in ipairs(type(option) == "table" and option or { option }) do
    named[axis < 0 and axis + #shape + 1 or axis - 1] = true
  end
  for i = 1, float64.product(shape) do
    local at, key = indices(i, shape), {}
    for axis = 1, #shape do key[axis] = named[axis] and "" or at[axis] end
    key = table.concat(key, ",")
    if not by_key[key] then
      by_key[key] = {}
      list[#list + 1] = by_key[key]
    end
    table.insert(by_key[key], i)
  end
  return list
end

function forward.LayerNormalization(config, weights, x, shape)
  local y = {}
  local gamma, beta = config.scale and weights[1], config.center and weights[config.scale and 2 or 1]
  for _, group in ipairs(groups(config.axis, shape)) do
    local mean, variance = 0, 0
    for _, i in ipairs(group) do mean = mean + x[i] / #group end
    for _, i in ipairs(group) do variance = variance + (x[i] - mean) ^ 2 / #group end
    for k, i in ipairs(group) do
      y[i] = (x[i] - mean) / math.sqrt(variance + config.epsilon) * (gamma and gamma[k] or 1) + (beta and beta[k] or 0)
    end
  end
  return y, shape
end

local function elementwise(f)
  return function(config, _, x, shape)
    local y = {}
    for i = 1, #x do y[i] = f(x[i], config) end
    return y, shape
  end
end

forward.LeakyReLU = elementwise(function(x, config) return leaky(config.negative_slope)(x) end)
forward.ELU = elementwise(function(x, config) return elu(config.alpha)(x) end)
forward.ReLU = elementwise(function(x, config)
  if x <= config.threshold then return config.negative_slope * (x - config.threshold) end
  return math.min(x, config.max_value or math.huge)
end)

function forward.PReLU(config, weights, x, shape)
  local own, y = { table.unpack(shape) }, {}
  for _, axis in ipairs(config.shared_axes or {}) do own[axis - 1] = 1 end
  for i = 1, #x do
    local at = indices(i, shape)
    for axis in ipairs(own) do at[axis] = own[axis] == 1 and 0 or at[axis] end
    y[i] = leaky(weights[1][place(at, own)])(x[i])
  end
  return y, shape
end

function forward.Softmax(config, _, x, shape)
  local y = {}
  for _, group in ipairs(groups(config.axis, shape)) do
    local row = {}
    for k, i in ipairs(group) do row[k] = x[i] end
    for k, value in ipairs(activations.softmax(row, #row)) do y[group[k]] = value end
  end
  return y, shape
end

local function spatial_dropout(config, _, x, shape, key)
  local y, C, threshold = {}, shape[#shape], math.floor(config.rate * 2 ^ 32)
  for i = 1, #x do
    local lives = not key or hash32(key, (i - 1) % C) >= threshold
    y[i] = not key and x[i] or lives and x[i] / (1 - config.rate) or 0
  end
  return y, shape
end
forward.SpatialDropout1D, forward.SpatialDropout2D = spatial_dropout, spatial_dropout

local function uniform(key, i) return (mix(key, i) >> 11) / 2.0 ^ 53 end

function forward.GaussianNoise(config, _, x, shape, key)
  local y = {}
  for i = 1, #x do
    local first = (i - 1) // 2 * 2
    local turn = key and 2 * math.pi * uniform(key, first + 1)
    local noise = key and math.sqrt(-2 * math.log(1 - uniform(key, first)))
      * (i % 2 == 1 and math.cos(turn) or math.sin(turn)) or 0
    y[i] = x[i] + config.stddev * noise
  end
  return y, shape
end

function forward.Dropout(config, _, x, shape, key, shared_key)
  local y, threshold, noise = {}, math.floor(config.rate * 2 ^ 32), { table.unpack(shape) }
  for i = 1, config.noise_shape and #shape or 0 do noise[i] = config.noise_shape[i + 1] or shape[i] end
  if config.noise_shape and config.noise_shape[1] == 1 then key = key and shared_key end
  for i = 1, #x do
    local at = indices(i, shape)
    for axis = 1, #shape do at[axis] = noise[axis] == 1 and 0 or at[axis] end
    if not key then y[i] = x[i]
    else y[i] = hash32(key, place(at, noise) - 1) >= threshold and x[i] / (1 - config.rate) or 0 end
  end
  return y, shape
end

local recurrent = require "support.recurrent64"
for kind, f in pairs(recurrent.forward) do forward[kind] = f end
recurrent.setup(activations, hash32)

function float64.product(list)
  local product = 1
  for _, factor in ipairs(list) do product = product * factor end
  return product
end

--- Flattens a nested table.
function float64.flat(t, out)
  out = out or {}
  if type(t) ~= "table" then out[#out + 1] = t return out end
  for i = 1, #t do float64.flat(t[i], out) end
  return out
end

--- The model as plain tables: { { kind, config, weights = { flat arrays } }, ... }.
function float64.model(layers)
  local model = {}
  for i, layer in ipairs(layers) do
    local weights = {}
    for j, weight in ipairs(layer:weights()) do weights[j] = float64.flat(weight.value:totable()) end
    model[i] = { kind = layer.kind, config = layer:config(), weights = weights }
  end
  return model
end

-- Batch normalization of all samples: by their own statistics, or by the moving ones.
local function batch_norm(layer, xs, shape, training)
  local axis, weights, n = layer.config.axis, { table.unpack(layer.weights) }, 0
  axis = axis < 0 and axis + #shape + 1 or axis - 1
  local C, inner = shape[axis], float64.product { table.unpack(shape, axis + 1) }
  local function channel(i) return (i - 1) // inner % C + 1 end
  local gamma = layer.config.scale and table.remove(weights, 1)
  local beta = layer.config.center and table.remove(weights, 1)
  local mean, variance = { table.unpack(weights[1]) }, { table.unpack(weights[2]) }
  if training then
    for c = 1, C do mean[c], variance[c] = 0, 0 end
    for _, x in ipairs(xs) do
      n = n + #x // C
      for i, value in ipairs(x) do mean[channel(i)] = mean[channel(i)] + value end
    end
    for c = 1, C do mean[c] = mean[c] / n end
    for _, x in ipairs(xs) do
      for i, value in ipairs(x) do
        local c = channel(i)
        variance[c] = variance[c] + (value - mean[c]) ^ 2 / n
      end
    end
  end
  local ys = {}
  for k, x in ipairs(xs) do
    ys[k] = {}
    for i, value in ipairs(x) do
      local c = channel(i)
      ys[k][i] = (gamma and gamma[c] or 1) * (value - mean[c]) / math.sqrt(variance[c] + layer.config.epsilon)
        + (beta and beta[c] or 0)
    end
  end
  return ys, shape
end

--- Samples forward. With `step` = { seed =, iterations =, sample = (of the first one, from 0) } as while training.
function float64.run(model, xs, shape, step)
  for i, layer in ipairs(model) do
    local ys, out = {}, nil
    if layer.kind == "BatchNormalization" then
      ys, out = batch_norm(layer, xs, shape, step)
    else
      for n, x in ipairs(xs) do
        local number = layer.number or i - 1
        local stream = step and mix(mix(mix(step.seed, 0xD0), step.iterations), number)
        local key, shared_key = step and mix(stream, step.sample + n - 1), step and mix(stream, -1)
        ys[n], out = forward[layer.kind](layer.config, layer.weights, x, shape, key, shared_key)
        if not recurrent.forward[layer.kind] then
          ys[n] = activations[layer.config.activation or "linear"](ys[n], out[#out])
        end
      end
    end
    xs, shape = ys, out
  end
  return xs, shape
end

--- One sample forward.
function float64.predict(model, x, shape, step)
  return float64.run(model, { x }, shape, step)[1]
end

--- The training loss: sum over samples of w * crossentropy / n.
function float64.loss(model, xs, shape, ys, ws, step)
  local total = 0
  if step then step.sample = 0 end
  for n, p in ipairs(float64.run(model, xs, shape, step)) do
    local loss = 0
    for i, t in ipairs(ys[n]) do
      if t ~= 0 then loss = loss - t * math.log(p[i]) end
    end
    total = total + (ws and ws[n] or 1) * loss
  end
  return total / #xs
end

--- d loss / d weight by central differences: the same nesting as model[i].weights[j].
function float64.gradients(model, ...)
  local gradients, h = {}, 1e-6
  for i, layer in ipairs(model) do
    gradients[i] = {}
    for j, weight in ipairs(layer.weights) do
      local g = {}
      for k, value in ipairs(weight) do
        weight[k] = value + h
        local above = float64.loss(model, ...)
        weight[k] = value - h
        local below = float64.loss(model, ...)
        weight[k] = value
        g[k] = (above - below) / (2 * h)
      end
      gradients[i][j] = g
    end
  end
  return gradients
end

return float64
