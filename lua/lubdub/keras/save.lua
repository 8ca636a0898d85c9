--- From a model to a file in Keras' HDF5 layout.
-- What is written is the dialect of tf.keras 2.15 with the fewest keys, which every Keras from 2.3 to 3
-- opens. Keras' own readers decide: names of data sets are free, but every layer needs a group, layers
-- are matched by their order, and training_config needs both `optimizer_config` and `loss_weights`.
-- @module lubdub.keras.save
local h5 = require "lubdub.h5"
local failure = require "lubdub.keras.failure"
local functional = require "lubdub.keras.functional"
local json = require "lubdub.keras.json"
local names = require "lubdub.keras.names"
local objects = require "lubdub.keras.objects"

local check = failure.check

local KERAS_VERSION, BACKEND = "2.15.0", "tensorflow"
local LONGEST_LIST = 64512 -- bytes of an attribute; Keras splits longer lists in this way too

local function mistake(format, ...)
  error("keras.save: " .. format:format(...), 0)
end

-- === model_config ===

local function layer_json(layer)
  local kind, config = layer.kind, layer:config()
  local entry = names.layers[kind]
  local object = json.object("name", layer.name)
  if not entry.always_trainable then json.add(object, "trainable", layer.trainable) end
  json.add(object, "dtype", "float32")
  for _, option in ipairs(entry.options) do
    local value, form = config[option], names.values[option]
    local prefix = entry.layers and entry.layers[option]
    if prefix and value then
      value.name, value.trainable = prefix .. value.kind:lower(), layer.trainable
      value = layer_json(value)
      json.add(value, "module", "keras.layers") -- Keras 3 looks for it inside of layers
      json.add(value, "registered_name", json.null)
    elseif prefix then value = nil
    elseif form then value = form.write(value) elseif value == false then value = json.null end
    if value ~= nil then json.add(object, entry.called and entry.called[option] or option, value) end
    config[option] = nil
  end
  for _, key in ipairs(entry.write or {}) do json.add(object, key, entry.fixed[key]) end
  config.name, config.trainable = nil, nil
  local lost = next(config)
  if lost then mistake("option %s of %s has no name in Keras", lost, kind) end
  return json.object("class_name", kind, "config", object)
end

local function batch_shape(shape)
  return { json.null, table.unpack(shape) }
end

local function input_json(shape, name)
  return json.object("class_name", "InputLayer", "config",
    json.object("batch_input_shape", batch_shape(shape), "dtype", "float32", "name", name))
end

local function model_config(model, layers)
  if model.depth then
    return json.object("class_name", "Functional", "config", functional.write(model, { layer = layer_json,
      input = function(layer) return input_json(layer.shape, layer.name) end, arguments = false }))
  end
  local list = { input_json(model.input_shape, layers[1].name .. "_input") }
  for _, layer in ipairs(layers) do list[#list + 1] = layer_json(layer) end
  return json.object("class_name", "Sequential", "config",
    json.object("name", model.name or "sequential", "layers", list))
end

-- === training_config ===

local function optimizer_json(optimizer)
  local entry, config = names.optimizers[optimizer.kind], optimizer:config()
  if not entry then mistake("the optimizer %s has no name in Keras", optimizer.kind) end
  local object = json.object("name", optimizer.kind)
  if optimizer.schedule then
    config.learning_rate = objects.write_schedule(optimizer.schedule) or config.learning_rate
  end
  for _, option in ipairs(entry.options) do
    local value = config[option]
    -- None is not written: the older of Keras' optimizers do not know all of these
    if value ~= false or option == "amsgrad" or option == "nesterov" or option == "centered" then
      json.add(object, option, value)
    end
  end
  return json.object("class_name", optimizer.kind, "config", object)
end

local function training_config(model)
  local weighted = objects.write_metrics(model.metric_list, true)
  return json.object("loss", objects.write_loss(model.loss), "metrics", objects.write_metrics(model.metric_list, false),
    "weighted_metrics", #weighted > 0 and weighted or json.null,
    "loss_weights", json.null, "optimizer_config", optimizer_json(model.optimizer))
end

-- === our own attribute ===

-- Tensors among the options of preprocessing steps become data sets; the JSON names them.
local function stored(file, value, count)
  if type(value) == "userdata" then
    count.tensors = count.tensors + 1
    local at = "/lubdub/" .. count.tensors
    check(file:write(at, value))
    return { tensor = at }
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, element in pairs(value) do copy[key] = stored(file, element, count) end
  return copy
end

local function own_json(model, file)
  return json.object("version", require "lubdub"._VERSION, "labels", model.labels,
    "preprocessing", stored(file, model.preprocessing, { tensors = 0 }))
end

-- === the file ===

local function set_list(file, object, name, list)
  local longest = 1
  for _, string in ipairs(list) do longest = math.max(longest, #string) end
  if longest * #list <= LONGEST_LIST then return check(file:set_attribute(object, name, list)) end
  local per_part = LONGEST_LIST // longest
  if per_part == 0 then mistake("a name of %d bytes is longer than HDF5 holds", longest) end
  for first = 1, #list, per_part do
    check(file:set_attribute(object, name .. (first // per_part),
      table.move(list, first, math.min(first + per_part - 1, #list), 1, {})))
  end
end

local function write_weights(file, layer)
  local group = "/model_weights/" .. layer.name
  local weight_names = {}
  check(file:group(group))
  for i, weight in ipairs(layer:weights()) do
    weight_names[i] = ("%s/%s:0"):format(layer.name, weight.name)
    check(file:write(group .. "/" .. weight_names[i], weight.value))
  end
  set_list(file, group, "weight_names", weight_names)
end

local function write_model(model, layers, file)
  local function set(object, name, value) check(file:set_attribute(object, name, value)) end
  set("/", "keras_version", KERAS_VERSION)
  set("/", "backend", BACKEND)
  set("/", "model_config", json.encode(model_config(model, layers)))
  if model.optimizer then set("/", "training_config", json.encode(training_config(model))) end
  set("/", "lubdub", json.encode(own_json(model, file)))
  check(file:group "/model_weights")
  local layer_names = {}
  for i, layer in ipairs(layers) do
    layer_names[i] = layer.name
    write_weights(file, layer)
  end
  set_list(file, "/model_weights", "layer_names", layer_names)
  set("/model_weights", "backend", BACKEND)
  set("/model_weights", "keras_version", KERAS_VERSION)
  check(file:group "/model_weights/top_level_model_weights")
  set("/model_weights/top_level_model_weights", "weight_names", {})
end

-- The model's layers without inputs: all named, no name twice, every kind known to Keras.
local function layers_of(model)
  local layers, seen = {}, {}
  for _, layer in ipairs(model.layers) do
    local name, is_input = layer.name, layer.kind == "Input"
    if not is_input and not names.layers[layer.kind] then mistake("%s layers have no name in Keras", layer.kind) end
    if not layer.built then mistake("layer %s is not built: the model has no input shape", name or layer.kind) end
    if not name or name == "" or name:find "^%." or name:find "[/%z]" then
      mistake("a %s layer is named '%s', which Keras files cannot hold", layer.kind, name or "")
    end
    if seen[name] then mistake("two layers are named '%s', and Keras files tell them apart by name", name) end
    seen[name] = true
    if not is_input then layers[#layers + 1] = layer end
  end
  if #layers == 0 then mistake "the model has no layers" end
  return layers
end

return function(model, path)
  local layers = layers_of(model)
  return failure.caught(function()
    local file <close> = check(h5.create())
    write_model(model, layers, file)
    return check(file:save(path))
  end)
end
