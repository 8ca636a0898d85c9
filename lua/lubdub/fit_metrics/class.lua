--- What every metric of a training is: state that batches are added to, as in Keras.
--
--    local auc = lubdub.metrics.AUC { curve = "PR" }
--    auc:update_state(y_true, y_pred, sample_weight)     -- as often as there are batches
--    print(auc:result())
--    auc:reset_state()
--
-- `auc(y_true, y_pred, sample_weight)` adds a batch and gives the result. compile takes such an object, or its name.
-- @module lubdub.fit_metrics.class
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local options = require "lubdub.options"

-- Raises unless targets have the shape of the outputs.
local function check_targets(name, y, p)
  local expected, got = p:shape(), y:shape()
  local same = #expected == #got
  for i, size in ipairs(expected) do same = same and got[i] == size end
  if not same then
    blame("%s: targets must be like the outputs, %s, got %s%s", name, check.shape_text(expected), check.shape_text(got),
      #got < #expected and "; lubdub.to_categorical makes them of class numbers" or "")
  end
end

--- Makes a class of metrics.
-- @tparam string kind Keras' class name
-- @tparam table description name (in logs); direction ("up": more is better, or "down"); options (name = default);
-- like_outputs (true: targets must have the outputs' shape); check(options) raises on wrong ones; start(self) clears
-- the state; add(self, y, p, w) adds a batch; value(self)
-- @treturn function the constructor
return function(kind, description)
  local Metric = { __name = "lubdub.Metric", kind = kind, direction = description.direction }
  Metric.__index = Metric
  local defaults = { name = description.name }
  for name, default in pairs(description.options or {}) do defaults[name] = default end

  --- Forgets all batches.
  function Metric:reset_state() description.start(self) end

  --- Adds a batch: targets, outputs and, or nil, sample weights.
  function Metric:update_state(y_true, y_pred, sample_weight)
    if description.like_outputs then check_targets(self.name, y_true, y_pred) end
    description.add(self, y_true, y_pred, sample_weight)
  end

  --- The metric over all batches since the last reset.
  function Metric:result() return description.value(self) end

  function Metric:__call(y_true, y_pred, sample_weight)
    self:update_state(y_true, y_pred, sample_weight)
    return self:result()
  end

  --- Every option with its value, and the name.
  function Metric:config()
    local config = {}
    for name in pairs(defaults) do config[name] = self.options[name] end
    return config
  end

  --- The same metric without the batches.
  function Metric:fresh()
    local other = setmetatable({ options = self.options, name = self.name }, Metric)
    other:reset_state()
    return other
  end

  function Metric:__tostring()
    local parts = {}
    for name, default in pairs(defaults) do
      local value = self.options[name]
      if value ~= default then
        if type(value) == "string" then value = '"' .. value .. '"' end
        if type(value) == "table" then value = "{" .. table.concat(value, ", ") .. "}" end
        parts[#parts + 1] = ("%s = %s"):format(name, tostring(value))
      end
    end
    table.sort(parts)
    return ("%s(%s)"):format(kind, table.concat(parts, ", "))
  end

  return function(given)
    local o = options.read(kind, given, defaults)
    if type(o.name) ~= "string" or o.name == "" then blame("%s: name must be a string", kind) end
    local self = setmetatable({ options = o, name = o.name }, Metric)
    if description.check then description.check(o) end
    self:reset_state()
    return self
  end
end
