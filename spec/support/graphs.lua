--- Random graphs of layers for tests, what a trainer makes of them, and the same in float64.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local float64 = require "support.float64"
local nets = require "support.nets"

local graphs = {}

-- === random graphs ===

local function same_shape(a, b)
  if #a ~= #b then return false end
  for i, size in ipairs(a) do
    if size ~= b[i] then return false end
  end
  return true
end

local elementwise = { "Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract" }

-- A layer for one input of this shape that keeps its number of axes.
local function single(next_number, shape)
  local L, rank = core.layers, #shape - 1 .. "D"
  local makers = {
    function()
      return L["Conv" .. rank] { filters = next_number(1, 4), kernel_size = next_number(1, 3), padding = "same",
        activation = next_number(1, 2) == 1 and "relu" or nil }
    end,
    function() return L.BatchNormalization {} end,
    function() return L.ReLU {} end,
    function() return L.Dropout { rate = 0.3 } end,
    function() return L.Activation { activation = "tanh" } end,
    function() return L["MaxPooling" .. rank] { pool_size = 2 } end,
    function() return L.Dense { units = next_number(1, 4) } end,
    function() return L.LayerNormalization {} end,
    function()
      return L["Conv" .. rank] { filters = next_number(1, 4), kernel_size = 2, strides = next_number(1, 2),
        padding = "same", activation = next_number(1, 2) == 1 and "sigmoid" or nil }
    end,
    function() return L["AveragePooling" .. rank] { pool_size = 3, strides = 1, padding = "same" } end,
    function() return L["MaxPooling" .. rank] { pool_size = 3, strides = 1, padding = "same" } end,
  }
  if #shape == 3 then
    makers[#makers + 1] = function() return L.DepthwiseConv2D { kernel_size = 2, padding = "same" } end
    makers[#makers + 1] = function()
      return L.SeparableConv2D { filters = next_number(1, 4), kernel_size = 2, padding = "same" }
    end
  end
  return makers[next_number(1, #makers)]()
end

local function merge(next_number, tensors)
  local L = lubdub.layers
  local a = tensors[next_number(1, #tensors)]
  local alike, stackable, spread = {}, {}, nil
  for _, b in ipairs(tensors) do
    if same_shape(a.shape, b.shape) then alike[#alike + 1] = b end
    if same_shape({ table.unpack(a.shape, 1, #a.shape - 1) }, { table.unpack(b.shape, 1, #b.shape - 1) }) then
      stackable[#stackable + 1] = b
    end
    if b.shape[#b.shape] == 1 and #b.shape == #a.shape and same_shape({ table.unpack(a.shape, 1, #a.shape - 1) },
      { table.unpack(b.shape, 1, #b.shape - 1) }) then spread = b end
  end
  local way = next_number(1, 3)
  if way == 1 then return L.Concatenate()({ a, stackable[next_number(1, #stackable)] }) end
  if way == 2 and spread then return L.Multiply()({ a, spread }) end
  local kind = elementwise[next_number(1, #elementwise)]
  local list = { a, alike[next_number(1, #alike)] }
  if kind ~= "Subtract" and next_number(1, 2) == 1 then list[3] = alike[next_number(1, #alike)] end
  return L[kind]()(list)
end

--- A random model with one or two inputs and a softmax at its end; every layer leads there.
-- @treturn lubdub.Model
-- @treturn integer how many classes it has
function graphs.random(seed)
  local next_number, L = nets.random(seed), lubdub.layers
  local shape = next_number(1, 3) == 1 and { next_number(5, 9), next_number(1, 3) }
    or { next_number(4, 6), next_number(4, 6), next_number(1, 3) }
  local inputs, tensors, read, used = {}, {}, {}, {}
  for i = 1, next_number(1, 2) do
    inputs[i] = L.Input(shape)
    tensors[i] = inputs[i].output
  end
  local function add(tensor)
    for _, input in ipairs(tensor.inputs) do read[input] = true end
    tensors[#tensors + 1] = tensor
  end
  for _ = 1, next_number(4, 10) do
    local what = next_number(1, 6)
    local from = tensors[next_number(math.max(1, #tensors - 3), #tensors)]
    local old = used[next_number(1, math.max(#used, 1))]
    if what == 1 and old and same_shape(old[2], from.shape) then add(old[1](from)) -- a layer for the second time
    elseif what <= 3 then add(merge(next_number, tensors))
    else
      local layer = single(next_number, from.shape)
      local ok, tensor = pcall(function() return layer(from) end)
      if ok then
        add(tensor)
        used[#used + 1] = { layer, from.shape }
      end
    end
  end
  local ends = {}
  for _, tensor in ipairs(tensors) do
    if not read[tensor] then
      local kind = #tensor.shape == 2 and "GlobalAveragePooling1D" or "GlobalMaxPooling2D"
      ends[#ends + 1] = next_number(1, 2) == 1 and L.Flatten()(tensor) or L[kind]()(tensor)
    end
  end
  local classes = next_number(2, 4)
  local joined = #ends > 1 and L.Concatenate()(ends) or ends[1]
  local model = lubdub.Model { inputs = inputs, seed = seed,
    outputs = L.Dense { units = classes, activation = "softmax" }(joined) }
  local weights = model:get_weights()
  for i, weight in ipairs(weights) do -- biases that are not 0, variances that are not 1
    local dims = weight:shape()
    if #dims == 1 then
      dims.seed = seed + i
      weights[i] = weight + lubdub.Tensor.rand(dims) * 0.3
    end
  end
  model:set_weights(weights)
  return model, classes
end

--- A batch for a model: a list of inputs, targets, sample weights.
function graphs.batch(model, n, classes, seed)
  local _, y, w = nets.batch(n, { 1 }, classes, seed)
  local x = {}
  for i, shape in ipairs(model.input_shapes) do x[i] = nets.batch(n, shape, classes, seed + i) end
  return x, y, w
end

-- === the engine ===

--- A trainer of a model's network.
function graphs.trainer(model, options)
  local given = { loss = "categorical_crossentropy", optimizer = core.optimizers.SGD { learning_rate = 1 } }
  for name, value in pairs(model.network) do given[name] = value end
  for name, value in pairs(options or {}) do given[name] = value end
  return core.Trainer(given)
end

--- What one step of SGD with rate 1 moves, undone: gradients in the order of get_weights; the loss.
function graphs.gradients(model, x, y, w, options)
  local before = model:get_weights()
  local trainer = graphs.trainer(model, options)
  trainer:begin_step(x, y, w)
  local loss = nets.run(trainer)
  local gradients = model:get_weights()
  model:set_weights(before)
  for i, weight in ipairs(before) do gradients[i] = weight - gradients[i] end
  return gradients, loss
end

-- === float64 ===

-- The place in an input of each place in an output that its axes are spread over.
local function places(shape, out)
  local list, strides, size = {}, {}, 1
  for i = #shape, 1, -1 do
    strides[i + #out - #shape] = shape[i] == 1 and 0 or size
    size = size * shape[i]
  end
  for at = 0, float64.product(out) - 1 do
    local rest, place = at, 0
    for i = #out, 1, -1 do
      place = place + rest % out[i] * (strides[i] or 0)
      rest = rest // out[i]
    end
    list[at + 1] = place + 1
  end
  return list
end

local folds = {
  Add = function(a, b) return a + b end,
  Average = function(a, b) return a + b end,
  Subtract = function(a, b) return a - b end,
  Multiply = function(a, b) return a * b end,
  Maximum = math.max,
  Minimum = math.min,
}

local function merged(kind, xs, shapes, out)
  local y = {}
  if kind == "Concatenate" then -- along the last axis
    for row = 0, float64.product(out) // out[#out] - 1 do
      for k, x in ipairs(xs) do
        local width = shapes[k][#shapes[k]]
        table.move(x, row * width + 1, (row + 1) * width, #y + 1, y)
      end
    end
    return y
  end
  for k, x in ipairs(xs) do
    for i, place in ipairs(places(shapes[k], out)) do
      y[i] = k == 1 and x[place] or folds[kind](y[i], x[place])
    end
  end
  if kind == "Average" then
    for i, value in ipairs(y) do y[i] = value / #xs end
  end
  return y
end

--- A model as plain tables, for graphs.run; a layer that is called twice is one table.
function graphs.plain(model)
  local seen, nodes = {}, {}
  for i, layer in ipairs(model.network.layers) do
    seen[layer] = seen[layer] or float64.model({ layer })[1]
    nodes[i] = { layer = seen[layer], reads = model.network.inputs[i], shape = model.calls[i].shape }
  end
  return { nodes = nodes, input_shapes = model.input_shapes }
end

--- Forward: xs[input][sample] are flat arrays. `step` as in float64.run. `given` replaces what one node says:
-- { node =, values by sample }. Returns what the last node says, by sample.
function graphs.run(net, xs, step, given)
  local values = {}
  for i, node in ipairs(net.nodes) do
    local read, shapes = {}, {}
    for k, from in ipairs(node.reads) do
      read[k] = from < 0 and xs[-from] or values[from]
      shapes[k] = from < 0 and net.input_shapes[-from] or net.nodes[from].shape
    end
    local kind = node.layer.kind
    if given and given.node == i then
      values[i] = given.values
    elseif folds[kind] or kind == "Concatenate" then
      values[i] = {}
      for n = 1, #read[1] do
        local samples = {}
        for k, one in ipairs(read) do samples[k] = one[n] end
        values[i][n] = merged(kind, samples, shapes, node.shape)
      end
    else
      node.layer.number = i - 1 -- of its random stream
      if step then step.sample = 0 end
      values[i] = float64.run({ node.layer }, read[1], shapes[1], step)
    end
  end
  return values[#values]
end

--- Tensors (n, ...) as xs for graphs.run.
function graphs.samples(x)
  local xs = {}
  for i, tensor in ipairs(x) do
    xs[i] = {}
    for n, sample in ipairs(tensor:totable()) do xs[i][n] = float64.flat(sample) end
  end
  return xs
end

--- The training loss, as float64.loss has it.
function graphs.loss(net, xs, ys, ws, step)
  local total, outputs = 0, graphs.run(net, xs, step)
  for n, p in ipairs(outputs) do
    for i, t in ipairs(ys[n]) do
      if t ~= 0 then total = total - ws[n] * t * math.log(p[i]) end
    end
  end
  return total / #outputs
end

return graphs
