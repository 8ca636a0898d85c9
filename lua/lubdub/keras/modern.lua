--- Weights as Keras 3 lays them down in .weights.h5 files, and in the model.weights.h5 of .keras archives:
-- /layers/<class>[_n]/vars/<i>, where <class> is the layer's class in snake_case and n counts those of one class from
-- the second on; the cell of a recurrent layer, and the two layers of a Bidirectional, have groups of their own below.
-- /optimizer/vars/<i> holds the steps, the rate (where there is no schedule) and the arrays
-- (lubdub.keras.optimizer_state).
-- @module lubdub.keras.modern
local Tensor = require("lubdub.core").Tensor
local failure = require "lubdub.keras.failure"
local legacy = require "lubdub.keras.legacy"
local optimizer_state = require "lubdub.keras.optimizer_state"
local snake_case = require "lubdub.snake_case"
local take = require "lubdub.keras.taken"

local check, fail = failure.check, failure.raise
local modern = {}

-- === where things lie ===

local recurrent = { LSTM = "lstm_cell", GRU = "gru_cell" }

-- Calls visit(group below the layer's own, name, first weight, last weight) for each group of a layer; a group that
-- has no weights of its own has a last one before its first.
local function each_group(layer, visit)
  local config, count = layer:config(), #layer:weight_shapes()
  local function inner(prefix, kind, name, first, last)
    if recurrent[kind] then
      visit(prefix .. "vars", name, first, first - 1)
      visit(prefix .. "cell/vars", recurrent[kind], first, last)
    else
      visit(prefix .. "vars", name, first, last)
    end
  end
  if layer.kind ~= "Bidirectional" then return inner("", layer.kind, layer.name, 1, count) end
  local forward, backward = config.layer, config.backward_layer or config.layer
  local half = forward:config().use_bias and 3 or 2
  visit("vars", layer.name, 1, 0)
  inner("forward_layer/", forward.kind, "forward_" .. forward.kind:lower(), 1, half)
  inner("backward_layer/", backward.kind, "backward_" .. backward.kind:lower(), half + 1, count)
end

-- Gives the groups' names of classes, one after the other.
local function namer()
  local counts = {}
  return function(class)
    class = snake_case(class)
    local count = counts[class] or 0
    counts[class] = count + 1
    return "/layers/" .. (count == 0 and class or ("%s_%d"):format(class, count))
  end
end

-- Calls visit(layer, its group) for each layer of a list; a layer that stands in it twice has its first place.
local function each_layer(layers, visit)
  local next_name, seen = namer(), {}
  for _, layer in ipairs(layers) do
    if not seen[layer] then
      seen[layer] = true
      visit(layer, next_name(layer.kind == "Input" and "InputLayer" or layer.kind))
    end
  end
end

-- === writing ===

local function make_vars(file, group, name)
  check(file:group(group))
  check(file:set_attribute(group, "name", name))
end

local function write_optimizer(file, model)
  local iterations, list = optimizer_state.of(model)
  local numbers = { iterations }
  if not model.optimizer.schedule then numbers[2] = Tensor(model.optimizer.learning_rate) end
  make_vars(file, "/optimizer/vars", model.optimizer.kind:lower())
  for i, number in ipairs(numbers) do check(file:write("/optimizer/vars/" .. i - 1, number)) end
  for i, entry in ipairs(list) do check(file:write(("/optimizer/vars/%d"):format(#numbers + i - 1), entry.value)) end
end

--- Writes a model's weights, and what its optimizer remembers if it is compiled and `optimizer` is true.
function modern.write(file, model, layers, optimizer)
  each_layer(layers, function(layer, at)
    local weights = layer:weight_views()
    each_group(layer, function(group, name, first, last)
      group = at .. "/" .. group
      make_vars(file, group, name)
      for i = first, last do check(file:write(("%s/%d"):format(group, i - first), weights[i].value)) end
    end)
  end)
  if optimizer and model.optimizer then write_optimizer(file, model) end
  make_vars(file, "/vars", model.name or "sequential")
end

-- === reading ===

--- Whether a file has weights in this layout.
function modern.has_weights(reader) return check(reader.file:kind "/layers") == "group" end

local function layer_values(reader, layer, at)
  local weights, values = layer:weight_shapes(), {}
  each_group(layer, function(group, _, first, last)
    group = at .. "/" .. group
    for i = first, last do
      values[i] = legacy.read_weight(reader, ("%s/%d"):format(group, i - first), layer, weights[i], i)
    end
    local more = ("%s/%d"):format(group, last - first + 1)
    if last >= first and check(reader.file:kind(more)) then
      fail("%s: %s: is one more weight than layer %s has", reader.path, more, layer.name)
    end
  end)
  return values
end

-- Whether a layer's group, or one below it, holds data sets.
local function holds_weights(reader, group, depth)
  if (depth or 0) > 8 then return false end
  for _, member in ipairs(check(reader.file:members(group))) do
    local object = group .. "/" .. member
    local kind = check(reader.file:kind(object))
    -- a layer with dropout keeps its random state; ours is counted from the trainer's seed
    local counts = member ~= "seed_generator"
    if counts and (kind == "dataset" or kind == "group" and holds_weights(reader, object, (depth or 0) + 1)) then
      return true
    end
  end
  return false
end

-- Adds a layer that has weights, from its group.
local function add_layer(taken, reader, layer, at)
  if layer:count_params() > 0 then taken:add(layer, layer_values, reader, layer, at) end
end

--- Reads a model's weights; a file that fails changes nothing.
-- @tparam table reader with path and file
-- @tparam Sequential model whose layers are in the order of the file
-- @tparam ?boolean skip_mismatch whether a layer that does not fit is left as it is
-- @treturn table the names of the layers that were read
function modern.read(reader, model, skip_mismatch)
  local taken, known = take(skip_mismatch), {}
  each_layer(model.layers, function(layer, at)
    known[at] = true
    add_layer(taken, reader, layer, at)
  end)
  for _, member in ipairs(check(reader.file:members "/layers")) do
    local at = "/layers/" .. member
    if not known[at] and not skip_mismatch and holds_weights(reader, at) then
      fail("%s: %s: holds weights, and the model has no such layer", reader.path, at)
    end
  end
  return taken:set()
end

--- Reads the weights of those layers whose names the file has; the others are left as they are.
function modern.read_by_name(reader, model, skip_mismatch)
  local groups, taken = {}, take(skip_mismatch)
  for _, member in ipairs(check(reader.file:members "/layers")) do
    local vars = "/layers/" .. member .. "/vars"
    local name = check(reader.file:kind(vars)) and check(reader.file:attribute(vars, "name"))
    if type(name) == "string" then groups[name] = "/layers/" .. member end
  end
  each_layer(model.layers, function(layer)
    local at = groups[layer.name]
    if at then add_layer(taken, reader, layer, at) end
  end)
  return taken:set()
end

--- Sets `key` of a config's layers ({ class =, name = }) to where their weights lie.
function modern.name_groups(layers)
  local next_name = namer()
  for _, layer in ipairs(layers) do layer.key = next_name((layer.class:gsub("^.*>", ""))) end
end

-- Adds the data sets of a group and of those below it to a list of { name =, shape = }.
local function add_weights(reader, group, list, prefix, depth)
  for _, member in ipairs(depth < 8 and check(reader.file:members(group)) or {}) do
    local object = group .. "/" .. member
    if check(reader.file:kind(object)) == "dataset" then
      list[#list + 1] = { name = prefix .. member, shape = check(reader.file:shape(object)) }
    elseif member ~= "seed_generator" then
      local shown = (member == "vars" or member == "cell") and prefix or prefix .. member .. "/"
      add_weights(reader, object, list, shown, depth + 1)
    end
  end
end

--- The layers that have weights, for lubdub.inspect: { key =, name =, weights = { { name =, shape = }, ... } }.
function modern.describe(reader)
  local list = {}
  for _, member in ipairs(check(reader.file:members "/layers")) do
    local at, weights = "/layers/" .. member, {}
    add_weights(reader, at, weights, "", 0)
    local vars = at .. "/vars"
    local name = check(reader.file:kind(vars)) and check(reader.file:attribute(vars, "name"))
    if #weights > 0 then
      list[#list + 1] = { key = at, name = type(name) == "string" and name or member, weights = weights }
    end
  end
  return list
end

--- What the file holds of an optimizer: its steps, its rate (nil: by a schedule), and its arrays as
-- optimizer_state.restore_ordered takes them; nil where it holds none.
function modern.optimizer_arrays(reader)
  local file, group = reader.file, "/optimizer/vars"
  if not check(file:kind(group)) or not check(file:kind(group .. "/0")) then return nil end
  local iterations, rate, list = check(file:numbers(group .. "/0"))[1], nil, {}
  for i = 1, math.huge do
    local object = ("%s/%d"):format(group, i)
    if not check(file:kind(object)) then break end
    local shape = check(file:shape(object))
    if #shape == 0 then
      if i == 1 then rate = check(file:numbers(object))[1] end
    else
      list[#list + 1] = { shape = shape, read = function() return check(file:read(object)) end }
    end
  end
  return math.tointeger(iterations) or 0, list, rate
end

return modern
