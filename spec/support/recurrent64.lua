--- LSTM, GRU and Bidirectional in float64, step by step, for spec/support/float64.lua.
local recurrent = { forward = {} }

local activations, hash32

--- The activations by name, and the hash behind dropout.
function recurrent.setup(functions, hash) activations, hash32 = functions, hash end

-- sum[u] = bias[u] + x W for u in first + 1 .. first + n; `offset` into the bias.
local function affine(x, w, bias, columns, first, n, offset)
  local sum = {}
  for u = 1, n do
    local s = bias and bias[(offset or 0) + first + u] or 0
    for i = 1, #x do s = s + x[i] * w[(i - 1) * columns + first + u] end
    sum[u] = s
  end
  return sum
end

local function plus(a, b)
  local c = {}
  for i = 1, #a do c[i] = a[i] + b[i] end
  return c
end

local steps = {}

function steps.LSTM(o, w, x, h, c)
  local n = o.units
  local function gate(number, f)
    local from_x, from_h = affine(x, w[1], w[3], 4 * n, number * n, n), affine(h, w[2], nil, 4 * n, number * n, n)
    return activations[f or "linear"](plus(from_x, from_h))
  end
  local i, f = gate(0, o.recurrent_activation), gate(1, o.recurrent_activation)
  local g, out = gate(2, o.activation), gate(3, o.recurrent_activation)
  local cell, y = {}, {}
  for u = 1, n do cell[u] = f[u] * c[u] + i[u] * g[u] end
  local squashed = activations[o.activation or "linear"]({ table.unpack(cell) })
  for u = 1, n do y[u] = out[u] * squashed[u] end
  return y, cell
end

function steps.GRU(o, w, x, h)
  local n = o.units
  local second = o.reset_after and w[3]
  local function from_x(number) return affine(x, w[1], w[3], 3 * n, number * n, n) end
  local function from_h(state, number) return affine(state, w[2], second, 3 * n, number * n, n, 3 * n) end
  local z = activations[o.recurrent_activation or "linear"](plus(from_x(0), from_h(h, 0)))
  local r = activations[o.recurrent_activation or "linear"](plus(from_x(1), from_h(h, 1)))
  local function times_r(values)
    local product = {}
    for u = 1, n do product[u] = r[u] * values[u] end
    return product
  end
  local own = o.reset_after and times_r(from_h(h, 2)) or from_h(times_r(h), 2)
  local g, y = activations[o.activation or "linear"](plus(from_x(2), own)), {}
  for u = 1, n do y[u] = z[u] * h[u] + (1 - z[u]) * g[u] end
  return y
end

-- A direction: the list of outputs in the order in which the steps are taken.
local function run(kind, o, w, x, shape, key, number)
  local length, features, outputs = shape[1], shape[2], {}
  local threshold, mask = math.floor(o.dropout * 2 ^ 32), {}
  for j = 1, features do
    mask[j] = key and (hash32(key, number + j - 1) >= threshold and 1 / (1 - o.dropout) or 0) or 1
  end
  local h, c = {}, {}
  for u = 1, o.units do h[u], c[u] = 0, 0 end
  for t = 1, length do
    local at, row = ((o.go_backwards and length - t + 1 or t) - 1) * features, {}
    for j = 1, features do row[j] = x[at + j] * mask[j] end
    h, c = steps[kind](o, w, row, h, c)
    outputs[t] = h
  end
  return outputs
end

local function result(outputs, o)
  if not o.return_sequences then return outputs[#outputs], { #outputs[1] } end
  local y = {}
  for _, row in ipairs(outputs) do table.move(row, 1, #row, #y + 1, y) end
  return y, { #outputs, #outputs[1] }
end

for _, kind in ipairs { "LSTM", "GRU" } do
  recurrent.forward[kind] = function(o, w, x, shape, key) return result(run(kind, o, w, x, shape, key, 0), o) end
end

local merges = {
  concat = function(a, b) return table.move(b, 1, #b, #a + 1, { table.unpack(a) }) end,
  sum = plus,
  mul = function(a, b) local c = {} for i = 1, #a do c[i] = a[i] * b[i] end return c end,
  ave = function(a, b) local c = {} for i = 1, #a do c[i] = (a[i] + b[i]) / 2 end return c end,
}

function recurrent.forward.Bidirectional(config, w, x, shape, key)
  local one, two = config.layer, config.backward_layer or config.layer
  local first, second = one:config(), two:config()
  second.go_backwards = true
  local count = first.use_bias and 3 or 2
  local ahead = run(one.kind, first, { table.unpack(w, 1, count) }, x, shape, key, 0)
  local back = run(two.kind, second, { table.unpack(w, count + 1) }, x, shape, key, shape[2])
  local merged = {}
  for t = 1, #ahead do
    local partner = first.return_sequences and #back - t + 1 or t
    merged[t] = merges[config.merge_mode](ahead[t], back[partner])
  end
  return result(merged, first)
end

return recurrent
