--- What every callback is: a table with some of the methods that fit calls. A callback of one's own can be a
-- plain table with the same methods.
--
-- fit calls set_params(params) and set_model(model), then on_train_begin(), on_epoch_begin(epoch),
-- on_train_batch_begin(batch), on_train_batch_end(batch, logs), on_test_begin(), on_test_batch_begin(batch),
-- on_test_batch_end(batch, logs), on_test_end(logs), on_epoch_end(epoch, logs), on_train_end(logs); and, when an
-- error or Ctrl-C ended the training, on_train_interrupt(). predict calls on_predict_begin(),
-- on_predict_batch_begin(batch), on_predict_batch_end(batch, { outputs = }), on_predict_end(). Epochs and batches count
-- from 1. `logs` is a table name = number; what on_epoch_end adds to it reaches the callbacks behind and the history.
-- A callback that remembers something from epoch to epoch has state() and restore(state), so that BackupAndRestore can
-- let a training go on: state() gives a table of numbers, strings, booleans, tensors and tables of them, and is called
-- behind on_train_begin and behind every on_epoch_end; restore() is given such a table before on_train_begin of the
-- training that goes on.
-- @module lubdub.callbacks.class
local options = require "lubdub.options"

--- Makes a class of callbacks.
-- @tparam string name
-- @tparam table defaults its options; each becomes a field of the same name
-- @tparam ?string first the option that stands for a lone argument: CSVLogger "log.csv"
-- @treturn table the class; call it with a table of options
return function(name, defaults, first)
  local class = { __name = "lubdub.callbacks." .. name, kind = name }
  class.__index = class

  function class.set_params(self, params) self.params = params end

  function class.set_model(self, model) self.model = model end

  function class.__tostring(self)
    local names, parts = {}, {}
    for option in pairs(defaults) do names[#names + 1] = option end
    table.sort(names)
    for _, option in ipairs(names) do
      local value = rawget(self, option)
      if value ~= nil and value ~= defaults[option] then
        parts[#parts + 1] = ("%s = %s"):format(option, type(value) == "string" and '"' .. value .. '"'
          or tostring(value))
      end
    end
    return name .. "(" .. table.concat(parts, ", ") .. ")"
  end

  return setmetatable(class, {
    __call = function(_, given)
      if first and given ~= nil and (type(given) ~= "table" or getmetatable(given)) then
        given = { [first] = given }
      end
      local self = setmetatable(options.read(name, given, defaults), class)
      if type(self.verbose) == "boolean" then self.verbose = self.verbose and 1 or 0 end
      if self.init then self:init() end
      return self
    end,
    __tostring = function() return "callback class " .. name end,
  })
end
