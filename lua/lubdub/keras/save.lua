--- From a model to a file of Keras.
-- A name that ends in .keras gets Keras 3's archive; any other one Keras' HDF5 layout: the dialect of tf.keras 2.15
-- with the fewest keys, which every Keras from 2.3 to 3 opens. Keras' own readers decide: in HDF5 the names of data
-- sets are free, but every layer needs a group, layers are matched by their order, and training_config needs both
-- `optimizer_config` and `loss_weights`; in archives the classes count, and objects need their modules.
-- @module lubdub.keras.save
local h5 = require "lubdub.h5"
local failure = require "lubdub.keras.failure"
local functional = require "lubdub.keras.functional"
local json = require "lubdub.keras.json"
local layer_config = require "lubdub.keras.layer_config"
local legacy = require "lubdub.keras.legacy"
local modern = require "lubdub.keras.modern"
local names = require "lubdub.keras.names"
local objects = require "lubdub.keras.objects"
local own = require "lubdub.keras.own"
local training = require "lubdub.keras.training"

local check = failure.check

local KERAS_VERSION, BACKEND = "2.15.0", "tensorflow"
local MODERN_VERSION = "3.15.1"

local save = {}

-- The model's layers without inputs: all named, no name twice, every kind known to Keras.
function save.layers_of(model)
  local layers, seen = {}, {}
  if tostring(model.name):find "[/%z]" then
    failure.mistake("the model is named '%s', which Keras files cannot hold", model.name)
  end
  for _, layer in ipairs(model.layers) do
    local name, is_input = layer.name, layer.kind == "Input"
    if not is_input and not names.layers[layer.kind] then
      failure.mistake("%s layers have no name in Keras", layer.kind)
    end
    if not layer.built then
      failure.mistake("layer %s is not built: the model has no input shape", name or layer.kind)
    end
    if not name or name == "" or name == "." or name == ".." or name:find "[/%z]" then
      failure.mistake("a %s layer is named '%s', which Keras files cannot hold", layer.kind, name or "")
    end
    if seen[name] then failure.mistake("two layers are named '%s', and Keras files tell them apart by name", name) end
    seen[name] = true
    if not is_input then layers[#layers + 1] = layer end
  end
  if #layers == 0 then failure.mistake "the model has no layers" end
  return layers
end

-- === HDF5 ===

local function input_json(shape, name)
  return json.object("class_name", "InputLayer", "config", json.object("batch_input_shape",
    layer_config.batch_shape(shape), "dtype", "float32", "name", name))
end

local function model_config(model, layers)
  if model.depth then
    return json.object("class_name", "Functional", "config", functional.write(model, {
      layer = function(layer) return layer_config.write(layer) end, input = input_json }))
  end
  local list = { input_json(model.input_shape, layers[1].name .. "_input") }
  for _, layer in ipairs(layers) do list[#list + 1] = layer_config.write(layer) end
  return json.object("class_name", "Sequential", "config",
    json.object("name", model.name or "sequential", "layers", list))
end

local function write_model(model, layers, file, optimizer)
  local function set(object, name, value) check(file:set_attribute(object, name, value)) end
  set("/", "keras_version", KERAS_VERSION)
  set("/", "backend", BACKEND)
  set("/", "model_config", json.encode(model_config(model, layers)))
  if model.optimizer then set("/", "training_config", json.encode(training.write(model))) end
  own.write(model, file)
  legacy.write(file, layers, "/model_weights")
  set("/model_weights", "backend", BACKEND)
  set("/model_weights", "keras_version", KERAS_VERSION)
  if optimizer and model.optimizer then legacy.write_optimizer(file, model) end
end

-- === archives ===

local function modern_input(shape, name)
  return objects.modern("keras.layers", json.object("class_name", "InputLayer", "config",
    json.object("batch_shape", layer_config.batch_shape(shape), "dtype", "float32", "name", name)))
end

local function modern_graph(model)
  return objects.modern("keras.src.models.functional", json.object("class_name", "Functional", "config",
    functional.write(model, { layer = function(layer) return layer_config.write(layer, {}) end, input = modern_input,
      arguments = true })))
end

local function modern_chain(model, layers)
  local shape = model.input_shape
  local list = { modern_input(shape, layers[1].name .. "_input") }
  for _, layer in ipairs(layers) do
    list[#list + 1] = layer_config.write(layer, { input_shape = shape })
    shape = layer:output_shape(shape)
  end
  local input_shape = layer_config.batch_shape(model.input_shape)
  return objects.modern("keras", json.object("class_name", "Sequential", "config",
    json.object("name", model.name or "sequential", "trainable", true, "dtype", "float32", "layers", list,
      "build_input_shape", input_shape), "build_config", json.object("input_shape", input_shape)))
end

local function modern_config(model, layers)
  local config = model.depth and modern_graph(model) or modern_chain(model, layers)
  if model.optimizer then json.add(config, "compile_config", training.write_modern(model)) end
  return config
end

local function metadata()
  return json.object("keras_version", MODERN_VERSION, "date_saved", os.date "%Y-%m-%d@%H:%M:%S")
end

-- Keras reads these three; what else stood in the archive it would unpack to a disk.
local function write_archive(model, layers, path, optimizer)
  local file <close> = check(h5.create())
  own.write(model, file)
  modern.write(file, model, layers, optimizer)
  return check(require("lubdub.zip").write(path, {
    { "metadata.json", json.encode(metadata()) },
    { "config.json", json.encode(modern_config(model, layers)) },
    { "model.weights.h5", check(file:image()) },
  }))
end

--- Saves a model.
-- @tparam Sequential model
-- @tparam string path
-- @tparam ?boolean optimizer whether what the optimizer remembers is written; nil: in .keras files, which Keras can
-- train on with, and not in .h5 files, with which it cannot
function save.model(model, path, optimizer)
  local layers = save.layers_of(model)
  local archive = path:find "%.keras$"
  if optimizer == nil then optimizer = archive end
  return failure.caught(function()
    if archive then return write_archive(model, layers, path, optimizer) end
    local file <close> = check(h5.create())
    write_model(model, layers, file, optimizer)
    return check(file:save(path))
  end)
end

return save
