--- A callback from functions: LambdaCallback { on_epoch_end = function(epoch, logs) ... end }.
-- The functions get no self. `state` and `restore` are for BackupAndRestore (lubdub.callbacks.class).
-- @module lubdub.callbacks.LambdaCallback
-- @usage lubdub.callbacks.LambdaCallback { on_epoch_end = function(epoch, logs) print(epoch, logs.loss) end }
local blame = require "lubdub.blame"
local options = require "lubdub.options"

local events = {}
for _, event in ipairs { "on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end", "on_train_batch_begin",
  "on_train_batch_end", "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
  "on_train_interrupt", "state", "restore" } do
  events[event] = options.none
end

local LambdaCallback = require "lubdub.callbacks.class"("LambdaCallback", events)

function LambdaCallback:init()
  for event in pairs(events) do
    local call = rawget(self, event)
    if call ~= nil then
      if type(call) ~= "function" then blame("LambdaCallback: %s must be a function, got %s", event, type(call)) end
      self[event] = function(_, ...) return call(...) end
    end
  end
end

return LambdaCallback
