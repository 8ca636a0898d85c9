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

local function window(size, extent, stride, padding)
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

function forward.Conv2D(config, weights, x, shape)
  local H, W, C = shape[1], shape[2], shape[3]
  local kh, kw, O = config.kernel_size[1], config.kernel_size[2], config.filters
  local sh, sw, dh, dw = config.strides[1], config.strides[2], config.dilation_rate[1], config.dilation_rate[2]
  local oh, above = window(H, dh * (kh - 1) + 1, sh, config.padding)
  local ow, left = window(W, dw * (kw - 1) + 1, sw, config.padding)
  local y = {}
  for h = 0, oh - 1 do for w = 0, ow - 1 do for o = 1, O do
    local sum = weights[2] and weights[2][o] or 0
    for i = 0, kh - 1 do for j = 0, kw - 1 do
      local r, s = h * sh + i * dh - above, w * sw + j * dw - left
      if r >= 0 and r < H and s >= 0 and s < W then
        for c = 1, C do
          sum = sum + x[(r * W + s) * C + c] * weights[1][((i * kw + j) * C + c - 1) * O + o]
        end
      end
    end end
    y[(h * ow + w) * O + o] = sum
  end end end
  return y, { oh, ow, O }
end

function forward.MaxPooling2D(config, _, x, shape)
  local H, W, C = shape[1], shape[2], shape[3]
  local ph, pw = config.pool_size[1], config.pool_size[2]
  local strides = config.strides or config.pool_size
  local oh, above = window(H, ph, strides[1], config.padding)
  local ow, left = window(W, pw, strides[2], config.padding)
  local y = {}
  for h = 0, oh - 1 do for w = 0, ow - 1 do for c = 1, C do
    local best = -math.huge
    for i = 0, ph - 1 do for j = 0, pw - 1 do
      local r, s = h * strides[1] + i - above, w * strides[2] + j - left
      if r >= 0 and r < H and s >= 0 and s < W then best = math.max(best, x[(r * W + s) * C + c]) end
    end end
    y[(h * ow + w) * C + c] = best
  end end end
  return y, { oh, ow, C }
end

function forward.GlobalAveragePooling2D(_, _, x, shape)
  local pixels, C, y = shape[1] * shape[2], shape[3], {}
  for c = 1, C do
    local sum = 0
    for p = 0, pixels - 1 do sum = sum + x[p * C + c] end
    y[c] = sum / pixels
  end
  return y, { C }
end

function forward.Dropout(config, _, x, shape, key)
  local y, threshold = {}, math.floor(config.rate * 2 ^ 32)
  for i = 1, #x do
    if not key then y[i] = x[i]
    else y[i] = hash32(key, i - 1) >= threshold and x[i] / (1 - config.rate) or 0 end
  end
  return y, shape
end

local recurrent = require "support.recurrent64"
for kind, f in pairs(recurrent.forward) do forward[kind] = f end
recurrent.setup(activations, hash32)

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
  local C, weights, n = shape[#shape], { table.unpack(layer.weights) }, 0
  local gamma = layer.config.scale and table.remove(weights, 1)
  local beta = layer.config.center and table.remove(weights, 1)
  local mean, variance = { table.unpack(weights[1]) }, { table.unpack(weights[2]) }
  if training then
    for c = 1, C do mean[c], variance[c] = 0, 0 end
    for _, x in ipairs(xs) do
      n = n + #x // C
      for i, value in ipairs(x) do mean[(i - 1) % C + 1] = mean[(i - 1) % C + 1] + value end
    end
    for c = 1, C do mean[c] = mean[c] / n end
    for _, x in ipairs(xs) do
      for i, value in ipairs(x) do
        local c = (i - 1) % C + 1
        variance[c] = variance[c] + (value - mean[c]) ^ 2 / n
      end
    end
  end
  local ys = {}
  for k, x in ipairs(xs) do
    ys[k] = {}
    for i, value in ipairs(x) do
      local c = (i - 1) % C + 1
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
        local key = step and mix(mix(mix(mix(step.seed, 0xD0), step.iterations), i - 1), step.sample + n - 1)
        ys[n], out = forward[layer.kind](layer.config, layer.weights, x, shape, key)
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
