--- Gives a model's optimizer what a file remembers of it.
-- @module lubdub.keras.optimizer
local failure = require "lubdub.keras.failure"
local legacy = require "lubdub.keras.legacy"
local modern = require "lubdub.keras.modern"
local state = require "lubdub.keras.optimizer_state"
local warning = require "lubdub.warning"

local optimizer = {}

local function as_float32(number) return (string.unpack("f", string.pack("f", number))) end

-- The config has the rate in full, if it is the same one.
local function set_rate(ours, rate)
  if not rate or not (rate >= 0 and rate < math.huge) or ours.schedule then return end
  if as_float32(ours.learning_rate) ~= as_float32(rate) then ours.learning_rate = rate end
end

local function restored(reader, model)
  if modern.has_weights(reader) then
    local iterations, list, rate = modern.optimizer_arrays(reader)
    if not iterations then return true end
    -- Keras that has not trained yet remembers nothing but the steps
    if iterations == 0 and #list == 0 then return true end
    local ok, reason = state.restore_ordered(model, iterations, list)
    if ok then set_rate(model.optimizer, rate) end
    return ok, reason
  end
  local iterations, list = legacy.optimizer_arrays(reader)
  if not iterations or iterations == 0 and #list == 0 then return true end
  return state.restore_named(model, iterations, list)
end

--- Restores the optimizer of a compiled model. What does not fit is a warning, since it bears on training alone, which
-- then begins anew.
-- @tparam table reader with path and file
-- @tparam Sequential model
function optimizer.restore(reader, model)
  local ok, reason = failure.caught(restored, reader, model)
  if not ok then
    warning.warn(("%s: what the optimizer remembers is left out: %s"):format(reader.path, reason))
  end
end

return optimizer
