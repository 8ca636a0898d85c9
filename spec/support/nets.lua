--- Small random nets for tests: the layers, data and helpers around the trainer.
local lubdub = require "lubdub"
local core = require "lubdub.core"

local nets = {}

--- A generator of whole numbers from `seed`: next(low, high).
function nets.random(seed)
  local state = seed * 2654435761 + 12345
  return function(low, high)
    state = state * 6364136223846793005 + 1442695040888963407
    return low + (state >> 33) % (high - low + 1)
  end
end

--- Builds layers in order; returns the output's shape.
function nets.build(layers, shape, seed)
  for i, layer in ipairs(layers) do shape = layer:build(shape, (seed or 0) * 100 + i) end
  return shape
end

local activations = { "relu", "linear", "tanh", "sigmoid", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu",
  "hard_sigmoid", "softplus", "softsign", "exponential",
  "keras2_hard_sigmoid" }

local function one_of(next_number, list) return list[next_number(1, #list)] end

-- One or two random numbers, for the axes of a layer over (T, C) or (H, W, C).
local function sizes(next_number, rank, low, high)
  local list = {}
  for i = 1, rank do list[i] = next_number(low, high) end
  return list
end

--- Random options of a convolution over this shape. `fast` keeps to what the convolution stage takes.
function nets.conv_options(next_number, shape, fast)
  local rank, channels = #shape - 1, shape[#shape]
  local strided = not fast and next_number(1, 3) == 1
  local groups = not fast and next_number(1, 3) == 1 and channels or 1
  return {
    filters = next_number(1, 6) * groups, groups = groups, kernel_size = sizes(next_number, rank, 1, 3),
    padding = one_of(next_number, rank == 1 and { "same", "valid", "causal" } or { "same", "valid" }),
    use_bias = next_number(1, 4) > 1, strides = strided and next_number(1, 2) or 1,
    dilation_rate = not fast and not strided and next_number(1, 4) == 1 and 2 or 1,
    activation = one_of(next_number, fast and { "relu", "relu", "linear" } or activations),
  }
end

function nets.pool_options(next_number, shape, fast)
  return {
    pool_size = sizes(next_number, #shape - 1, 1, 3),
    strides = not fast and next_number(1, 3) == 1 and next_number(1, 3) or nil,
    padding = not fast and next_number(1, 3) == 1 and "same" or "valid",
  }
end

--- An axis that a layer may work along in samples of this shape: mostly the last one.
function nets.axis(next_number, shape)
  local axis = next_number(1, 2) == 1 and #shape or next_number(1, #shape)
  return next_number(1, 2) == 1 and axis + 1 or axis - #shape - 1
end

--- One, or several in any order.
function nets.axes(next_number, shape)
  if next_number(1, 3) > 1 then return nets.axis(next_number, shape) end
  local list = {}
  for axis = 1, #shape do
    if next_number(1, 2) == 1 then
      table.insert(list, next_number(1, #list + 1), next_number(1, 2) == 1 and axis + 1 or axis - #shape - 1)
    end
  end
  return #list > 0 and list or { 2 }
end

local function noise_shape(next_number, shape)
  if next_number(1, 2) == 1 then return false end
  local list = { one_of(next_number, { false, false, 1, 32 }) }
  for i, size in ipairs(shape) do list[i + 1] = one_of(next_number, { false, 1, size }) end
  return list
end

--- Random options of layers of every kind, by kind: a function of (next_number, shape). Kinds that end in 1D or 2D
-- want a shape of their rank.
nets.options = {
  DepthwiseConv2D = function(next_number, shape)
    local o = nets.conv_options(next_number, shape)
    o.filters, o.groups, o.depth_multiplier = nil, nil, next_number(1, 3)
    return o
  end,
  SeparableConv2D = function(next_number, shape)
    local o = nets.conv_options(next_number, shape)
    o.groups, o.depth_multiplier = nil, next_number(1, 2)
    return o
  end,
  Conv1D = nets.conv_options, Conv2D = nets.conv_options,
  MaxPooling1D = nets.pool_options, MaxPooling2D = nets.pool_options,
  AveragePooling1D = nets.pool_options, AveragePooling2D = nets.pool_options,
  ZeroPadding1D = function(next_number) return { padding = sizes(next_number, 2, 0, 2) } end,
  ZeroPadding2D = function(next_number)
    return { padding = one_of(next_number, { 1, { 0, 2 }, { { 1, 0 }, { 2, 1 } } }) }
  end,
  Cropping1D = function(next_number) return { cropping = sizes(next_number, 2, 0, 1) } end,
  Cropping2D = function(next_number)
    return { cropping = one_of(next_number, { 1, { 0, 1 }, { { 1, 0 }, { 0, 1 } } }) }
  end,
  Permute = function(_, shape) return { dims = #shape == 2 and { 2, 1 } or { 3, 1, 2 } } end,
  Reshape = function(next_number, shape)
    return { target_shape = next_number(1, 2) == 1 and { shape[#shape], -1 } or { -1, 1, shape[1] } }
  end,
  LayerNormalization = function(next_number, shape)
    return { axis = nets.axes(next_number, shape), epsilon = 10.0 ^ -next_number(1, 4),
      center = next_number(1, 3) > 1, scale = next_number(1, 3) > 1 }
  end,
  Dropout = function(next_number, shape)
    return { rate = next_number(0, 6) / 10, noise_shape = noise_shape(next_number, shape) }
  end,
  SpatialDropout1D = function(next_number) return { rate = next_number(0, 6) / 10 } end,
  SpatialDropout2D = function(next_number) return { rate = next_number(0, 6) / 10 } end,
  GaussianNoise = function(next_number) return { stddev = next_number(0, 9) / 10 } end,
  Activation = function(next_number) return { activation = one_of(next_number, activations) } end,
  ReLU = function(next_number)
    return one_of(next_number, { {}, { max_value = 0.5 }, { negative_slope = 0.25, threshold = 0.125 },
      { threshold = 0.25, max_value = 1 }, { negative_slope = 0.5, max_value = 6 } })
  end,
  LeakyReLU = function(next_number) return { negative_slope = next_number(1, 9) / 10 } end,
  PReLU = function(next_number, shape)
    return { shared_axes = one_of(next_number, { false, { 2 }, #shape == 3 and { 2, 3 } or { 3 } }) }
  end,
  ELU = function(next_number) return { alpha = next_number(5, 15) / 10 } end,
  Softmax = function(next_number, shape) return { axis = nets.axes(next_number, shape) } end,
  Dense = function(next_number)
    return { units = next_number(1, 7), activation = one_of(next_number, activations) }
  end,
}

local fitting = { [2] = {}, [3] = {} } -- the kinds that take (T, C), and (H, W, C)
for kind in pairs(nets.options) do
  if not kind:find "2D$" then table.insert(fitting[2], kind) end
  if not kind:find "1D$" then table.insert(fitting[3], kind) end
end
for _, list in pairs(fitting) do table.sort(list) end

--- Random weights instead of those that a layer begins with: biases that are not zero.
function nets.stir(layers, shape, seed)
  for i, layer in ipairs(layers) do
    shape = layer:build(shape, seed * 100 + i)
    local weights = layer:weights()
    for j, weight in ipairs(weights) do
      if #weight.value:shape() == 1 or layer.kind == "PReLU" or layer.kind == "LayerNormalization" then
        local value = weight.value:shape()
        value.seed = seed + i
        weights[j] = weight.value + lubdub.Tensor.randn(value) * 0.2
      else
        weights[j] = weight.value
      end
    end
    layer:set_weights(weights)
  end
end

--- A random net behind an input of a random shape, (T, C) or (H, W, C): layers as they come, then a dense softmax.
-- `fast` keeps to what the convolution stage takes.
function nets.random_net(seed, fast)
  local next_number, L = nets.random(seed), core.layers
  local shape = next_number(1, 3) == 1 and { next_number(4, 13), next_number(1, 5) }
    or { next_number(4, 8), next_number(4, 8), next_number(1, 4) }
  local layers, now = {}, { table.unpack(shape) }
  local function add(layer)
    local ok, out = pcall(layer.output_shape, layer, now)
    if not ok then return end
    now = out
    layers[#layers + 1] = layer
  end
  for _ = 1, next_number(1, 3) do
    local rank = #now - 1 .. "D"
    local conv = nets.conv_options(next_number, now, fast)
    add(L["Conv" .. rank](conv))
    if fast and next_number(1, 4) == 1 then add(one_of(next_number, { L.ReLU, L.LeakyReLU }) {}) end
    if next_number(1, 3) > 1 then
      local kind = fast and "MaxPooling" or one_of(next_number, { "MaxPooling", "AveragePooling" })
      add(L[kind .. rank](nets.pool_options(next_number, now, fast)))
    end
    if next_number(1, 2) == 1 then add(L.Dropout(nets.options.Dropout(next_number, now))) end
    if not fast and fitting[#now] and next_number(1, 2) == 1 then
      local kind = one_of(next_number, fitting[#now])
      add(L[kind](nets.options[kind](next_number, now)))
    end
  end
  local global = one_of(next_number, { "GlobalAveragePooling", "GlobalMaxPooling" }) .. #now - 1 .. "D"
  add(next_number(1, 2) == 1 and L.Flatten() or L[global]())
  if next_number(1, 2) == 1 then add(L.Dense(nets.options.Dense(next_number))) end
  local classes = next_number(2, 5)
  local ending = next_number(1, 4)
  add(L.Dense { units = classes, activation = ending > 2 and "softmax" or "linear" })
  if ending == 1 then add(L.Activation { activation = "softmax" }) end
  if ending == 2 then add(L.Softmax()) end
  nets.stir(layers, shape, seed)
  return layers, shape, classes
end

local widths = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 129 } -- around whole vectors

--- One to three blocks of what the convolution stage takes, of many channels, behind images of any format; then a dense
-- softmax of 3 classes. Returns the layers, built, and the input's shape.
function nets.conv_blocks(seed)
  local next_number, L = nets.random(seed), core.layers
  local format = one_of(next_number, { { 2, 2 }, { 3, 2 }, { 2, 90 }, { 20, 20 }, { 5, 13 }, { 9, 16 }, { 12, 7 } })
  local shape = { format[1], format[2], one_of(next_number, widths) }
  local layers, now = {}, shape
  local function add(layer)
    local ok, out = pcall(layer.output_shape, layer, now)
    if ok then layers[#layers + 1], now = layer, out end
  end
  for _ = 1, next_number(1, 3) do
    if next_number(1, 4) == 1 then add(L.Dropout { rate = 0.2 }) end
    local size = next_number(1, 3) == 1 and sizes(next_number, 2, 1, 5) or next_number(2, 3)
    add(L.Conv2D { filters = one_of(next_number, widths), kernel_size = size, use_bias = next_number(1, 4) > 1,
      padding = one_of(next_number, { "same", "valid" }), activation = one_of(next_number, { "relu", "linear" }) })
    if next_number(1, 4) > 1 then
      add(L.MaxPooling2D { pool_size = one_of(next_number, { 2, 2, 2, { 1, 2 }, { 3, 2 }, 3, { 4, 1 } }) })
    end
    if next_number(1, 2) == 1 then add(L.Dropout { rate = one_of(next_number, { 0, 0.2, 0.9 }) }) end
  end
  add(next_number(1, 2) == 1 and L.Flatten() or L.GlobalAveragePooling2D())
  add(L.Dense { units = 3, activation = "softmax" })
  nets.stir(layers, shape, seed)
  return layers, shape
end

--- The shape that reaches `layer`.
function nets.shape_before(layers, layer, shape)
  for _, other in ipairs(layers) do
    if other == layer then return shape end
    shape = other:output_shape(shape)
  end
end

--- A batch: x (n, ...), one-hot y (n, classes), weights (n).
function nets.batch(n, shape, classes, seed)
  local dims = { n, table.unpack(shape) }
  dims.seed = seed
  local x = lubdub.Tensor.randn(dims)
  local y, w, next_number = {}, {}, nets.random(seed)
  for i = 1, n do
    y[i] = {}
    local class = next_number(1, classes)
    for c = 1, classes do y[i][c] = c == class and 1 or 0 end
    w[i] = next_number(1, 20) / 10
  end
  return x, lubdub.Tensor(y), lubdub.Tensor(w)
end

--- Copies of all weights, layer by layer.
function nets.weights(layers)
  local copies = {}
  for i, layer in ipairs(layers) do
    copies[i] = {}
    for j, weight in ipairs(layer:weights()) do copies[i][j] = weight.value end
  end
  return copies
end

function nets.set_weights(layers, copies)
  for i, layer in ipairs(layers) do layer:set_weights(copies[i]) end
end

function nets.run(trainer)
  while not trainer:advance() do end
  return trainer:loss()
end

--- Gradients as the trainer sees them: one step of SGD with rate 1, undone. Returns them, and the loss.
function nets.gradients(layers, shape, x, y, w, options)
  options = options or {}
  local before = nets.weights(layers)
  local trainer = core.Trainer {
    layers = layers, input_shape = shape, loss = "categorical_crossentropy", seed = options.seed,
    optimizer = core.optimizers.SGD { learning_rate = 1 }, reference = options.reference,
  }
  trainer:begin_step(x, y, w)
  local loss = nets.run(trainer)
  local outputs = trainer:outputs():clone()
  local gradients = nets.weights(layers)
  nets.set_weights(layers, before)
  for i, list in ipairs(before) do
    for j, weight in ipairs(list) do gradients[i][j] = weight - gradients[i][j] end
  end
  return gradients, loss, outputs
end

--- What the layers make of x, by the fast stages or by the reference path.
function nets.predict(layers, shape, x, reference)
  local trainer = core.Trainer { layers = layers, input_shape = shape, reference = reference }
  trainer:begin_predict(x)
  nets.run(trainer)
  return trainer:outputs():clone()
end

--- The weights of these layers after four steps of this trainer on random batches of 21.
function nets.after_four_steps(layers, shape, trainer)
  for step = 1, 4 do
    local x, y = nets.batch(21, shape, 3, step)
    trainer:begin_step(x, y)
    nets.run(trainer)
  end
  return nets.weights(layers)
end

--- `train`, which gives nets.weights of layers that it makes anew, gives the same bits with 1 to 4 threads.
function nets.check_threads(train)
  local expected
  for threads = 1, 4 do
    lubdub.set_num_threads(threads)
    local got = train()
    lubdub.set_num_threads(0)
    expected = expected or got
    for i, list in ipairs(got) do
      for j, weight in ipairs(list) do assert(weight:equal(expected[i][j]), threads .. " threads give other bits") end
    end
  end
end

return nets
