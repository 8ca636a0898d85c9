--- Weights as the HDF5 files of Keras 2 hold them (and those of Keras 3 that end in .h5): /model_weights with a list of
-- layer_names, and a group for each layer with a list of weight_names. Files of save_weights have the same at the root.
-- @module lubdub.keras.legacy
local cudnn = require "lubdub.keras.cudnn"
local failure = require "lubdub.keras.failure"
local optimizer_state = require "lubdub.keras.optimizer_state"
local take = require "lubdub.keras.taken"

local check, fail = failure.check, failure.raise
local legacy = {}

local LONGEST_LIST = 64512 -- bytes of an attribute; Keras splits longer lists in this way too

-- === lists of names ===

-- Long ones are split into name0, name1, ...
local function read_list(reader, object, name)
  local list = check(reader.file:attribute(object, name))
  if type(list) == "string" then return { list } end
  if list then return list end
  for part = 0, math.huge do
    local more = check(reader.file:attribute(object, name .. part))
    if type(more) ~= "table" then return list end
    list = list or {}
    table.move(more, 1, #more, #list + 1, list)
  end
end

local function set_list(file, object, name, list)
  local longest = 1
  for _, string in ipairs(list) do longest = math.max(longest, #string) end
  if longest * #list <= LONGEST_LIST then return check(file:set_attribute(object, name, list)) end
  local per_part = LONGEST_LIST // longest
  if per_part == 0 then failure.mistake("a name of %d bytes is longer than HDF5 holds", longest) end
  for first = 1, #list, per_part do
    check(file:set_attribute(object, name .. ((first - 1) // per_part),
      table.move(list, first, math.min(first + per_part - 1, #list), 1, {})))
  end
end

-- === reading ===

local function root_of(reader)
  return check(reader.file:kind "/model_weights") and "/model_weights" or "/"
end

--- Whether a file has weights in this layout.
function legacy.has_weights(reader)
  local root = root_of(reader)
  local file = reader.file
  return check(file:attribute(root, "layer_names")) ~= nil or check(file:attribute(root, "layer_names0")) ~= nil
end

--- The layers of the file that have weights, in order: { name =, group =, names = }.
function legacy.groups(reader)
  local root = root_of(reader)
  local layer_names = read_list(reader, root, "layer_names")
  if not layer_names then fail("%s: %s: has no attribute layer_names", reader.path, root) end
  local groups = {}
  for _, name in ipairs(layer_names) do
    local group = (root == "/" and "" or root) .. "/" .. name
    local weight_names = read_list(reader, group, "weight_names")
    if weight_names and #weight_names > 0 then
      groups[#groups + 1] = { name = name, group = group, names = weight_names }
    end
  end
  return groups
end

local function shape_text(shape)
  return "(" .. table.concat(shape, ", ") .. (#shape == 1 and ",)" or ")")
end

--- One weight at `object` of a file, whose shape must be that of `weight`, the i-th of layer:weight_shapes(). Into a
-- model that nobody has yet (reader.fresh) it goes at once, and what is given is false.
function legacy.read_weight(reader, object, layer, weight, i)
  local shape, wanted = shape_text(check(reader.file:shape(object))), shape_text(weight.shape)
  if shape ~= wanted then
    fail("%s: %s: is %s, and %s of layer %s is %s", reader.path, object, shape, weight.name, layer.name, wanted)
  end
  if not reader.fresh then return check(reader.file:read(object)) end
  check(reader.file:read_weight(object, layer, i))
  return false
end

local function layer_values(reader, layer, group)
  local expected, values = layer:weight_shapes(), {}
  if #expected ~= #group.names then
    fail("%s: %s: holds %d weights, and layer %s has %d", reader.path, group.group, #group.names, layer.name, #expected)
  end
  local last = group.group .. "/" .. group.names[#group.names]
  local read = cudnn.layers[layer.kind] and cudnn.is_bias(layer, check(reader.file:shape(last))) and cudnn.read
    or legacy.read_weight
  for i, weight in ipairs(expected) do
    values[i] = read(reader, group.group .. "/" .. group.names[i], layer, weight, i)
  end
  return values
end

local function weighted_layers(model)
  local layers, seen = {}, {}
  for _, layer in ipairs(model.layers) do
    if not seen[layer] and layer:count_params() > 0 then layers[#layers + 1] = layer end
    seen[layer] = true
  end
  return layers
end

--- Reads a model's weights: the file's layers with weights are the model's, in this order.
-- @tparam table reader with path and file
-- @tparam Sequential model
-- @tparam ?boolean skip_mismatch whether a layer with other shapes is left as it is
-- @treturn table the names of the layers that were read
function legacy.read(reader, model, skip_mismatch)
  local groups, layers, taken = legacy.groups(reader), weighted_layers(model), take(skip_mismatch)
  if #groups ~= #layers then
    fail("%s: holds weights for %d layers, and the model has %d layers with weights", reader.path, #groups, #layers)
  end
  for i, layer in ipairs(layers) do taken:add(layer, layer_values, reader, layer, groups[i]) end
  return taken:set()
end

--- Reads the weights of those layers whose names the file has; the others are left as they are.
function legacy.read_by_name(reader, model, skip_mismatch)
  local groups, taken = {}, take(skip_mismatch)
  for _, group in ipairs(legacy.groups(reader)) do groups[group.name] = group end
  for _, layer in ipairs(weighted_layers(model)) do
    local group = groups[layer.name]
    if group then taken:add(layer, layer_values, reader, layer, group) end
  end
  return taken:set()
end

--- The layers that have weights, for lubdub.inspect: { key =, name =, weights = list of { name =, shape = } }.
function legacy.describe(reader)
  local list = {}
  for i, group in ipairs(legacy.groups(reader)) do
    local weights = {}
    for j, name in ipairs(group.names) do
      local shape = check(reader.file:shape(group.group .. "/" .. name))
      weights[j] = { name = name:match "[^/]+$":gsub(":%d+$", ""), shape = shape }
    end
    list[i] = { key = group.name, name = group.name, weights = weights }
  end
  return list
end

--- What the file holds of an optimizer: its steps, and its arrays as optimizer_state.restore_named takes them; nil
-- where it holds none.
function legacy.optimizer_arrays(reader)
  local file, group = reader.file, "/optimizer_weights"
  if not check(file:kind(group)) then return nil end
  local iterations, list = nil, {}
  for _, name in ipairs(read_list(reader, group, "weight_names") or {}) do
    local object = group .. "/" .. name
    local shape = check(file:shape(object))
    name = name:gsub(":%d+$", "")
    if #shape > 0 then
      list[#list + 1] = { name = name, shape = shape, read = function() return check(file:read(object)) end }
    elseif name:match "[^/]+$":find "^iter" then
      iterations = math.tointeger(check(file:numbers(object))[1])
    end
  end
  return iterations or 0, list
end

-- === writing ===

local function write_layer(file, root, layer)
  local group, weight_names = root .. "/" .. layer.name, {}
  check(file:group(group))
  for i, weight in ipairs(layer:weight_views()) do
    weight_names[i] = ("%s/%s:0"):format(layer.name, weight.name)
    check(file:write(group .. "/" .. weight_names[i], weight.value))
  end
  set_list(file, group, "weight_names", weight_names)
end

--- Writes weights: every layer needs a group, also without weights.
-- @tparam h5.File file
-- @tparam table layers named
-- @tparam string root "/model_weights", or "" for files of weights alone
function legacy.write(file, layers, root)
  local layer_names = {}
  if root ~= "" then check(file:group(root)) end
  for i, layer in ipairs(layers) do
    layer_names[i] = layer.name
    write_layer(file, root, layer)
  end
  set_list(file, root == "" and "/" or root, "layer_names", layer_names)
  check(file:group(root .. "/top_level_model_weights"))
  check(file:set_attribute(root .. "/top_level_model_weights", "weight_names", {}))
end

--- Writes what the optimizer remembers, in the form of tf.keras 2.
function legacy.write_optimizer(file, model)
  local group, weight_names = "/optimizer_weights", {}
  check(file:group(group))
  for i, entry in ipairs(optimizer_state.named(model)) do
    weight_names[i] = entry[1]
    check(file:write(group .. "/" .. entry[1], entry[2]))
  end
  set_list(file, group, "weight_names", weight_names)
end

return legacy
