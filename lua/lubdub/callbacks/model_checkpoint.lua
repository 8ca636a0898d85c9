--- Saves the model after every epoch, or only after those that improved the monitored number.
-- Options, as in Keras: path (may stand alone; ends in .keras or .h5; has fields such as {epoch:02d} and {val_loss:.2f}
-- with Python's formats, epochs and batches from 1), monitor ("val_loss"), verbose (0), save_best_only (false),
-- save_weights_only (false; then path ends in .weights.h5), mode ("auto"), save_freq ("epoch", or a number of batches),
-- initial_value_threshold (none).
-- Folders are made where they are missing. When a file cannot be written, the training ends with an error that
-- names it; the model stays as it is.
-- @module lubdub.callbacks.ModelCheckpoint
-- @usage lubdub.callbacks.ModelCheckpoint { path = "best.h5", save_best_only = true }
local blame = require "lubdub.blame"
local folders = require "lubdub.callbacks.folders"
local format = require "lubdub.callbacks.format"
local monitor = require "lubdub.callbacks.monitor"
local options = require "lubdub.options"
local progress = require "lubdub.progress"
local warning = require "lubdub.warning"

local ModelCheckpoint = require "lubdub.callbacks.class"("ModelCheckpoint", {
  path = options.none, monitor = "val_loss", verbose = 0, save_best_only = false, save_weights_only = false,
  mode = "auto", save_freq = "epoch", initial_value_threshold = false,
}, "path")

function ModelCheckpoint:init()
  monitor.check(self)
  if type(self.path) ~= "string" then blame("ModelCheckpoint: path must be a file name, got %s", type(self.path)) end
  if self.save_weights_only and not self.path:find "%.weights%.h5$" then
    blame("ModelCheckpoint: path must end in .weights.h5 where save_weights_only is set, got '%s'", self.path)
  end
  local whole = self.path:find "%.keras$" or self.path:find "%.h5$" and not self.path:find "%.weights%.h5$"
  if not self.save_weights_only and not whole then
    blame("ModelCheckpoint: path must end in .keras or .h5, got '%s'", self.path)
  end
  if self.save_freq ~= "epoch" and (math.type(self.save_freq) ~= "integer" or self.save_freq < 1) then
    blame("ModelCheckpoint: save_freq must be \"epoch\" or a whole number of batches, got %s",
      tostring(self.save_freq))
  end
  self.best = self.initial_value_threshold or nil
  self.batches_seen = 0
end

function ModelCheckpoint:on_train_begin()
  if self.save_best_only then monitor.begin(self) end
  local from = self.resumed
  if from then self.best, self.batches_seen, self.resumed = from.best, from.batches_seen, nil end
end

local function say(self, text, ...)
  if self.verbose > 0 then progress.say(text:format(...)) end
end

local function value_text(value) return value and format("{x:.5f}", { x = value }) or "None" end

-- Whether to save now; a new best is remembered.
local function wanted(self, epoch, logs, path)
  if not self.save_best_only then
    say(self, "Epoch %d: saving model to %s", epoch, path)
    return true
  end
  local current = logs[self.monitor]
  if current == nil then
    warning.warn(("ModelCheckpoint: there is no '%s' to choose the best model by; every one is saved; available "
      .. "are: %s"):format(self.monitor, monitor.available(self, logs)), self)
    return true
  end
  if not monitor.improves(self, current, self.best) then
    say(self, "Epoch %d: %s did not improve from %s", epoch, self.monitor, value_text(self.best))
    return false
  end
  say(self, "Epoch %d: %s improved from %s to %s, saving model to %s", epoch, self.monitor, value_text(self.best),
    value_text(current), path)
  return true, current
end

local function save(self, epoch, batch, logs)
  local values = { epoch = epoch, batch = batch }
  for name, value in pairs(logs) do values[name] = value end
  local path, reason = format(self.path, values)
  if not path then error(("ModelCheckpoint: cannot fill the path '%s': %s"):format(self.path, reason), 0) end
  local now, best = wanted(self, epoch, logs, path)
  if not now then return end
  local ok
  ok, reason = folders.make_for(path)
  if ok then
    local how = self.save_weights_only and self.model.save_weights or self.model.save
    ok, reason = how(self.model, path)
  end
  if not ok then error(("ModelCheckpoint: %s"):format(reason), 0) end
  self.best = best or self.best
  say(self, "Epoch %d: finished saving model to %s", epoch, path)
end

function ModelCheckpoint:on_epoch_begin(epoch) self.epoch = epoch end

function ModelCheckpoint:on_train_batch_end(batch, logs)
  if self.save_freq == "epoch" then return end
  self.batches_seen = self.batches_seen + 1
  if self.batches_seen >= self.save_freq then
    self.batches_seen = 0
    save(self, self.epoch, batch, logs)
  end
end

function ModelCheckpoint:on_epoch_end(epoch, logs)
  if self.save_freq == "epoch" then save(self, epoch, nil, logs) end
end

function ModelCheckpoint:state() return { best = self.best, batches_seen = self.batches_seen } end

function ModelCheckpoint:restore(state) self.resumed = state end

return ModelCheckpoint
