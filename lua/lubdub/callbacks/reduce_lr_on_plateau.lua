--- Multiplies the learning rate by `factor` when the monitored number has not improved for `patience` epochs.
-- Options, as in Keras: monitor ("val_loss"), factor (0.1), patience (10), verbose (0), mode ("auto"),
-- min_delta (1e-4), cooldown (0), min_lr (0). The rate of each epoch is added to the logs as learning_rate.
-- @module lubdub.callbacks.ReduceLROnPlateau
-- @usage lubdub.callbacks.ReduceLROnPlateau { factor = 0.5, patience = 10 }
local blame = require "lubdub.blame"
local monitor = require "lubdub.callbacks.monitor"
local number = require "lubdub.callbacks.number"
local progress = require "lubdub.progress"
local warning = require "lubdub.warning"

local ReduceLROnPlateau = require "lubdub.callbacks.class"("ReduceLROnPlateau", {
  monitor = "val_loss", factor = 0.1, patience = 10, verbose = 0, mode = "auto", min_delta = 1e-4, cooldown = 0,
  min_lr = 0.0,
})

function ReduceLROnPlateau:init()
  monitor.check(self)
  if type(self.factor) ~= "number" or self.factor >= 1 then
    blame("ReduceLROnPlateau: factor must be below 1, got %s", tostring(self.factor))
  end
  self.wait, self.cooldown_counter = 0, 0
end

function ReduceLROnPlateau:on_train_begin()
  monitor.begin(self)
  local from = self.resumed or {}
  self.best, self.wait, self.cooldown_counter = from.best, from.wait or 0, from.cooldown_counter or 0
  self.resumed = nil
end

function ReduceLROnPlateau:reduce(epoch)
  local optimizer = self.model.optimizer
  local old = optimizer.learning_rate
  if old <= number.float32(self.min_lr) then return false end
  local new = math.max(old * self.factor, self.min_lr)
  optimizer.learning_rate = new
  if self.verbose > 0 then
    progress.say(("Epoch %d: ReduceLROnPlateau reducing learning rate to %s."):format(epoch, number.repr(new)))
  end
  return true
end

function ReduceLROnPlateau:on_epoch_end(epoch, logs)
  logs.learning_rate = self.model.optimizer.learning_rate
  local current = logs[self.monitor]
  if current == nil then
    warning.warn(("ReduceLROnPlateau: there is no '%s' to watch; available are: %s"):format(self.monitor,
      monitor.available(self, logs)), self)
    return
  end
  if self.cooldown_counter > 0 then
    self.cooldown_counter = self.cooldown_counter - 1
    self.wait = 0
  end
  if monitor.improves(self, current, self.best) then
    self.best, self.wait = current, 0
  elseif self.cooldown_counter <= 0 then
    self.wait = self.wait + 1
    if self.wait >= self.patience and self:reduce(epoch) then
      self.cooldown_counter, self.wait = self.cooldown, 0
    end
  end
end

function ReduceLROnPlateau:state()
  return { best = self.best, wait = self.wait, cooldown_counter = self.cooldown_counter }
end

function ReduceLROnPlateau:restore(state) self.resumed = state end

return ReduceLROnPlateau
