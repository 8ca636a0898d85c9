--- Random models of every kind of layer, for the comparison with Keras: model number n is the same in each run.
local lubdub = require "lubdub"
local nets = require "support.nets"

local layers, optimizers = lubdub.layers, lubdub.optimizers
local random_models = {}

local function one_of(next_number, list) return list[next_number(1, #list)] end

local function recurrent(next_number)
  local options = {
    units = next_number(1, 5), return_sequences = true, use_bias = next_number(1, 4) > 1,
    go_backwards = next_number(1, 4) == 1,
    activation = one_of(next_number, { "tanh", "tanh", "relu", "elu" }),
    recurrent_activation = one_of(next_number, { "sigmoid", "sigmoid", "hard_sigmoid" }),
  }
  if next_number(1, 2) == 1 then return layers.LSTM(options) end
  options.reset_after = next_number(1, 2) == 1
  return layers.GRU(options)
end

local function bidirectional(next_number)
  local inner = recurrent(next_number)
  local config = inner:config()
  config.go_backwards = false
  return layers.Bidirectional { layers[inner.kind](config),
    merge_mode = one_of(next_number, { "concat", "sum", "mul", "ave" }) }
end

-- Makers that are not in nets.options: kind = function(next_number, shape).
local makers = {
  LSTM = recurrent, GRU = recurrent, Bidirectional = bidirectional,
  BatchNormalization = function(next_number, shape)
    return layers.BatchNormalization { axis = nets.axis(next_number, shape),
      momentum = next_number(5, 9) / 10, epsilon = 10.0 ^ -next_number(1, 3),
      center = next_number(1, 4) > 1, scale = next_number(1, 4) > 1 }
  end,
  Flatten = function() return layers.Flatten() end,
}
for _, rank in ipairs { "1D", "2D" } do
  for _, kind in ipairs { "GlobalAveragePooling", "GlobalMaxPooling" } do
    makers[kind .. rank] = function(next_number) return layers[kind .. rank] { keepdims = next_number(1, 2) == 1 } end
  end
end

local kinds = {}
for kind in pairs(nets.options) do kinds[#kinds + 1] = kind end
for kind in pairs(makers) do kinds[#kinds + 1] = kind end
table.sort(kinds)

-- Kinds whose training is random: Keras' random numbers are others.
local random_kinds = { Dropout = true, SpatialDropout1D = true, SpatialDropout2D = true, GaussianNoise = true }

local function rank_of(kind)
  if kind:find "1D$" or kind == "LSTM" or kind == "GRU" or kind == "Bidirectional" then return 2 end
  return kind:find "2D$" and 3 or nil
end

local function make(kind, next_number, shape)
  if makers[kind] then return makers[kind](next_number, shape) end
  local options = nets.options[kind](next_number, shape)
  if options.activation == "keras2_hard_sigmoid" then options.activation = "tanh" end -- Keras 3 has none
  -- on PyTorch, Keras' average with padding "same" counts the padding; on its other backends it does not
  if kind:find "^AveragePooling" then options.padding = "valid" end
  -- there its layer normalization takes any axis for the last one; and from .h5 files Keras does not read several
  if kind == "LayerNormalization" then options.axis = -1 end
  if kind == "Softmax" then options.axis = nets.axis(next_number, shape) end
  return layers[kind](options)
end

--- Optimizers by number. Small rates: where probabilities fall below 1e-7, Keras' backends have different gradients.
function random_models.optimizer(number)
  local list = {
    function() return optimizers.Adam { learning_rate = 0.002 } end,
    function() return optimizers.SGD { learning_rate = 0.02, momentum = 0.9, nesterov = true } end,
    function() return optimizers.RMSprop { learning_rate = 0.001, momentum = 0.5 } end,
    function() return optimizers.AdamW { learning_rate = 0.002, amsgrad = true } end,
    function() return optimizers.SGD { learning_rate = 0.05, clipnorm = 0.5 } end,
    function()
      return optimizers.Adam { learning_rate = optimizers.schedules.ExponentialDecay {
        initial_learning_rate = 0.004, decay_steps = 2, decay_rate = 0.5 } }
    end,
    function() return optimizers.RMSprop { learning_rate = 0.001, centered = true, clipvalue = 0.1 } end,
  }
  return list[number % #list + 1]()
end

-- Compiles; biases and the like get numbers that are not zero.
local function finished(model, number)
  local weights = model:get_weights()
  for i, weight in ipairs(weights) do
    local shape = weight:shape()
    if #shape == 1 or weight:min() == weight:max() then
      shape.seed = number + i
      weights[i] = weight + lubdub.Tensor.rand(shape) * 0.2
    end
  end
  model:set_weights(weights)
  model:compile { optimizer = random_models.optimizer(number), loss = "categorical_crossentropy",
    metrics = { "accuracy" } }
  return model
end

-- A random shape that layers of this kind take, or any shape.
local function shape_for(next_number, kind)
  if (rank_of(kind) or next_number(2, 3)) == 2 then return { next_number(5, 9), next_number(1, 4) } end
  return { next_number(5, 8), next_number(5, 8), next_number(1, 3) }
end

-- A layer of this kind that can stand behind this shape, and what comes out of it; nil where there is none.
local function fitting(kind, next_number, shape)
  if rank_of(kind) and rank_of(kind) ~= #shape then return nil end
  if #shape == 1 and (kind == "Permute" or kind == "Reshape" or kind == "PReLU") then return nil end
  local ok, layer = pcall(make, kind, next_number, shape)
  local fits, out = pcall(function() return layer:output_shape(shape) end)
  if not ok or not fits then return nil end
  for _, size in ipairs(out) do
    if size < 1 then return nil end
  end
  return layer, out
end

--- Model number n: 2 to 5 random layers, of which one is the kind whose turn it is, and a dense softmax behind them.
-- @treturn Sequential compiled
-- @treturn boolean whether training it is the same in Keras
function random_models.sequential(number)
  local next_number, wanted = nets.random(number), kinds[number % #kinds + 1]
  local shape, same = shape_for(next_number, wanted), true
  local list, now = { layers.Input(shape) }, shape
  local function add(kind)
    local layer, out = fitting(kind, next_number, now)
    if layer then list[#list + 1], now, same = layer, out, same and not random_kinds[kind] end
  end
  add(wanted)
  for _ = 1, next_number(1, 4) do add(one_of(next_number, kinds)) end
  if #now > 1 then list[#list + 1] = layers.Flatten() end
  list[#list + 1] = layers.Dense { units = 3, activation = "softmax" }
  list.seed, list.name = number, "random_" .. number
  return finished(lubdub.Sequential(list), number), same
end

local merges = { "Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "Concatenate" }

-- Two ways from x that meet again: a residual connection, or another merge. A layer may stand on both ways.
local function branched(next_number, x)
  local width, ways = x.shape[#x.shape], {}
  local function way(activation)
    if #x.shape == 3 then
      return layers.Conv2D { filters = width, kernel_size = 3, padding = "same", activation = activation }
    end
    return layers.Dense { units = width, activation = activation }
  end
  local first = way "tanh"
  ways[1] = first(x)
  local which = next_number(1, 3)
  ways[2] = which == 1 and x or which == 2 and way()(x) or first(ways[1])
  return layers[one_of(next_number, merges)]()(ways)
end

--- Graph number n: the same with branches.
-- @treturn Model compiled
-- @treturn boolean whether training it is the same in Keras
function random_models.graph(number)
  local next_number, wanted = nets.random(number), kinds[number % #kinds + 1]
  local start, same = layers.Input(shape_for(next_number, wanted)), true
  local x = start.output
  for step = 0, next_number(1, 3) do
    local kind = step == 0 and wanted or one_of(next_number, kinds)
    local layer = fitting(kind, next_number, x.shape)
    if layer then x, same = layer(x), same and not random_kinds[kind] end
    if next_number(1, 3) > 1 then x = branched(next_number, x) end
  end
  if #x.shape > 1 then x = layers.Flatten()(x) end
  local y = layers.Dense { units = 3, activation = "softmax" }(x)
  return finished(lubdub.Model { inputs = start, outputs = y, seed = number, name = "graph_" .. number }, number), same
end

return random_models
