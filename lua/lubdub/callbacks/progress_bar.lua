--- What fit shows by default: a line per epoch; on a terminal also a bar while the epoch runs, with the
-- time left for the whole training. fit { verbose = 0 } is quiet, verbose = 2 leaves the bar out.
-- @module lubdub.callbacks.ProgressBar
-- @usage model:fit(x, y, { epochs = 2, callbacks = { lubdub.callbacks.ProgressBar() } })
local clock = require("lubdub.core").clock
local history = require "lubdub.history"
local progress = require "lubdub.progress"

local ProgressBar = require "lubdub.callbacks.class"("ProgressBar", {})

local function values_text(self, logs)
  local parts = {}
  for i, name in ipairs(history.names(logs, self.model.metrics)) do
    parts[i] = ("%s: %s"):format(name, history.value_text(logs[name]))
  end
  return table.concat(parts, " - ")
end

function ProgressBar:on_train_begin()
  self.start, self.done = clock(), 0
end

function ProgressBar:on_epoch_begin(epoch)
  local last = ("%d"):format(self.params.epochs)
  self.label = ("Epoch %" .. #last .. "d/%s"):format(epoch, last)
  self.epoch, self.epoch_start = epoch, clock()
  if self.params.verbose ~= 2 then
    self.bar = progress.bar { label = self.label, total = self.params.steps or false }
  end
end

function ProgressBar:on_train_batch_end(batch, logs)
  if not self.bar or not progress.on_terminal() then return end
  local steps = self.params.steps
  local left
  if steps then
    local epochs = self.done + math.min(batch / steps, 1)
    left = (clock() - self.start) / epochs * (self.params.epochs - self.epoch + 1 - math.min(batch / steps, 1))
  end
  self.bar:update(batch, values_text(self, logs), left)
end

function ProgressBar:on_epoch_end(_, logs)
  self.done = self.done + 1
  progress.say(("%s - %s - %s"):format(self.label, progress.duration(clock() - self.epoch_start),
    values_text(self, logs)))
end

function ProgressBar:on_train_end()
  progress.say(("%d epoch%s in %s"):format(self.done, self.done == 1 and "" or "s",
    progress.duration(clock() - self.start)))
end

function ProgressBar:on_train_interrupt()
  if self.bar then self.bar:clear() end
end

return ProgressBar
