--- Learning rates that change while training:
-- `optimizers.Adam { learning_rate = optimizers.schedules.CosineDecay { ... } }`.
-- A schedule is called with the number of steps done so far (0 before the first) and gives the rate of the next one.
-- Names, options and numbers are Keras'. A function of that number can stand in its place.
-- @module lubdub.optimizers.schedules
-- @usage
-- lubdub.optimizers.Adam { learning_rate = lubdub.optimizers.schedules.CosineDecay {
--   initial_learning_rate = 1e-3, decay_steps = 1000 } }
local blame = require "lubdub.blame"
local options = require "lubdub.options"

local schedules = {}

local function number(kind, name, value, least)
  if type(value) ~= "number" or value ~= value or least and value < least then
    blame("%s: %s must be a number%s, got %s", kind, name, least and " of at least " .. least or "", tostring(value))
  end
end

local function positive(kind, name, value)
  number(kind, name, value)
  if value <= 0 then blame("%s: %s must be above 0, got %s", kind, name, tostring(value)) end
end

-- A class of schedules: its options in the order in which they print; check(self) raises; rate(self, step).
local function class(kind, order, defaults, check, rate)
  local Schedule = { __name = "lubdub.Schedule" }
  Schedule.__index = Schedule
  Schedule.kind = kind
  Schedule.__call = rate

  --- Every option with its value.
  function Schedule:config()
    local config = {}
    for _, name in ipairs(order) do config[name] = self[name] end
    return config
  end

  function Schedule:__tostring()
    local parts = {}
    for _, name in ipairs(order) do
      local value = self[name]
      if type(value) == "table" then value = "{" .. table.concat(value, ", ") .. "}" end
      if value ~= defaults[name] then parts[#parts + 1] = ("%s = %s"):format(name, tostring(value)) end
    end
    return ("%s(%s)"):format(kind, table.concat(parts, ", "))
  end

  schedules[kind] = function(given)
    local self = options.read(kind, given, defaults)
    for _, name in ipairs(order) do
      if self[name] == nil then blame("%s: option '%s' is missing", kind, name) end
    end
    check(self)
    return setmetatable(self, Schedule)
  end
end

--- initial_learning_rate * decay_rate ^ (step / decay_steps); with staircase = true the exponent is rounded down.
-- @function ExponentialDecay
class("ExponentialDecay", { "initial_learning_rate", "decay_steps", "decay_rate", "staircase" },
  { initial_learning_rate = options.none, decay_steps = options.none, decay_rate = options.none, staircase = false },
  function(self)
    number("ExponentialDecay", "initial_learning_rate", self.initial_learning_rate, 0)
    number("ExponentialDecay", "decay_rate", self.decay_rate, 0)
    positive("ExponentialDecay", "decay_steps", self.decay_steps)
  end,
  function(self, step)
    local passed = step / self.decay_steps
    if self.staircase then passed = math.floor(passed) end
    return self.initial_learning_rate * self.decay_rate ^ passed
  end)

--- Half a cosine from initial_learning_rate down to its share alpha (0) over decay_steps. With warmup_target the rate
-- first rises in a line from initial_learning_rate to it over warmup_steps, and decays from there.
-- @function CosineDecay
class("CosineDecay", { "initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps" },
  { initial_learning_rate = options.none, decay_steps = options.none, alpha = 0.0, warmup_target = false,
    warmup_steps = 0 },
  function(self)
    number("CosineDecay", "initial_learning_rate", self.initial_learning_rate, 0)
    positive("CosineDecay", "decay_steps", self.decay_steps)
    number("CosineDecay", "alpha", self.alpha)
    number("CosineDecay", "warmup_steps", self.warmup_steps, 0)
    if self.warmup_target then number("CosineDecay", "warmup_target", self.warmup_target, 0) end
  end,
  function(self, step)
    local from = self.initial_learning_rate
    if self.warmup_target then
      if step < self.warmup_steps then return from + (self.warmup_target - from) * step / self.warmup_steps end
      from, step = self.warmup_target, step - self.warmup_steps
    end
    local cosine = 0.5 * (1 + math.cos(math.pi * math.min(step, self.decay_steps) / self.decay_steps))
    return from * ((1 - self.alpha) * cosine + self.alpha)
  end)

--- values[1] for steps up to boundaries[1], values[2] up to boundaries[2], ..., the last value behind the last one.
-- @function PiecewiseConstantDecay
class("PiecewiseConstantDecay", { "boundaries", "values" }, { boundaries = options.none, values = options.none },
  function(self)
    local kind = "PiecewiseConstantDecay"
    for _, name in ipairs { "boundaries", "values" } do
      if type(self[name]) ~= "table" then blame("%s: %s must be a list, got %s", kind, name, type(self[name])) end
      for _, value in ipairs(self[name]) do number(kind, "each of " .. name, value) end
    end
    if #self.values ~= #self.boundaries + 1 then
      blame("%s: values must be one more than boundaries, got %d and %d", kind, #self.values, #self.boundaries)
    end
    for i = 2, #self.boundaries do
      if self.boundaries[i] <= self.boundaries[i - 1] then blame("%s: boundaries must rise", kind) end
    end
  end,
  function(self, step)
    for i, boundary in ipairs(self.boundaries) do
      if step <= boundary then return self.values[i] end
    end
    return self.values[#self.values]
  end)

return schedules
