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

-- `seen`: the data sets that were read; a file may name one twice, and then it is the same tensor.
local function restored(reader, value, seen)
  if type(value) ~= "table" then return value end
  if type(value.tensor) == "string" and next(value, next(value)) == nil then
    seen[value.tensor] = seen[value.tensor] or check(reader.file:read(value.tensor))
    return seen[value.tensor]
  end
  for key, element in pairs(value) do value[key] = restored(reader, element, seen) end
  return value
end

local function check_labels(reader, list)
  for i, label in ipairs(list) do
    if type(label) ~= "string" and type(label) ~= "number" then
      fail("%s: attribute lubdub: label %d is neither text nor a number", reader.path, i)
    end
  end
end

local function check_steps(reader, list)
  for i, step in ipairs(list) do
    if type(step) ~= "table" or type(step.name) ~= "string" or step.options and type(step.options) ~= "table" then
      fail("%s: attribute lubdub: step %d of preprocessing has no name and options", reader.path, i)
    end
  end
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
    local list = value[field]
    if list ~= nil and (type(list) ~= "table" or #list == 0 and next(list) ~= nil) then
      fail("%s: attribute lubdub: %s is no list", reader.path, field)
    end
  end
  check_labels(reader, value.labels or {})
  check_steps(reader, value.preprocessing or {})
  return value
end

--- Gives a model the labels and the preprocessing of a file.
-- @tparam table reader
-- @tparam Sequential model
-- @tparam ?table value from own.read
function own.restore(reader, model, value)
  if not value then return end
  model.labels, model.preprocessing = value.labels, restored(reader, value.preprocessing, {})
end

return own
