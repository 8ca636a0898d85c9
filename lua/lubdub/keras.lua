--- Models in Keras' files: what `model:save "heartbeat.h5"` writes opens in Keras, and what Keras
-- saved opens here. Labels and preprocessing travel in an attribute of their own, which Keras ignores.
-- @module lubdub.keras
local blame = require "lubdub.blame"
local options = require "lubdub.options"

local keras = {}

local function check_path(where, path)
  if type(path) ~= "string" then blame("%s: path must be a string, got %s", where, type(path)) end
end

local function check_boolean(where, name, value)
  if value ~= nil and type(value) ~= "boolean" then
    blame("%s: option '%s' must be true or false, got %s", where, name, type(value))
  end
end

--- Writes a model, whole or not at all: beside the file under `path`.part, then renamed.
-- Layers, weights, loss, metrics and optimizer are Keras'; `model.labels` and `model.preprocessing` go where Keras does
-- not look. A name that ends in .keras gets Keras 3's archive, with what the optimizer remembers, so that
-- Keras trains on; any other one Keras' HDF5 layout, which should end in .h5.
-- @tparam Sequential model
-- @tparam string path
-- @tparam ?table given optimizer: whether what the optimizer remembers is written (default: in .keras files only; Keras
-- 3 cannot train on with an .h5 file that has it; tf.keras 2 can)
-- @treturn[1] boolean true
-- @return[2] nil
-- @treturn[2] string "path: reason"
-- @raise on a model that Keras' files cannot hold
function keras.save(model, path, given)
  check_path("keras.save", path)
  local o = options.read("save", given, { optimizer = options.none })
  check_boolean("save", "optimizer", o.optimizer)
  return require("lubdub.keras.save").model(model, path, o.optimizer)
end

--- Reads a model that Keras 3, tf.keras, Keras 2 or lubdub saved as .h5 or .keras. It predicts what it predicted there;
-- it is compiled if it was and lubdub has its loss and optimizer (a warning says why not), and trains on
-- from where it was if the file has what the optimizer remembers.
-- @tparam string path
-- @tparam ?table given compile (true): whether it is compiled
-- @treturn[1] Sequential
-- @return[2] nil
-- @treturn[2] string "path: reason"; layers that lubdub lacks are listed all at once
-- @usage local model = assert(lubdub.load_model "heartbeat.h5")
function keras.load_model(path, given)
  check_path("load_model", path)
  local o = options.read("load_model", given, { compile = true })
  check_boolean("load_model", "compile", o.compile)
  return require "lubdub.keras.load"(path, o.compile)
end

--- Writes a built model's weights alone: a name that ends in .weights.h5 gets Keras 3's layout, with what the optimizer
-- remembers; another one that ends in .h5 that of Keras 2.
-- @tparam Sequential model
-- @tparam string path
-- @return true, or nil and "path: reason"
function keras.save_weights(model, path)
  check_path("save_weights", path)
  if not path:find "%.h5$" and not path:find "%.hdf5$" then
    blame("save_weights: path must end in .weights.h5 (Keras 3) or .h5 (Keras 2), got '%s'", path)
  end
  return require("lubdub.keras.weights").save(model, path)
end

--- Reads the weights of a model's layers from any file that Keras or lubdub wrote, also from one whose model lubdub
-- cannot make. A file that does not fit is an error, and then nothing is changed.
-- @tparam Sequential model built
-- @tparam string path
-- @tparam ?table given by_name (false): layers of the same name, in any order, and others are left as they are;
-- skip_mismatch (false): so are layers whose shapes differ. Without by_name, layers with weights go by their order.
-- @treturn[1] table the names of the layers whose weights were read
-- @return[2] nil
-- @treturn[2] string "path: reason"
function keras.load_weights(model, path, given)
  check_path("load_weights", path)
  local o = options.read("load_weights", given, { by_name = false, skip_mismatch = false })
  check_boolean("load_weights", "by_name", o.by_name)
  check_boolean("load_weights", "skip_mismatch", o.skip_mismatch)
  return require("lubdub.keras.weights").load(model, path, o)
end

--- What a file holds, without making a model: format, writer, layers, shapes, training settings, labels, ... It prints
-- itself.
-- @tparam string path of a .h5, .keras or .weights.h5 file
-- @treturn[1] Inspection
-- @return[2] nil
-- @treturn[2] string "path: reason"
-- @usage
-- print(lubdub.inspect "heartbeat.h5")
function keras.inspect(path)
  check_path("inspect", path)
  return require "lubdub.keras.inspect"(path)
end

return keras
