--- What a model file carries for lubdub alone: labels and preprocessing, as JSON in the attribute `lubdub` of an
-- HDF5 file's root, which Keras ignores. In a .keras archive that is the file of the weights.
-- @module lubdub.keras.own
local failure = require "lubdub.keras.failure"
local json = require "lubdub.keras.json"

local check, fail = failure.check, failure.raise
local own = {}

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

--- Writes a model's labels and preprocessing into a file.
function own.write(model, file)
  local text = json.encode(json.object("version", require "lubdub"._VERSION, "labels", model.labels,
    "preprocessing", stored(file, model.preprocessing, { tensors = 0 })))
  check(file:set_attribute("/", "lubdub", text))
end

local function restored(reader, value)
  if type(value) ~= "table" then return value end
  if type(value.tensor) == "string" and next(value, next(value)) == nil then
    return check(reader.file:read(value.tensor))
  end
  for key, element in pairs(value) do value[key] = restored(reader, element) end
  return value
end

--- The attribute's table, checked; nil where there is none.
-- @tparam table reader with path and file
function own.read(reader)
  local text = check(reader.file:attribute("/", "lubdub"))
  if text == nil then return nil end
  local value, reason = json.decode(type(text) == "string" and text or "")
  if type(value) ~= "table" then
    fail("%s: attribute lubdub: %s", reader.path, reason or "holds no JSON object")
  end
  for _, field in ipairs { "labels", "preprocessing" } do
    if value[field] ~= nil and type(value[field]) ~= "table" then
      fail("%s: attribute lubdub: %s is no list", reader.path, field)
    end
  end
  return value
end

--- Gives a model the labels and the preprocessing of a file.
-- @tparam table reader
-- @tparam Sequential model
-- @tparam ?table value from own.read
function own.restore(reader, model, value)
  if not value then return end
  model.labels, model.preprocessing = restored(reader, value.labels), restored(reader, value.preprocessing)
end

return own
