--- One layer's JSON in Keras' files, both ways.
-- Nothing is guessed: a layer or an option that would make other predictions than in Keras is an error
-- that names it; what bears on training alone is a warning.
-- @module lubdub.keras.layer_config
local dialect = require "lubdub.keras.dialect"
local failure = require "lubdub.keras.failure"
local json = require "lubdub.keras.json"
local names = require "lubdub.keras.names"
local objects = require "lubdub.keras.objects"
local warning = require "lubdub.warning"

local fail = failure.raise
local layer_config = {}

-- === from a file ===

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

-- A layer inside of another one. Whether it trains is the outer one's part.
local function inner_layer(reader, where, key, item)
  local kind = type(item) == "table" and type(item.config) == "table" and names.kind_of[item.class_name]
  if not kind or not names.layers[kind] then
    fail("%s: %s: %s is no layer that lubdub has", reader.path, where, key)
  end
  local config = {}
  for option, value in pairs(item.config) do config[option] = value end
  config.name, config.trainable = nil, nil
  return layer_config.read(reader, { class_name = item.class_name, config = config })
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
      if form then ours = form.read(value, reader.dialect) end
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
  if type(dtype) == "table" then dtype = type(dtype.config) == "table" and dtype.config.name end
  if dtype and dtype ~= "float32" then
    warning.warn(("%s: %s: computes in %s in Keras, and in float32 here"):format(reader.path, where, tostring(dtype)))
  end
end

--- Makes a layer.
-- @tparam table reader with path and dialect
-- @tparam table item { class_name =, config = } whose class names.kind_of knows; the config is used up
-- @treturn Layer
function layer_config.read(reader, item)
  local layers = require "lubdub.layers"
  local kind = names.kind_of[item.class_name]
  dialect.complete(reader.dialect, item.class_name, kind, item.config)
  local options, where = layer_options(reader, kind, item.config)
  check_dtype(reader, where, item.config.dtype)
  local ok, layer = failure.tried(layers[kind], options)
  if not ok then fail("%s: %s: %s", reader.path, where, layer) end
  return layer
end

-- === to a file ===

--- Shape with the batch's axis, as Keras writes it.
function layer_config.batch_shape(shape)
  return { json.null, table.unpack(shape) }
end

-- Where Keras 3 finds the class of an option's value.
local function module_of(option)
  return option:find "_initializer$" and "keras.initializers" or option:find "_regularizer$" and "keras.regularizers"
    or option:find "_constraint$" and "keras.constraints"
end

--- A layer's JSON.
-- @tparam Layer layer named and of a kind in names.layers
-- @tparam ?table modern for .keras files: { input_shape = the layer's, or nil }
-- @treturn table
function layer_config.write(layer, modern)
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
      value = objects.modern("keras.layers", layer_config.write(value)) -- Keras 3 wants it inside of layers, always
    elseif prefix then value = nil
    elseif value == "keras2_hard_sigmoid" then
      warning.warn(("layer %s: Keras has no activation keras2_hard_sigmoid, and will not open the model"):format(
        layer.name), layer)
    elseif option == "axis" and type(value) == "table" and not modern then
      warning.warn(("layer %s: Keras reads several axes from .keras files alone, and knows the last one alone in .h5"
        ):format(layer.name), layer)
      value = form.write(value)
    elseif form then value = form.write(value) elseif value == false then value = json.null end
    if modern and type(value) == "table" and value.class_name and not prefix then
      objects.modern(module_of(option), value)
    end
    if value ~= nil then json.add(object, entry.called and entry.called[option] or option, value) end
    config[option] = nil
  end
  for _, key in ipairs(entry.write or {}) do json.add(object, key, entry.fixed[key]) end
  config.name, config.trainable = nil, nil
  local lost = next(config)
  if lost then failure.mistake("option %s of %s has no name in Keras", lost, kind) end
  local written = json.object("class_name", kind, "config", object)
  if not modern then return written end
  objects.modern("keras.layers", written)
  if modern.input_shape then
    json.add(written, "build_config", json.object("input_shape", layer_config.batch_shape(modern.input_shape)))
  end
  return written
end

return layer_config
