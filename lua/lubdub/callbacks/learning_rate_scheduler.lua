--- Sets the learning rate at the beginning of every epoch to `schedule(epoch, rate)`, epochs from 1.
-- Options: schedule (a function, which may also stand alone), verbose (0). The rate is added to the logs.
-- @module lubdub.callbacks.LearningRateScheduler
-- @usage lubdub.callbacks.LearningRateScheduler(function(epoch, rate) return epoch < 10 and rate or rate * 0.9 end)
local blame = require "lubdub.blame"
local number = require "lubdub.callbacks.number"
local options = require "lubdub.options"
local progress = require "lubdub.progress"

local LearningRateScheduler = require "lubdub.callbacks.class"("LearningRateScheduler",
  { schedule = options.none, verbose = 0 }, "schedule")

function LearningRateScheduler:init()
  if type(self.schedule) ~= "function" then
    blame("LearningRateScheduler: schedule must be a function of (epoch, learning_rate), got %s",
      type(self.schedule))
  end
end

function LearningRateScheduler:on_epoch_begin(epoch)
  local optimizer = self.model.optimizer
  local rate = self.schedule(epoch, optimizer.learning_rate)
  if type(rate) ~= "number" then
    blame("LearningRateScheduler: schedule must return a number, got %s for epoch %d", type(rate), epoch)
  end
  optimizer.learning_rate = rate
  if self.verbose > 0 then
    progress.say(("Epoch %d: LearningRateScheduler setting learning rate to %s."):format(epoch,
      number.repr(rate + 0.0)))
  end
end

function LearningRateScheduler:on_epoch_end(_, logs) logs.learning_rate = self.model.optimizer.learning_rate end

return LearningRateScheduler
