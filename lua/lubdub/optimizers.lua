--- The optimizers: `lubdub.optimizers.Adam { learning_rate = 1e-4 }`, with Keras' names and defaults.
-- All take learning_rate (a number, one of `optimizers.schedules`, or a function of the number of steps done),
-- weight_decay, and one of clipnorm, clipvalue, global_clipnorm. `optimizer.learning_rate` is the rate of the last
-- step, and can be set where there is no schedule; `optimizer.schedule` is the schedule.
-- @module lubdub.optimizers
-- @usage model:compile { optimizer = lubdub.optimizers.SGD { momentum = 0.9 }, loss = "categorical_crossentropy" }
local core = require "lubdub.core"
local blame = require "lubdub.blame"

--- Adam (Kingma and Ba 2014), or AMSGrad.
-- @function Adam
-- @tparam ?table options learning_rate (0.001; a number, a schedule, or a function of the steps done), beta_1
-- (0.9), beta_2 (0.999), epsilon (1e-7), amsgrad (false), weight_decay (false), clipnorm (false), clipvalue
-- (false), global_clipnorm (false)
-- @treturn Optimizer
-- @usage lubdub.optimizers.Adam { learning_rate = 1e-4 }

--- Adam with weight decay of its own (Loshchilov and Hutter 2017).
-- @function AdamW
-- @tparam ?table options learning_rate (0.001), beta_1 (0.9), beta_2 (0.999), epsilon (1e-7), amsgrad (false),
-- weight_decay (0.004), clipnorm (false), clipvalue (false), global_clipnorm (false)
-- @treturn Optimizer
-- @usage lubdub.optimizers.AdamW { weight_decay = 0.01 }

--- Gradient descent, with momentum where wanted.
-- @function SGD
-- @tparam ?table options learning_rate (0.01), momentum (0), nesterov (false), weight_decay (false), clipnorm
-- (false), clipvalue (false), global_clipnorm (false)
-- @treturn Optimizer
-- @usage lubdub.optimizers.SGD { learning_rate = 0.1, momentum = 0.9 }

--- Steps divided by a running root of the mean square of the gradients.
-- @function RMSprop
-- @tparam ?table options learning_rate (0.001), rho (0.9), momentum (0), epsilon (1e-7), centered (false),
-- weight_decay (false), clipnorm (false), clipvalue (false), global_clipnorm (false)
-- @treturn Optimizer
-- @usage lubdub.optimizers.RMSprop()

local function is_schedule(value)
  local meta = getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

-- The rate for a number of steps done, checked.
local function rate_of(where, schedule, steps)
  local rate = schedule(steps)
  if type(rate) ~= "number" or rate ~= rate or rate < 0 or rate == math.huge then
    blame("%s: the schedule must give a learning rate of at least 0, got %s for step %d", where, tostring(rate), steps)
  end
  return rate
end

local optimizers, kinds = {}, {}
for kind, new in pairs(core.optimizers) do
  kinds[#kinds + 1] = kind
  optimizers[kind] = function(given)
    local schedule = type(given) == "table" and given.learning_rate
    local numbers = given
    if is_schedule(schedule) then
      numbers = {}
      for name, value in pairs(given) do numbers[name] = value end
      numbers.learning_rate = rate_of(kind, schedule, 0)
    end
    local ok, optimizer = pcall(new, numbers)
    if not ok then blame(optimizer) end
    if numbers ~= given then optimizer:set_schedule(schedule, numbers.learning_rate) end
    return optimizer
  end
end
table.sort(kinds)

--- Sets the learning rate of the next step from the optimizer's schedule, if it has one. fit calls it each time.
-- @param optimizer
-- @tparam integer steps how many are done
local function follow_schedule(optimizer, steps)
  local schedule = optimizer.schedule
  if schedule then optimizer:set_schedule(schedule, rate_of(optimizer.kind, schedule, steps)) end
end

local function names()
  local list = {}
  for i, kind in ipairs(kinds) do list[i] = kind:lower() end
  return table.concat(list, ", ")
end

--- What `compile` understands as an optimizer: an optimizer itself, or the name of one with its defaults.
-- @tparam string where the asking function's name, for the message
-- @param which "adam", "sgd", ... (in any case), or an optimizer
-- @return the optimizer
local function get(where, which)
  if type(which) == "userdata" and (getmetatable(which) or {}).__name == "lubdub.Optimizer" then return which end
  if type(which) == "string" then
    for _, kind in ipairs(kinds) do
      if kind:lower() == which:lower() then return optimizers[kind] {} end
    end
  end
  local got = type(which) == "string" and "'" .. which .. "'" or type(which)
  blame("%s: optimizer must be one of %s, or an optimizer such as optimizers.Adam { }, got %s", where, names(), got)
end

optimizers.schedules = require "lubdub.schedules"

return setmetatable(optimizers, {
  __tostring = function() return "optimizers: " .. names() end,
  __index = function(_, name)
    if name == "get" then return get end
    if name == "follow_schedule" then return follow_schedule end
    error(("optimizers: there is no '%s'; there are %s"):format(tostring(name), table.concat(kinds, ", ")), 2)
  end,
})
