--- Ends the training when the loss is NaN or infinite. Option, as in Keras: raise_error (false).
-- @module lubdub.callbacks.TerminateOnNaN
-- @usage lubdub.callbacks.TerminateOnNaN()
local progress = require "lubdub.progress"

local TerminateOnNaN = require "lubdub.callbacks.class"("TerminateOnNaN", { raise_error = false })

function TerminateOnNaN:on_train_batch_end(batch, logs)
  local loss = logs.loss
  if not loss or loss - loss == 0 then return end
  if self.raise_error then
    error(("TerminateOnNaN: the loss of batch %d is %s"):format(batch, tostring(loss)), 0)
  end
  progress.say(("Batch %d: Invalid loss, terminating training"):format(batch))
  self.model.stop_training = true
end

return TerminateOnNaN
