--- Models in Keras' HDF5 files: what `model:save "heartbeat.h5"` writes opens in Keras, and what Keras
-- saved opens here. Labels and preprocessing travel in an attribute of their own, which Keras ignores.
-- @module lubdub.keras
local keras = {}

local function check_path(where, path)
  if type(path) ~= "string" then error(("%s: path must be a string, got %s"):format(where, type(path)), 3) end
end

--- Writes a model, whole or not at all: beside the file under `path`.part, then renamed.
-- Layers, weights, loss, metrics and optimizer are Keras' (the optimizer's own state is not written); `model.labels`
-- and `model.preprocessing` go into the attribute `lubdub`. Keras opens the file if its name ends in .h5.
-- @tparam Sequential model
-- @tparam string path
-- @treturn[1] boolean true
-- @return[2] nil
-- @treturn[2] string "path: reason"
-- @raise on a model that Keras' layout cannot hold
function keras.save(model, path)
  check_path("keras.save", path)
  if path:find "%.keras$" then
    error(("keras.save: %s: only Keras' HDF5 files are written; let the name end in .h5"):format(path), 2)
  end
  return require "lubdub.keras.save"(model, path)
end

--- Reads a model that Keras 3, tf.keras, Keras 2 or lubdub saved as HDF5. It predicts what it predicted there;
-- it is compiled if it was and lubdub has its loss and optimizer (a warning says why not).
-- @tparam string path
-- @treturn[1] Sequential
-- @return[2] nil
-- @treturn[2] string "path: reason"; layers that lubdub lacks are listed all at once
-- @usage local model = assert(lubdub.load_model "heartbeat.h5")
function keras.load_model(path)
  check_path("load_model", path)
  return require "lubdub.keras.load"(path)
end

return keras
