--- What an optimizer remembers (steps done, and arrays of the weights' shapes), as lists of data sets.
-- Every Keras has an order of its own for them:
--   Keras 3, tf.keras 2.11-2.15: the steps, the rate (Keras 3, without a schedule), then block after block, and within
--     a block weight after weight: Adam { momentum, velocity }, { velocity_hat }; RMSprop { velocity }, { momentum },
--     { average_gradient }; SGD { momentum };
--   tf.keras until 2.10, Keras 2: the steps, then array after array: all m, all v, all vhat.
-- In .h5 files the data sets' names tell what they are, except in Keras until 2.2; in .keras files only their order.
-- Only the weights that train have arrays there; ours have them for all.
-- @module lubdub.keras.optimizer_state
local Tensor = require("lubdub.core").Tensor

local optimizer_state = {}

local blocks = {
  Adam = { { "momentum", "velocity" }, { "velocity_hat" } },
  AdamW = { { "momentum", "velocity" }, { "velocity_hat" } },
  RMSprop = { { "velocity" }, { "momentum" }, { "average_gradient" } },
  SGD = { { "momentum" } },
}

local function trainable_weights(model)
  local list, seen = {}, {}
  for _, layer in ipairs(model.layers) do
    if not seen[layer] then
      seen[layer] = true
      for _, weight in ipairs(layer:weight_shapes()) do
        list[#list + 1] = { layer = layer, name = weight.name, shape = weight.shape,
          trains = layer.trainable and weight.trainable }
      end
    end
  end
  return list
end

local function index_of(list, value)
  for i, element in ipairs(list) do
    if element == value then return i end
  end
end

-- Calls visit(weight, slot's name, number in trainer:state().slots) in the order of Keras 3.
local function each(model, weights, visit)
  local slots = model.optimizer:slots()
  for _, block in ipairs(blocks[model.optimizer.kind]) do
    for i, weight in ipairs(weights) do
      for _, slot in ipairs(weight.trains and block or {}) do
        local at = index_of(slots, slot)
        if at then visit(weight, slot, (i - 1) * #slots + at) end
      end
    end
  end
end

--- A compiled model's state in the order of Keras 3: iterations, and a list of { weight, slot, value }; a weight is
-- { layer =, name = }.
function optimizer_state.of(model)
  local state, list = model:ensure_trainer():state(), {}
  each(model, trainable_weights(model), function(weight, slot, number)
    list[#list + 1] = { weight = weight, slot = slot, value = state.slots[number] }
  end)
  return state.iterations, list
end

local function same_shape(a, b)
  if #a ~= #b then return false end
  for i, size in ipairs(a) do
    if size ~= b[i] then return false end
  end
  return true
end

-- Sets the state, where pick(weight's number among the trainable, slot's name, place in Keras 3's order) gives one of
-- `count` entries: { shape =, read = function }. True, or nil and why not, with nothing changed.
local function restore(model, iterations, count, pick)
  local weights, slots, wanted, places, trains = trainable_weights(model), {}, 0, {}, {}
  for i, weight in ipairs(weights) do
    if weight.trains then
      trains[#trains + 1] = i
      places[weight] = #trains
    end
  end
  for _ in ipairs(model.optimizer:slots()) do wanted = wanted + #trains end
  if wanted ~= count then
    return nil, ("%d arrays are there, and %s has %d"):format(count, model.optimizer.kind, wanted)
  end
  local place, wrong = 0, nil
  each(model, weights, function(weight, slot, number)
    place = place + 1
    local entry = pick(places[weight], slot, place)
    if not entry or not same_shape(entry.shape, weight.shape) then
      wrong = wrong or ("none fits %s of %s in layer %s"):format(slot, weight.name, weight.layer.name)
    else
      slots[number] = entry
    end
  end)
  if wrong then return nil, wrong end
  local kept = #model.optimizer:slots()
  for number = 1, #weights * kept do
    local entry = slots[number]
    slots[number] = entry and entry.read() or Tensor.zeros(weights[(number - 1) // kept + 1].shape)
  end
  model:ensure_trainer():set_state { iterations = iterations, slots = slots }
  return true
end

--- Restores a list in the order of Keras 3.
-- @tparam Sequential model compiled
-- @tparam integer iterations
-- @tparam table list of { shape =, read = function that gives the tensor }
-- @return true, or nil and why the state was left as it is
function optimizer_state.restore_ordered(model, iterations, list)
  return restore(model, iterations, #list, function(_, _, place) return list[place] end)
end

-- What the names of data sets say they are, without ":0": the last part (tf.keras until 2.10, Keras 2.3), the second
-- one (tf.keras 2.11-2.15), the end (Keras 3).
local called = {
  Adam = { m = "momentum", v = "velocity", vhat = "velocity_hat" },
  SGD = { m = "momentum", momentum = "momentum", moment = "momentum" },
  RMSprop = { rms = "velocity", velocity = "velocity", momentum = "momentum", mg = "average_gradient",
    average_gradient = "average_gradient", accumulator = "velocity" },
}
called.AdamW = called.Adam

local function slot_of(kind, name)
  local known = called[kind]
  local last = name:match "[^/]+$":gsub("_%d+$", "")
  if known[last] then return known[last] end
  local second = name:match "^[^/]+/([^/]+)/"
  if known[second] then return known[second] end
  for _, slot in ipairs { "velocity_hat", "average_gradient", "momentum", "velocity" } do
    if name:sub(-#slot - 1) == "_" .. slot then return slot end
  end
end

-- Slot's name -> its arrays in order; nil where one array does not tell.
local function by_name(kind, list)
  local named = {}
  for _, entry in ipairs(list) do
    local slot = slot_of(kind, entry.name)
    if not slot then return nil end
    named[slot] = named[slot] or {}
    table.insert(named[slot], entry)
  end
  return named
end

-- The same where only the order tells: one array after the other, each for all weights.
local function by_order(slots, list)
  local named, each_one = {}, #list // math.max(1, #slots)
  for i, slot in ipairs(slots) do named[slot] = table.move(list, (i - 1) * each_one + 1, i * each_one, 1, {}) end
  return named
end

--- Restores what any Keras wrote into an .h5 file.
-- @tparam Sequential model compiled
-- @tparam integer iterations
-- @tparam table list of { name =, shape =, read = function }, without steps and rate
-- @return true, or nil and why the state was left as it is
function optimizer_state.restore_named(model, iterations, list)
  local kind, slots = model.optimizer.kind, model.optimizer:slots()
  local named, count, trains = by_name(kind, list), 0, 0
  if not named then
    -- Keras 2 has empty places for what is not in use: velocity_hat of shape (1,)
    for _, weight in ipairs(trainable_weights(model)) do trains = trains + (weight.trains and 1 or 0) end
    list = table.move(list, 1, math.min(#list, trains * #slots), 1, {})
    named = by_order(slots, list)
  end
  for _, slot in ipairs(slots) do count = count + #(named[slot] or {}) end
  return restore(model, iterations, count, function(weight, slot) return named[slot] and named[slot][weight] end)
end

local short = {
  Adam = { momentum = "m", velocity = "v", velocity_hat = "vhat" },
  RMSprop = { velocity = "rms", average_gradient = "mg" },
  SGD = {},
}
short.AdamW = short.Adam

--- The state as tf.keras until 2.10 has it, which all later ones take from a file whose optimizer is called by its
-- plain name: the steps, and a list of { name, value }, array after array.
function optimizer_state.named(model)
  local kind, iterations, list = model.optimizer.kind, optimizer_state.of(model)
  local named = { { kind .. "/iter:0", iterations } }
  for _, block in ipairs(blocks[kind]) do
    for _, slot in ipairs(block) do
      for _, entry in ipairs(list) do
        if entry.slot == slot then
          local name = ("%s/%s/%s/%s:0"):format(kind, entry.weight.layer.name, entry.weight.name,
            short[kind][slot] or slot)
          named[#named + 1] = { name, entry.value }
        end
      end
    end
  end
  return named
end

return optimizer_state
