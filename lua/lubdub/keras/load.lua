--- From a file to a model: what Keras 3, tf.keras, Keras 2 and lubdub itself wrote, as HDF5 (.h5) or as an
-- archive (.keras). What a file is, its contents tell, not its name.
-- @module lubdub.keras.load
local failure = require "lubdub.keras.failure"
local functional = require "lubdub.keras.functional"
local json = require "lubdub.keras.json"
local layer_config = require "lubdub.keras.layer_config"
local legacy = require "lubdub.keras.legacy"
local modern = require "lubdub.keras.modern"
local names = require "lubdub.keras.names"
local optimizer = require "lubdub.keras.optimizer"
local own = require "lubdub.keras.own"
local source = require "lubdub.keras.source"
local training = require "lubdub.keras.training"

local fail = failure.raise

-- === layers ===

-- Keras 2 called graphs of layers Model.
local function is_graph(config) return config.class_name == "Functional" or config.class_name == "Model" end

-- The list of { class_name, config }; Keras 2.0 wrote it without a name around it.
local function layer_items(reader, config)
  if config.class_name ~= "Sequential" and not is_graph(config) then
    fail("%s: is a %s model; only Sequential and Functional ones can be loaded", reader.path,
      type(config.class_name) == "table" and json.encode(config.class_name) or tostring(config.class_name))
  end
  local items = config.config
  if type(items) == "table" and items.layers then items = items.layers end
  if type(items) ~= "table" or #items == 0 then fail("%s: model_config lists no layers", reader.path) end
  local unknown = {}
  for i, item in ipairs(items) do
    if type(item) ~= "table" or type(item.class_name) ~= "string" or type(item.config) ~= "table" then
      fail("%s: layer %d of model_config has no class_name and config", reader.path, i)
    end
    local name = item.config.name
    if name and type(name) ~= "string" then
      fail("%s: layer %d of model_config (%s): its name is no text", reader.path, i, item.class_name)
    end
    if not names.kind_of[item.class_name] then
      unknown[#unknown + 1] = ("%s (%s)"):format(item.class_name, name or "no name")
    end
  end
  if #unknown > 0 then
    fail("%s: layers that lubdub does not have: %s", reader.path, table.concat(unknown, ", "))
  end
  return items
end

-- Per sample, from the first place that holds it: an InputLayer, the first layer, the model.
local function input_shape(reader, first, config)
  local shape = first.batch_input_shape or first.batch_shape or config.config.build_input_shape
    or type(config.build_config) == "table" and config.build_config.input_shape
  if type(shape) ~= "table" then fail("%s: the model has no input shape", reader.path) end
  local sample = table.move(shape, 2, #shape, 1, {})
  for _, size in ipairs(sample) do
    if math.type(size) ~= "integer" or size < 1 then
      fail("%s: an input shape of %s is not supported: sizes must be known", reader.path, json.encode(shape))
    end
  end
  return sample
end

-- A function of a layer and its input's shape (of several, a list) that makes the layer's weights, without values:
-- these are read. A file's words cost nothing, so that its model may not be much larger than the file that describes it
-- (small ones, and such with many zeros compressed, are).
local function reserve(reader)
  local most = ((64 << 20) + 64 * #reader.file) // 4
  return function(layer, shape)
    if layer.built then return end
    local ok, count, made = failure.tried(layer.reserve, layer, shape, most)
    if not ok then fail("%s: layer %s (%s): %s", reader.path, layer.name or "without a name", layer.kind, count) end
    if not made then
      fail("%s: layer %s (%s) has %d weights, and the file holds no such amount of numbers", reader.path,
        layer.name or "without a name", layer.kind, count)
    end
    most = most - count
  end
end

local function sequential(reader, config, items)
  local layers, Sequential = require "lubdub.layers", require "lubdub.sequential"
  local shape, prepare, list = input_shape(reader, items[1].config, config), reserve(reader), {}
  local known, input = failure.tried(layers.Input, shape)
  if not known then fail("%s: %s", reader.path, input) end
  for _, item in ipairs(items) do
    if item.class_name ~= "InputLayer" then
      local layer = layer_config.read(reader, item)
      prepare(layer, shape)
      list[#list + 1], shape = layer, layer:output_shape(shape)
    end
  end
  table.insert(list, 1, input)
  local ok, model = failure.tried(Sequential, list)
  if not ok then fail("%s: %s", reader.path, model) end
  if type(config.config.name) == "string" then model.name = config.config.name end
  return model
end

local function graph(reader, config)
  local layers = require "lubdub.layers"
  return functional.read(reader.path, config.config, function(item, name)
    item.config.name = name
    if item.class_name ~= "InputLayer" then return layer_config.read(reader, item) end
    local ok, input = failure.tried(layers.Input, { shape = input_shape(reader, item.config, config), name = name })
    if not ok then fail("%s: layer %s: %s", reader.path, name, input) end
    return input
  end, reserve(reader))
end

local function make_model(reader, config)
  local items = layer_items(reader, config)
  return (is_graph(config) and graph or sequential)(reader, config, items)
end

-- === all of it ===

local function read_model(path, compile)
  local reader <close> = source.open(path)
  local config = reader:model_config()
  local mine = own.read(reader)
  if mine then reader:written_by_lubdub() end
  local model = make_model(reader, config)
  reader.fresh = true
  if reader.archive then modern.read(reader, model) else legacy.read(reader, model) end
  own.restore(reader, model, mine)
  if compile and training.compile(reader, model, reader:training_config()) then optimizer.restore(reader, model) end
  return model
end

return function(path, compile)
  return failure.reading(path, read_model, path, compile)
end
