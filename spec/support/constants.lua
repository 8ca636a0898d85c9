--- Files that tell which of many they are: models and backups whose every weight is one value, for the specs of
-- what killed processes and full disks leave.
local lubdub = require "lubdub"

local constants = {}

--- One name for each way to write a file.
constants.names = { "m.h5", "m.keras", "m.weights.h5", "m.backup" }

function constants.new_model(value)
  local layers = lubdub.layers
  local model = lubdub.Sequential { layers.Input { 64 }, layers.Dense { units = 512 }, layers.Dense { units = 2 } }
  model:compile { optimizer = "adam", loss = "mse" }
  local list = model:get_weights()
  for i, weight in ipairs(list) do list[i] = weight * 0 + value end
  model:set_weights(list)
  model.labels = { value, value + 1 }
  return model
end

--- Writes the file of a value; what kind it is, the path's end tells.
-- @return true, or nil and "path: reason"
function constants.save(path, value)
  local model = constants.new_model(value)
  if path:find "backup$" then
    return require "lubdub.backup".write(path, { value = value, weights = model:get_weights() })
  end
  if path:find "%.weights%.h5$" then return model:save_weights(path) end
  return model:save(path)
end

local function all_are(weights, value)
  for _, weight in ipairs(weights) do
    assert(weight:min() == value and weight:max() == value, "weights of two files")
  end
  assert(#weights == 4)
  return math.tointeger(value)
end

--- The value of a file; an error where it is not whole.
function constants.read(path)
  if path:find "backup$" then
    local found = assert(require "lubdub.backup".read(path))
    return all_are(found.weights, found.value)
  end
  if path:find "%.weights%.h5$" then
    local model = constants.new_model(-1)
    assert(model:load_weights(path))
    local weights = model:get_weights()
    return all_are(weights, weights[1]:max())
  end
  local model = assert(lubdub.load_model(path))
  return all_are(model:get_weights(), model.labels[1])
end

return constants
