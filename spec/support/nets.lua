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

--- A random net behind an input of a random shape: convolutions, pools and dropout as they come, then a dense softmax.
-- `fast` keeps to what the convolution stage takes.
function nets.random_net(seed, fast)
  local next_number, L = nets.random(seed), core.layers
  local shape = { next_number(4, 11), next_number(4, 13), next_number(1, 5) }
  local layers, now = {}, { shape[1], shape[2], shape[3] }
  local function add(layer)
    if not pcall(layer.output_shape, layer, now) then return end
    now = layer:output_shape(now)
    layers[#layers + 1] = layer
  end
  for _ = 1, next_number(1, 3) do
    local strided = not fast and next_number(1, 3) == 1
    add(L.Conv2D {
      filters = next_number(1, 6), kernel_size = { next_number(1, 3), next_number(1, 3) },
      padding = next_number(1, 2) == 1 and "same" or "valid", use_bias = next_number(1, 4) > 1,
      strides = strided and next_number(1, 2) or 1,
      dilation_rate = not fast and not strided and next_number(1, 4) == 1 and 2 or 1,
      activation = (fast and { "relu", "relu", "linear", "relu", "relu" }
        or { "relu", "relu", "linear", "tanh", "sigmoid" })[next_number(1, 5)],
    })
    if next_number(1, 3) > 1 then
      local pool = { next_number(1, 3), next_number(1, 3) }
      add(L.MaxPooling2D {
        pool_size = pool, strides = not fast and next_number(1, 3) == 1 and next_number(1, 3) or nil,
        padding = not fast and next_number(1, 3) == 1 and "same" or "valid",
      })
    end
    if next_number(1, 2) == 1 then add(L.Dropout { rate = next_number(0, 6) / 10 }) end
  end
  add(next_number(1, 2) == 1 and L.Flatten() or L.GlobalAveragePooling2D())
  if next_number(1, 2) == 1 then
    local activation = ({ "relu", "tanh", "sigmoid", "linear" })[next_number(1, 4)]
    add(L.Dense { units = next_number(1, 7), activation = activation })
  end
  local classes = next_number(2, 5)
  add(L.Dense { units = classes, activation = next_number(1, 3) > 1 and "softmax" or "linear" })
  if layers[#layers]:config().activation == "linear" then add(L.Activation { activation = "softmax" }) end
  for _, layer in ipairs(layers) do -- biases that are not zero
    layer:build(nets.shape_before(layers, layer, shape), seed * 100 + 7)
    local weights = layer:weights()
    if weights[2] then
      layer:set_weights { weights[1].value, lubdub.Tensor.randn { weights[2].value:shape(1), seed = seed } * 0.2 }
    end
  end
  return layers, shape, classes
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
  local x = lubdub.Tensor.randn { n, shape[1], shape[2], shape[3], seed = seed }
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

return nets
