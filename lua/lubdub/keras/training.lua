--- How a model was compiled, in Keras' files: optimizer, loss and metrics, both ways.
-- All of it bears on training alone: what lubdub does not have is a warning, and the model stays uncompiled.
-- @module lubdub.keras.training
local failure = require "lubdub.keras.failure"
local json = require "lubdub.keras.json"
local names = require "lubdub.keras.names"
local objects = require "lubdub.keras.objects"
local snake_case = require "lubdub.snake_case"
local warning = require "lubdub.warning"

local training = {}

-- === from a file ===

--- An optimizer from its JSON, or nil and why not. TensorFlow's Keras registers its own as "Custom>Adam".
function training.read_optimizer(given)
  if type(given) ~= "table" then return nil, "it names no optimizer" end
  local kind, config = tostring(given.class_name):gsub("^Custom>", ""), given.config
  if type(config) ~= "table" then config = {} end
  for known in pairs(names.optimizers) do
    if kind:lower() == known:lower() then kind = known end
  end
  local entry = names.optimizers[kind]
  if not entry then return nil, ("the optimizer %s is not known"):format(kind) end
  local options = {}
  config.learning_rate = config.learning_rate or config.lr
  for _, option in ipairs(entry.options) do
    if config[option] ~= nil then options[option] = config[option] end
  end
  if type(config.learning_rate) == "table" then
    local schedule, reason = objects.read_schedule(config.learning_rate)
    if not schedule then return nil, reason end
    options.learning_rate = schedule
  end
  for _, key in ipairs(names.optimizer_extras) do
    if config[key] and config[key] ~= 0 then return nil, ("%s of %s is not known"):format(key, kind) end
  end
  local ok, optimizer = failure.tried(require "lubdub.optimizers"[kind], options)
  if not ok then return nil, optimizer end
  return optimizer
end

-- Losses and their weights may stand in a list with one for each output, or in a table by the outputs' names.
local function only(given)
  if type(given) ~= "table" or given.class_name then return given end
  local key, value = next(given)
  if key == nil or next(given, key) ~= nil then return given end
  return value
end

-- Metrics may be nested, one list per output, or a table by the outputs' names.
local function add_metrics(list, given)
  local all = type(given) == "table" and given or {}
  for _, metric in ipairs(only(all) ~= all and #all == 0 and { only(all) } or all) do
    if type(metric) == "table" and not metric.class_name then
      local _, reason = add_metrics(list, metric)
      if reason then return nil, reason end
    else
      local ours, reason = objects.read_metric(metric)
      if not ours then return nil, reason end
      list[#list + 1] = ours
    end
  end
  return list
end

--- The compile settings of a .h5 file (training_config) or of a .keras file (compile_config), in one form.
-- @return nil where the model was not compiled
function training.normal(config)
  if type(config) ~= "table" or next(config) == nil then return nil end -- Keras writes {} for uncompiled models
  return { optimizer = config.optimizer or config.optimizer_config, loss = config.loss, metrics = config.metrics,
    weighted_metrics = config.weighted_metrics, loss_weights = config.loss_weights }
end

local function compiled(model, config)
  local optimizer, loss, metrics, weighted, reason
  optimizer, reason = training.read_optimizer(config.optimizer)
  if not optimizer then return false, reason end
  local weight = only(config.loss_weights) or 1
  if weight ~= 1 then return false, ("loss_weights = %s is not known"):format(tostring(weight)) end
  loss, reason = objects.read_loss(only(config.loss))
  if not loss then return false, reason end
  metrics, reason = add_metrics({}, config.metrics)
  if not metrics then return false, reason end
  weighted, reason = add_metrics({}, config.weighted_metrics)
  if not weighted then return false, reason end
  return failure.tried(model.compile, model,
    { optimizer = optimizer, loss = loss, metrics = metrics, weighted_metrics = weighted })
end

--- Compiles a model as it was.
-- @tparam table reader with path
-- @tparam Sequential model
-- @tparam ?table config from training.normal
-- @treturn boolean whether it is compiled now
function training.compile(reader, model, config)
  if not config then return false end
  local read, ok, reason = failure.tried(compiled, model, config)
  if not read then ok, reason = false, ok end -- an option of the wrong kind
  if not ok then warning.warn(("%s: the model is not compiled: %s"):format(reader.path, tostring(reason))) end
  return ok
end

-- === to a file ===

local function optimizer_json(optimizer, modern)
  local entry, config = names.optimizers[optimizer.kind], optimizer:config()
  if not entry then failure.mistake("the optimizer %s has no name in Keras", optimizer.kind) end
  local object = json.object("name", modern and optimizer.kind:lower() or optimizer.kind)
  if optimizer.schedule then
    config.learning_rate = objects.write_schedule(optimizer.schedule) or config.learning_rate
  end
  for _, option in ipairs(entry.options) do
    local value = config[option]
    -- None is not written: the older of Keras' optimizers do not know all of these
    if value ~= false or option == "amsgrad" or option == "nesterov" or option == "centered" then
      json.add(object, option, value)
    end
  end
  return json.object("class_name", optimizer.kind, "config", object)
end

-- Keras 3 does not find "mse" and the like in .h5 files; every Keras finds the whole names.
local function loss_json(model, modern)
  local loss = objects.write_loss(model.loss)
  if type(loss) == "string" and not modern then loss = snake_case(model.loss_function.kind) end
  if modern and type(loss) == "table" then objects.modern("keras.losses", loss) end
  return loss
end

local function metrics_json(model, weighted, modern)
  local list = objects.write_metrics(model.metric_list, weighted)
  for _, metric in ipairs(modern and list or {}) do
    if type(metric) == "table" then objects.modern("keras.metrics", metric) end
  end
  return weighted and #list == 0 and json.null or list
end

--- A compiled model's settings for a .h5 file. Keras needs both `optimizer_config` and `loss_weights`.
function training.write(model)
  return json.object("loss", loss_json(model), "metrics", metrics_json(model, false),
    "weighted_metrics", metrics_json(model, true), "loss_weights", json.null,
    "optimizer_config", optimizer_json(model.optimizer))
end

--- The same for a .keras file.
function training.write_modern(model)
  return json.object("optimizer", objects.modern("keras.optimizers", optimizer_json(model.optimizer, true)),
    "loss", loss_json(model, true), "loss_weights", json.null, "metrics", metrics_json(model, false, true),
    "weighted_metrics", metrics_json(model, true, true), "run_eagerly", false, "steps_per_execution", 1,
    "jit_compile", "auto")
end

return training
