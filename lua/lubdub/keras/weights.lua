--- Weights alone: save_weights and load_weights.
-- @module lubdub.keras.weights
local h5 = require "lubdub.h5"
local failure = require "lubdub.keras.failure"
local legacy = require "lubdub.keras.legacy"
local modern = require "lubdub.keras.modern"
local optimizer = require "lubdub.keras.optimizer"
local save = require "lubdub.keras.save"
local source = require "lubdub.keras.source"

local check, fail = failure.check, failure.raise
local weights = {}

function weights.save(model, path)
  local layers = save.layers_of(model)
  return failure.caught(function()
    local file <close> = check(h5.create())
    if path:find "%.weights%.h5$" then
      modern.write(file, model, layers, true)
    else
      legacy.write(file, layers, "")
    end
    return check(file:save(path))
  end)
end

local function load(model, path, options)
  local reader <close> = source.open(path)
  local is_modern = modern.has_weights(reader)
  if not is_modern and not legacy.has_weights(reader) then fail("%s: holds no weights of Keras", path) end
  local layout = is_modern and modern or legacy
  if options.by_name then return layout.read_by_name(reader, model, options.skip_mismatch) end
  local names = layout.read(reader, model, options.skip_mismatch)
  if is_modern and model.optimizer then optimizer.restore(reader, model) end
  return names
end

function weights.load(model, path, options)
  return failure.reading(path, load, model, path, options)
end

return weights
