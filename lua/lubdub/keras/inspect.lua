--- What a model file holds, without making a model: `print(lubdub.inspect "heartbeat.h5")`.
-- Files of any layers can be looked at, also those that lubdub cannot load.
-- @module lubdub.keras.inspect
local failure = require "lubdub.keras.failure"
local json = require "lubdub.keras.json"
local legacy = require "lubdub.keras.legacy"
local modern = require "lubdub.keras.modern"
local own = require "lubdub.keras.own"
local source = require "lubdub.keras.source"
local texttable = require "lubdub.texttable"

local MOST_WEIGHTS = 4 -- of a layer, in print

local Inspection = { __name = "lubdub.Inspection" }
Inspection.__index = Inspection

-- === gathering ===

local function table_of(value) return type(value) == "table" and value or {} end
local function text_of(value) return type(value) == "string" and value or nil end

-- { class =, name = } of each layer that the config lists.
local function listed_layers(config)
  local items, list = table_of(config and config.config), {}
  items = table_of(items.layers or items)
  for i, item in ipairs(items) do
    local layer = table_of(item)
    list[i] = { class = text_of(layer.class_name) or "?",
      name = text_of(table_of(layer.config).name) or text_of(layer.name) or "?" }
  end
  return list
end

-- That of a chain's first layer, or of the only input.
local function input_shape(config)
  local inner = table_of(config and config.config)
  local first, inputs = table_of(table_of(inner.layers or inner)[1]), table_of(inner.input_layers)
  if type(inputs[1]) == "table" and #inputs > 1 or #inputs == 0 and next(inputs) then return nil end
  local settings = table_of(first.config)
  local shape = settings.batch_shape or settings.batch_input_shape or inner.build_input_shape
  return type(shape) == "table" and table.move(shape, 2, #shape, 1, {}) or nil
end

local function size_of(shape)
  local size = 1
  for _, length in ipairs(shape) do size = size * length end
  return size
end

-- Puts the weights of the file's groups to the layers of the config; layers without one stand there without weights.
local function with_weights(layers, groups)
  local found = {}
  for _, group in ipairs(groups) do found[group.key] = group end
  local list = {}
  for _, layer in ipairs(layers) do
    local group = found[layer.key] or found[layer.name]
    layer.weights = group and group.weights or {}
    if group then found[group.key] = nil end
    list[#list + 1] = layer
  end
  for _, group in ipairs(groups) do -- weights of layers that no config names
    if found[group.key] then list[#list + 1] = { name = group.name, class = "", weights = group.weights } end
  end
  return list
end

local function describe_layers(reader, config)
  local layers = listed_layers(config)
  if modern.has_weights(reader) then
    modern.name_groups(layers)
    return with_weights(layers, modern.describe(reader))
  elseif legacy.has_weights(reader) then
    return with_weights(layers, legacy.describe(reader))
  end
  return with_weights(layers, {})
end

local function describe_optimizer(reader)
  local arrays = modern.has_weights(reader) and modern.optimizer_arrays or legacy.optimizer_arrays
  local iterations, list = arrays(reader)
  if not iterations or iterations == 0 and #list == 0 then return nil end
  local numbers = 0
  for _, entry in ipairs(list) do numbers = numbers + size_of(entry.shape) end
  return { iterations = iterations, arrays = #list, numbers = numbers }
end

local function bytes_of(path)
  local file <close> = io.open(path, "rb")
  return file and file:seek "end"
end

local function inspect(path)
  local reader <close> = source.open(path)
  local config, mine = reader:find_model_config(), own.read(reader)
  local self = setmetatable({ path = path, bytes = bytes_of(path), keras_version = reader.version }, Inspection)
  self.saved = text_of(reader.saved)
  self.format = reader.archive and "keras" or modern.has_weights(reader) and "weights.h5" or config and "h5"
    or legacy.has_weights(reader) and "h5 weights"
  if not self.format then failure.raise("%s: holds neither a model nor weights of Keras", path) end
  self.writer = mine and "lubdub" or (config or reader.version) and "Keras" or nil
  self.class = config and text_of(config.class_name)
  self.name = text_of(table_of(config and config.config).name)
  self.input_shape = input_shape(config)
  self.layers = describe_layers(reader, config)
  self.parameters = 0
  for _, layer in ipairs(self.layers) do
    layer.key, layer.parameters = nil, 0
    for _, weight in ipairs(layer.weights) do layer.parameters = layer.parameters + size_of(weight.shape) end
    self.parameters = self.parameters + layer.parameters
  end
  self.training = config and reader:training_config()
  self.optimizer = describe_optimizer(reader)
  self.labels, self.preprocessing = mine and mine.labels, mine and mine.preprocessing
  return self
end

-- === printing ===

-- What comes from a file is shown without the characters that steer a terminal.
local function plain(text) return (tostring(text):gsub("%c", "?")) end

local function shape_text(shape)
  local sizes = {}
  for i, size in ipairs(shape) do sizes[i] = size and tostring(size) or "?" end
  return "(" .. table.concat(sizes, ", ") .. (#sizes == 1 and ",)" or ")")
end

local function grouped(number)
  return (tostring(number):reverse():gsub("%d%d%d", "%0,"):reverse():gsub("^,", ""))
end

local function size_text(bytes)
  if not bytes then return "?" end
  if bytes < 10000 then return bytes .. " bytes" end
  if bytes < 10000000 then return ("%.0f kB"):format(bytes / 1000) end
  return ("%.0f MB"):format(bytes / 1e6)
end

local formats = {
  h5 = "a model in Keras' HDF5 layout", keras = "a model in an archive of Keras 3",
  ["weights.h5"] = "weights in the layout of Keras 3", ["h5 weights"] = "weights in the layout of Keras 2",
}

local function value_text(value)
  if math.type(value) == "float" then return ("%.7g"):format(value) end
  if type(value) ~= "table" then return plain(value) end
  local class = text_of(value.class_name)
  if class == "function" then return value_text(value.config) end
  if class then
    local parts, config = {}, table_of(value.config)
    for key in pairs(config) do parts[#parts + 1] = type(key) == "string" and key or nil end
    table.sort(parts)
    local shown = {}
    for _, key in ipairs(parts) do
      local option = config[key]
      if option and key ~= "name" and key ~= "dtype" and key ~= "reduction" then
        shown[#shown + 1] = ("%s = %s"):format(plain(key), value_text(option))
      end
    end
    return ("%s(%s)"):format(plain(class):gsub("^Custom>", ""), table.concat(shown, ", "))
  end
  if value.tensor then return "(numbers)" end
  local ok, text = pcall(json.encode, value)
  return ok and plain(text) or "?"
end

local function list_text(list)
  local parts = {}
  for _, value in ipairs(table_of(list)) do
    if type(value) == "table" and not value.class_name then parts[#parts + 1] = list_text(value)
    else parts[#parts + 1] = value_text(value) end
  end
  return table.concat(parts, ", ")
end

local function steps_text(steps)
  local parts = {}
  for i, step in ipairs(table_of(steps)) do
    local given, options = table_of(step), {}
    for key, value in pairs(table_of(given.options)) do
      options[#options + 1] = ("%s = %s"):format(plain(key), value_text(value))
    end
    table.sort(options)
    parts[i] = ("%s(%s)"):format(plain(given.name), table.concat(options, ", "))
  end
  return table.concat(parts, ", ")
end

-- Keras 3 has no names for weights, but numbers; of many weights the first are shown.
local function weights_text(weights)
  local parts = {}
  for i = 1, math.min(#weights, MOST_WEIGHTS) do
    local name = plain(weights[i].name):gsub("%d+$", ""):gsub("/$", "")
    parts[i] = (name == "" and "" or name .. " ") .. shape_text(weights[i].shape)
  end
  if #weights > MOST_WEIGHTS then parts[#parts + 1] = ("... (%d)"):format(#weights) end
  return table.concat(parts, ", ")
end

local function layer_rows(self)
  local rows = { { "Layer", "Type", "Weights", "Numbers" }, "-" }
  for _, layer in ipairs(self.layers) do
    rows[#rows + 1] = { plain(layer.name), plain(layer.class), weights_text(layer.weights),
      layer.parameters > 0 and grouped(layer.parameters) or "" }
  end
  rows[#rows + 1] = "-"
  rows[#rows + 1] = { "in all", "", "", grouped(self.parameters) }
  return texttable(rows, { "left", "left", "left", "right" })
end

function Inspection:__tostring()
  local writer, version = self.writer or "", self.keras_version and " " .. self.keras_version or ""
  if writer ~= "" then writer = "; written by " .. (writer == "Keras" and writer or "lubdub, for Keras") .. version end
  local lines = { ("%s: %s, %s%s%s"):format(plain(self.path), formats[self.format], size_text(self.bytes),
    plain(writer), self.saved and " on " .. plain(self.saved):gsub("@", " at ") or "") }
  if self.class then
    lines[#lines + 1] = ("%s %s%s"):format(plain(self.class), self.name and "'" .. plain(self.name) .. "'" or "",
      self.input_shape and ", input " .. shape_text(self.input_shape) or "")
  end
  lines[#lines + 1] = "\n" .. layer_rows(self) .. "\n"
  local function add(what, text) lines[#lines + 1] = what .. ": " .. text end
  local training = self.training
  if training then
    local metrics = list_text(training.metrics)
    add("optimizer", training.optimizer and value_text(training.optimizer) or "none")
    add("loss", training.loss and value_text(training.loss) or "none")
    add("metrics", metrics ~= "" and metrics or "none")
    local weighted = list_text(training.weighted_metrics)
    if weighted ~= "" then add("weighted metrics", weighted) end
  elseif self.class then
    lines[#lines + 1] = "not compiled"
  end
  local memory = self.optimizer
  add("optimizer's memory", memory and ("%s step%s, %s numbers in %d arrays"):format(grouped(memory.iterations),
    memory.iterations == 1 and "" or "s", grouped(memory.numbers), memory.arrays) or "none")
  if self.labels then add("labels", list_text(self.labels)) end
  if self.preprocessing then add("preprocessing", steps_text(self.preprocessing)) end
  return table.concat(lines, "\n")
end

return function(path) return failure.reading(path, inspect, path) end
