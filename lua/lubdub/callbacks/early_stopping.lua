--- Stops when the monitored number has not improved for `patience` epochs.
-- Options, as in Keras: monitor ("val_loss"), min_delta (0), patience (0), verbose (0), mode ("auto"),
-- baseline (none), restore_best_weights (false), start_from_epoch (0). With restore_best_weights the weights of
-- the best epoch come back at the end of the training, whether it was stopped or not.
-- @module lubdub.callbacks.EarlyStopping
-- @usage lubdub.callbacks.EarlyStopping { monitor = "val_loss", patience = 50, restore_best_weights = true }
local monitor = require "lubdub.callbacks.monitor"
local progress = require "lubdub.progress"
local warning = require "lubdub.warning"

local EarlyStopping = require "lubdub.callbacks.class"("EarlyStopping", {
  monitor = "val_loss", min_delta = 0, patience = 0, verbose = 0, mode = "auto", baseline = false,
  restore_best_weights = false, start_from_epoch = 0,
})

function EarlyStopping:init()
  monitor.check(self)
  self.wait, self.stopped_epoch = 0, 0
end

function EarlyStopping:on_train_begin()
  monitor.begin(self)
  local from = self.resumed or {}
  self.wait, self.stopped_epoch = from.wait or 0, from.stopped_epoch or 0
  self.best, self.best_weights, self.best_epoch = from.best, from.best_weights, from.best_epoch or 0
  self.resumed = nil
end

function EarlyStopping:on_epoch_end(epoch, logs)
  local current = logs[self.monitor]
  if current == nil then
    warning.warn(("EarlyStopping: there is no '%s' to watch; available are: %s"):format(self.monitor,
      monitor.available(self, logs)), self)
    return
  end
  if epoch <= self.start_from_epoch then return end
  local keep = self.restore_best_weights
  if keep and not self.best_weights then
    self.best_weights, self.best_epoch = self.model:get_weights(), epoch
  end
  self.wait = self.wait + 1
  if monitor.improves(self, current, self.best) then
    self.best, self.best_epoch = current, epoch
    if keep then self.best_weights = self.model:get_weights() end
    if not self.baseline or monitor.improves(self, current, self.baseline) then self.wait = 0 end
  elseif self.wait >= self.patience and epoch > 1 then
    self.stopped_epoch = epoch
    self.model.stop_training = true
  end
end

function EarlyStopping:on_train_end()
  if self.stopped_epoch > 0 and self.verbose > 0 then
    progress.say(("Epoch %d: early stopping"):format(self.stopped_epoch))
  end
  if self.best_weights then
    if self.verbose > 0 then
      progress.say(("Restoring model weights from the end of the best epoch: %d."):format(self.best_epoch))
    end
    self.model:set_weights(self.best_weights)
  end
end

function EarlyStopping:state()
  return { wait = self.wait, stopped_epoch = self.stopped_epoch, best = self.best, best_epoch = self.best_epoch,
    best_weights = self.best_weights }
end

function EarlyStopping:restore(state) self.resumed = state end

return EarlyStopping
