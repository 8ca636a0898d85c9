--- Watching one number of the logs: which way is better, and whether a value is an improvement.
-- @module lubdub.callbacks.monitor
local blame = require "lubdub.blame"
local fit_metrics = require "lubdub.fit_metrics"
local float32 = require("lubdub.callbacks.number").float32

local monitor = {}

--- Checks the options that monitoring callbacks share.
function monitor.check(self)
  local mode = self.mode
  if mode ~= "auto" and mode ~= "min" and mode ~= "max" then
    blame("%s: mode must be \"auto\", \"min\" or \"max\", got %s", self.kind, tostring(mode))
  end
  if type(self.monitor) ~= "string" then
    blame("%s: monitor must be a name such as \"val_loss\", got %s", self.kind, type(self.monitor))
  end
  for _, name in ipairs { "patience", "min_delta", "start_from_epoch", "cooldown", "min_lr", "baseline",
    "initial_value_threshold", "verbose" } do
    local value = self[name]
    if value and type(value) ~= "number" then
      blame("%s: %s must be a number, got %s", self.kind, name, type(value))
    end
  end
end

--- Finds the direction: 1 where more is better, -1 where less is.
-- @raise in mode "auto" for a name whose direction is not known
function monitor.begin(self)
  if self.mode ~= "auto" then
    self.direction = self.mode == "max" and 1 or -1
    return
  end
  local name = self.monitor:gsub("^val_", "")
  local direction = fit_metrics.direction(self.model and self.model.metric_list, name)
  if direction then self.direction = direction == "up" and 1 or -1 end
  if name == "loss" then self.direction = -1 end
  if not self.direction then
    blame("%s: whether more or less of monitor = \"%s\" is better is not known; pass mode = \"max\" or "
      .. "mode = \"min\" (the model's metrics are: loss%s)", self.kind, self.monitor,
      table.concat({ "", table.unpack(self.model and self.model.metrics or {}) }, ", "))
  end
end

--- Whether `value` is better than `reference` by more than min_delta. Anything is better than nil.
function monitor.improves(self, value, reference)
  if reference == nil then return true end
  local direction = self.direction
  local changed = float32(value - direction * math.abs(self.min_delta or 0))
  if direction > 0 then return changed > float32(reference) end
  return changed < float32(reference)
end

--- The names in the logs, for messages.
function monitor.available(self, logs)
  return table.concat(require("lubdub.history").names(logs, self.model and self.model.metrics), ",")
end

return monitor
