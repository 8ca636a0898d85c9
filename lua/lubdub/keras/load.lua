--- From a file in Keras' HDF5 layout to a model: what Keras 3, tf.keras and Keras 2 wrote, and lubdub itself.
-- Nothing is guessed: a layer or an option that would make other predictions than in Keras is an error
-- that names it; what bears on training alone is a warning.
-- @module lubdub.keras.load
local h5 = require "lubdub.h5"
local failure = require "lubdub.keras.failure"
local functional = require "lubdub.keras.functional"
local json = require "lubdub.keras.json"
local names = require "lubdub.keras.names"
local objects = require "lubdub.keras.objects"
local warning = require "lubdub.warning"

local check, fail = failure.check, failure.raise

-- === attributes ===

local function read_json(reader, name)
  local text = check(reader.file:attribute("/", name))
  if text == nil then return nil end
  local value, reason = json.decode(type(text) == "string" and text or "")
  if type(value) ~= "table" then fail("%s: attribute %s: %s", reader.path, name, reason or "holds no JSON object") end
  return value
end

-- A list of names; long ones are split into name0, name1, ...
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

local function model_config(reader)
  local config = read_json(reader, "model_config")
  if config then return config end
  local file = reader.file
  if check(file:attribute("/", "layer_names")) or check(file:kind "/layers") then -- save_weights of Keras 2 and 3
    fail("%s: holds weights without their model", reader.path)
  end
  fail("%s: no model of Keras (it has no attribute model_config)", reader.path)
end

-- === layers ===

-- What every layer's config may hold and no layer of ours needs to know.
local common = {}
for _, key in ipairs { "name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "batch_size",
  "input_dim", "input_length", "sparse", "ragged", "optional" } do common[key] = true end

local function same(a, b)
  if type(a) ~= "table" then return a == b end
  for _, element in ipairs(a) do
    if element ~= b then return false end
  end
  return #a > 0
end

local function has(list, key)
  for _, element in ipairs(list or {}) do
    if element == key then return true end
  end
  return false
end

local function shown(value)
  local ok, text = pcall(json.encode, value)
  return ok and text or tostring(value)
end

local make_layer

-- A layer inside of another one. Whether it trains is the outer one's part.
local function inner_layer(reader, where, key, item)
  local kind = type(item) == "table" and type(item.config) == "table" and names.kind_of[item.class_name]
  if not kind or not names.layers[kind] then
    fail("%s: %s: %s is no layer that lubdub has", reader.path, where, key)
  end
  local config = {}
  for option, value in pairs(item.config) do config[option] = value end
  config.name, config.trainable = nil, nil
  return make_layer(reader, { class_name = item.class_name, config = config })
end

-- Whether a layer that runs backwards is else the same as another: then Keras and we make it from that one.
local function mirrors(backward, forward)
  local config = backward:config()
  config.go_backwards = false
  return tostring((require "lubdub.layers")[backward.kind](config)) == tostring(forward)
end

-- Our options from Keras' config.
local function layer_options(reader, kind, config)
  local entry, options = names.layers[kind], { name = config.name or nil, trainable = config.trainable }
  local where = ("layer %s (%s)"):format(config.name or "without a name", kind)
  for _, option in ipairs(entry.options) do
    local called = entry.called and entry.called[option]
    if called and config[called] ~= nil then config[option], config[called] = config[called], nil end
  end
  for key, value in pairs(config) do
    local fixed = entry.fixed and entry.fixed[key]
    if entry.layers and entry.layers[key] then
      options[key] = value and inner_layer(reader, where, key, value)
    elseif has(entry.options, key) then
      local form = names.values[key]
      local ours = value
      if form then ours = form.read(value) end
      if ours == nil and form.training then
        warning.warn(("%s: %s: %s is left out; it bears on training alone"):format(reader.path, where, key))
      end
      options[key] = ours
    elseif fixed ~= nil then
      if not same(value, fixed) and value ~= false then
        fail("%s: %s: %s = %s is not supported, only %s", reader.path, where, key, shown(value), shown(fixed))
      end
    elseif has(entry.training, key) then
      if value then
        warning.warn(("%s: %s: %s is left out; it bears on training alone"):format(reader.path, where, key))
      end
    elseif value and not common[key] and not has(entry.free, key) then
      fail("%s: %s: the option %s = %s is not known", reader.path, where, key, shown(value))
    end
  end
  local backward = options.backward_layer
  if backward and options.layer and mirrors(backward, options.layer) then options.backward_layer = nil end
  return options, where
end

-- Keras 2 wrote the name of a type, Keras 3 that of a policy.
local function check_dtype(reader, where, dtype)
  if type(dtype) == "table" then dtype = dtype.config and dtype.config.name end
  if dtype and dtype ~= "float32" then
    warning.warn(("%s: %s: computes in %s in Keras, and in float32 here"):format(reader.path, where, tostring(dtype)))
  end
end

function make_layer(reader, item)
  local layers = require "lubdub.layers"
  local kind = names.kind_of[item.class_name]
  local options, where = layer_options(reader, kind, item.config)
  check_dtype(reader, where, item.config.dtype)
  local ok, layer = failure.tried(layers[kind], options)
  if not ok then fail("%s: %s: %s", reader.path, where, layer) end
  return layer
end

local function is_graph(config) return config.class_name == "Functional" or config.class_name == "Model" end

-- The list of { class_name, config }; Keras 2.0 wrote it without a name around it.
local function layer_items(reader, config)
  if config.class_name ~= "Sequential" and not is_graph(config) then
    fail("%s: is a %s model; only Sequential and Functional models can be loaded", reader.path,
      tostring(config.class_name))
  end
  local items = config.config
  if type(items) == "table" and items.layers then items = items.layers end
  if type(items) ~= "table" or #items == 0 then fail("%s: model_config lists no layers", reader.path) end
  local unknown = {}
  for i, item in ipairs(items) do
    if type(item) ~= "table" or type(item.class_name) ~= "string" or type(item.config) ~= "table" then
      fail("%s: layer %d of model_config has no class_name and config", reader.path, i)
    end
    if not names.kind_of[item.class_name] then
      unknown[#unknown + 1] = ("%s (%s)"):format(item.class_name, tostring(item.config.name or "no name"))
    end
  end
  if #unknown > 0 then
    fail("%s: layers that lubdub does not have: %s", reader.path, table.concat(unknown, ", "))
  end
  return items
end

-- Per sample, from the first place that holds it: an InputLayer, the first layer, the model.
local function input_shape(reader, first, fallback)
  local shape = first.batch_input_shape or first.batch_shape or fallback
  if type(shape) ~= "table" then fail("%s: the model has no input shape", reader.path) end
  local sample = table.move(shape, 2, #shape, 1, {})
  for _, size in ipairs(sample) do
    if math.type(size) ~= "integer" or size < 1 then
      fail("%s: an input shape of %s is not supported: sizes must be known", reader.path, shown(shape))
    end
  end
  return sample
end

local function make_model(reader, config)
  local layers, Sequential = require "lubdub.layers", require "lubdub.sequential"
  local items = layer_items(reader, config)
  if is_graph(config) then
    return functional.read(reader.path, config.config, function(item, name)
      item.config.name = name
      if item.class_name ~= "InputLayer" then return make_layer(reader, item) end
      local shape = input_shape(reader, item.config)
      shape.name = name
      return layers.Input(shape)
    end)
  end
  local list = { layers.Input(input_shape(reader, items[1].config, config.config.build_input_shape)) }
  for _, item in ipairs(items) do
    if item.class_name ~= "InputLayer" then list[#list + 1] = make_layer(reader, item) end
  end
  local ok, model = failure.tried(Sequential, list)
  if not ok then fail("%s: %s", reader.path, model) end
  if type(config.config.name) == "string" then model.name = config.config.name end
  return model
end

-- === weights ===

local function shape_text(shape)
  return "(" .. table.concat(shape, ", ") .. (#shape == 1 and ",)" or ")")
end

-- The layers of the file that have weights, in order: { group =, names = }.
local function weighted_groups(reader)
  local file = reader.file
  local root = check(file:kind "/model_weights") and "/model_weights" or "/"
  local layer_names = read_list(reader, root, "layer_names")
  if not layer_names then fail("%s: %s: has no attribute layer_names", reader.path, root) end
  local groups = {}
  for _, name in ipairs(layer_names) do
    local group = (root == "/" and "" or root) .. "/" .. name
    local weight_names = read_list(reader, group, "weight_names")
    if weight_names and #weight_names > 0 then groups[#groups + 1] = { group = group, names = weight_names } end
  end
  return groups
end

local function read_layer(reader, layer, group)
  local expected, values = layer:weights(), {}
  if #expected ~= #group.names then
    fail("%s: %s: holds %d weights, and layer %s has %d", reader.path, group.group, #group.names, layer.name, #expected)
  end
  for i, weight in ipairs(expected) do
    local object = group.group .. "/" .. group.names[i]
    local shape, wanted = shape_text(check(reader.file:shape(object))), shape_text(weight.value:shape())
    if shape ~= wanted then
      fail("%s: %s: is %s, and %s of layer %s is %s", reader.path, object, shape, weight.name, layer.name, wanted)
    end
    values[i] = check(reader.file:read(object))
  end
  layer:set_weights(values)
end

local function read_weights(reader, model)
  local groups, layers = weighted_groups(reader), {}
  for _, layer in ipairs(model.layers) do
    if #layer:weights() > 0 then layers[#layers + 1] = layer end
  end
  if #groups ~= #layers then
    fail("%s: holds weights for %d layers, and the model has %d layers with weights", reader.path, #groups, #layers)
  end
  for i, layer in ipairs(layers) do read_layer(reader, layer, groups[i]) end
end

-- === training_config ===

-- Everything here bears on training alone: what cannot be had is said, and the model stays uncompiled.
local function read_optimizer(given)
  if type(given) ~= "table" then return nil, "it names no optimizer" end
  local kind, config = given.class_name, given.config or {}
  for known in pairs(names.optimizers) do
    if tostring(kind):lower() == known:lower() then kind = known end
  end
  local entry = names.optimizers[kind]
  if not entry then return nil, ("the optimizer %s is not known"):format(tostring(kind)) end
  local options = {}
  config.learning_rate = config.learning_rate or config.lr
  for _, option in ipairs(entry.options) do
    if config[option] ~= nil then options[option] = config[option] end
  end
  if type(config.learning_rate) == "table" then
    local schedule, reason = objects.read_schedule(config.learning_rate)
    if not schedule then return nil, reason end
    options.learning_rate = schedule
  end
  for _, key in ipairs(names.optimizer_extras) do
    if config[key] and config[key] ~= 0 then return nil, ("%s of %s is not known"):format(key, kind) end
  end
  local ok, optimizer = failure.tried(require "lubdub.optimizers"[kind], options)
  if not ok then return nil, optimizer end
  return optimizer
end

-- Metrics may be nested, one list per output.
local function add_metrics(list, given)
  for _, metric in ipairs(given) do
    if type(metric) == "table" and not metric.class_name then
      local _, reason = add_metrics(list, metric)
      if reason then return nil, reason end
    else
      local ours, reason = objects.read_metric(metric)
      if not ours then return nil, reason end
      list[#list + 1] = ours
    end
  end
  return list
end

local function compile(reader, model)
  local config = read_json(reader, "training_config")
  if not config then return end
  local loss, optimizer, reason
  optimizer, reason = read_optimizer(config.optimizer_config)
  if optimizer then loss, reason = objects.read_loss(config.loss) end
  local metrics, weighted
  if loss then metrics, reason = add_metrics({}, type(config.metrics) == "table" and config.metrics or {}) end
  if metrics then
    weighted, reason = add_metrics({}, type(config.weighted_metrics) == "table" and config.weighted_metrics or {})
  end
  if weighted then
    local ok, problem = failure.tried(model.compile, model,
      { optimizer = optimizer, loss = loss, metrics = metrics, weighted_metrics = weighted })
    if ok then return end
    reason = problem
  end
  warning.warn(("%s: the model is not compiled: %s"):format(reader.path, reason))
end

-- === our own attribute ===

local function restored(reader, value)
  if type(value) ~= "table" then return value end
  if type(value.tensor) == "string" and next(value, next(value)) == nil then
    return check(reader.file:read(value.tensor))
  end
  for key, element in pairs(value) do value[key] = restored(reader, element) end
  return value
end

local function read_own(reader, model)
  local own = read_json(reader, "lubdub")
  if not own then return end
  for _, field in ipairs { "labels", "preprocessing" } do
    local value = own[field]
    if value ~= nil and type(value) ~= "table" then fail("%s: attribute lubdub: %s is no list", reader.path, field) end
    model[field] = restored(reader, value)
  end
end

local function read_model(path)
  local opened = check(h5.open(path))
  local file <close> = opened
  local reader = { file = file, path = path }
  local model = make_model(reader, model_config(reader))
  read_weights(reader, model)
  read_own(reader, model)
  compile(reader, model)
  return model
end

return function(path)
  return failure.caught(read_model, path)
end
