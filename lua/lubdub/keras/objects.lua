--- Small objects in Keras' JSON: initializers, regularizers, constraints, schedules, losses and metrics.
-- read_X takes what a file holds and gives ours, or nil and what is not known; write_X gives JSON.
-- @module lubdub.keras.objects
local core = require "lubdub.core"
local json = require "lubdub.keras.json"
local snake_case = require "lubdub.snake_case"

local objects = {}

--- Adds what Keras 3's own files say of every object: the module where its class is found.
function objects.modern(module, object)
  json.add(object, "module", module)
  json.add(object, "registered_name", json.null)
  return object
end

-- The options of `config` that we have, with `false` for null, in a new table; and one that we lack and that is set.
local function known_options(config, ours)
  local options, lost = {}, nil
  for key, value in pairs(config) do
    if ours[key] ~= nil then options[key] = value
    elseif value and value ~= 0 and key ~= "name" and key ~= "dtype" and key ~= "reduction" and key ~= "fn" then
      lost = lost or key
    end
  end
  return options, lost
end

-- { class_name =, config = } with sorted options, seeds last.
local function object_json(class, options)
  local names, config = {}, json.object()
  for name in pairs(options) do names[#names + 1] = type(name) == "string" and name ~= "seed" and name or nil end
  table.sort(names)
  if options.seed ~= nil then names[#names + 1] = "seed" end
  for _, name in ipairs(names) do
    local value = options[name]
    json.add(config, name, value == false and json.null or value)
  end
  return json.object("class_name", class, "config", config)
end

-- === what layers take: a name, or { name, option = value } ===

-- Names in files that are not the class' own.
local other_names = { OrthogonalInitializer = "Orthogonal", normal = "RandomNormal", uniform = "RandomUniform",
  zero = "Zeros", one = "Ones" }

local function class_of(kinds, name)
  name = other_names[name] or name
  if kinds[name] then return name, kinds[name] end
  for class, kind in pairs(kinds) do
    if kind.name == name then return class, kind end
  end
end

--- An axis, or a list of them, counted from elsewhere: ours are counted from 1, Keras' from 0; negative ones are the
-- same.
-- @param value what is neither comes back as it is
-- @tparam integer step 1: from Keras' to ours; -1: the other way
function objects.move_axes(value, step)
  if type(value) ~= "table" then return type(value) == "number" and value >= 0 and value + step or value end
  local list = {}
  for i, axis in ipairs(value) do list[i] = objects.move_axes(axis, step) end
  return list
end

local function read_object(kinds, given)
  if type(given) == "string" then given = { class_name = given } end
  if type(given) ~= "table" then return nil, tostring(given) end
  local _, kind = class_of(kinds, given.class_name)
  if not kind then return nil, given.class_name end
  local config = type(given.config) == "table" and given.config or {}
  local all, options = kind.new {}, {}
  for name, value in pairs(config) do
    -- null stands only for a missing seed; a generator of seeds has no number
    if type(name) == "string" and all[name] ~= nil and (name ~= "seed" or math.type(value) == "integer") then
      options[name] = name == "axis" and objects.move_axes(value, 1) or value
    end
  end
  if options.distribution == "normal" then options.distribution = "truncated_normal" end -- Keras 2
  local ok, object = pcall(kind.new, options)
  if not ok then return nil, given.class_name end
  return object
end

local function write_object(kinds, ours)
  local name = type(ours) == "table" and ours[1] or ours
  local class, kind = class_of(kinds, name)
  local options = {}
  for key, value in pairs(type(ours) == "table" and ours or {}) do
    if type(key) == "string" then options[key] = value end
  end
  local all = kind.new(options)
  all.axis = all.axis and objects.move_axes(all.axis, -1)
  return object_json(class, all)
end

--- Keras 2 wrote what it calls GlorotUniform as a VarianceScaling. Where we lack an initializer the default will do:
-- the weights are in the file anyway.
function objects.read_initializer(given)
  local config = type(given) == "table" and type(given.config) == "table" and given.config or {}
  if type(given) == "table" and given.class_name == "VarianceScaling" and config.mode == "fan_avg"
    and config.distribution == "uniform" and config.scale == 1 then return "glorot_uniform" end
  return given and (read_object(core.initializers, given)) or nil
end

function objects.write_initializer(ours) return write_object(core.initializers, ours) end

function objects.read_regularizer(given)
  if not given then return false end
  return read_object(core.regularizers, given)
end

--- None is not written.
function objects.write_regularizer(ours) return ours and write_object(core.regularizers, ours) or nil end

function objects.read_constraint(given)
  if not given then return false end
  return read_object(core.constraints, given)
end

--- None is not written.
function objects.write_constraint(ours) return ours and write_object(core.constraints, ours) or nil end

-- === schedules ===

function objects.read_schedule(given)
  local new = rawget(require "lubdub.schedules", given.class_name)
  if not new then return nil, ("the schedule %s is not known"):format(tostring(given.class_name)) end
  local config = {}
  for key, value in pairs(type(given.config) == "table" and given.config or {}) do
    if key ~= "name" then config[key] = value end
  end
  local ok, schedule = pcall(new, config)
  if not ok then return nil, tostring(schedule) end
  return schedule
end

--- A schedule's JSON; nil for a function of the user's own.
function objects.write_schedule(schedule)
  if type(schedule) ~= "table" or not schedule.config then return nil end
  local object = object_json(schedule.kind, schedule:config())
  return json.object("module", "keras.optimizers.schedules", "class_name", object.class_name, "config", object.config,
    "registered_name", json.null)
end

-- === losses ===

function objects.read_loss(given)
  if type(given) == "string" then return snake_case(given) end
  if type(given) ~= "table" or type(given.class_name) ~= "string" then return nil, "it names no loss" end
  if given.class_name == "function" then return given.config end
  local new = core.losses[given.class_name]
  if not new or given.class_name == "named" then return snake_case(given.class_name) end
  local config = type(given.config) == "table" and given.config or {}
  if config.axis == -1 then config.axis = nil end
  if config.reduction and config.reduction ~= "sum_over_batch_size" and config.reduction ~= "auto" then
    return nil, ("the loss %s with reduction = %s is not known"):format(given.class_name, tostring(config.reduction))
  end
  local options, lost = known_options(config, new {}:config())
  if lost then return nil, ("the loss %s with %s is not known"):format(given.class_name, lost) end
  local plain = new {}:config()
  for name, value in pairs(options) do
    if value ~= plain[name] then return new(options) end
  end
  return snake_case(given.class_name)
end

function objects.write_loss(ours)
  if type(ours) ~= "userdata" then return ours end
  return object_json(ours.kind, ours:config())
end

-- === metrics ===

local same_metric = { acc = "accuracy" }

--- One metric: a name, or an object of ours; nil and why not.
function objects.read_metric(given)
  if type(given) == "string" then return same_metric[given] or snake_case(given) end
  if type(given) ~= "table" then return nil, ("it names %s as a metric"):format(tostring(given)) end
  local classes = require("lubdub.fit_metrics").classes
  local config = type(given.config) == "table" and given.config or {}
  local new = classes[given.class_name]
  if not new then
    local name = snake_case(tostring(config.name or given.class_name))
    return same_metric[name] or name
  end
  local options, lost = known_options(config, new():config())
  if lost and lost ~= "axis" then return nil, ("the metric %s with %s is not known"):format(given.class_name, lost) end
  if math.type(options.class_id) == "integer" then options.class_id = options.class_id + 1 end
  local ok, metric = pcall(new, options)
  if not ok then return nil, tostring(metric) end
  local plain = new {}
  for name, value in pairs(metric:config()) do
    if value ~= plain.options[name] then return metric end
  end
  return metric.name
end

--- The metrics of a model that Keras has, as a list.
-- @tparam table list from fit_metrics.read
-- @tparam boolean weighted which
function objects.write_metrics(list, weighted)
  local written = {}
  for _, entry in ipairs(list or {}) do
    local given = entry.given
    if entry.weighted == weighted and type(given) == "string" then
      written[#written + 1] = given
    elseif entry.weighted == weighted and type(given) == "table" then
      local config = given:config()
      if config.class_id then config.class_id = config.class_id - 1 end
      written[#written + 1] = object_json(given.kind, config)
    end
  end
  return written
end

return objects
