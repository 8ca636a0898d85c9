--- model:evaluate and model:predict: passes over the data that change nothing.
-- @module lubdub.evaluate
local Tensor = require("lubdub.core").Tensor
local batches = require "lubdub.batches"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local history = require "lubdub.history"
local optimizers = require "lubdub.optimizers"
local options = require "lubdub.options"
local progress = require "lubdub.progress"

local evaluate = {}

--- The loss, a mean over the rows, and the metrics of one epoch.
-- @tparam lubdub.Sequential model compiled
-- @treturn Meter with reset(), add(trainer, y, w) and `logs`, the values so far (one table, used again and again)
function evaluate.meter(model)
  local sum, rows, metrics = 0, 0, {}
  local meter = { logs = {} }
  for i, entry in ipairs(model.metric_list) do
    metrics[i] = { name = entry.name, weighted = entry.weighted, metric = entry.metric:fresh() }
  end

  function meter.reset()
    sum, rows = 0, 0
    for _, entry in ipairs(metrics) do entry.metric:reset_state() end
  end

  function meter.add(trainer, y, w)
    local outputs = trainer:outputs()
    local n = outputs:shape(1)
    sum, rows = sum + n * trainer:loss(), rows + n
    meter.logs.loss = sum / rows
    for _, entry in ipairs(metrics) do
      entry.metric:update_state(y, outputs, entry.weighted and w or nil)
      meter.logs[entry.name] = entry.metric:result()
    end
  end

  return meter
end

--- Lets a pass that was begun run to its end. Ctrl-C may strike between its parts.
function evaluate.finish(trainer)
  while not trainer:advance() do end -- luacheck: ignore 542
end

--- One training step, with the learning rate that the optimizer's schedule gives.
function evaluate.step(model, x, y, w)
  local trainer = model.trainer
  optimizers.follow_schedule(model.optimizer, trainer.iterations)
  trainer:begin_step(x, y, w)
  evaluate.finish(trainer)
end

--- One pass over a source in inference mode.
-- @tparam lubdub.Sequential model
-- @param source a batch source
-- @param meter from evaluate.meter
-- @tparam ?CallbackList callbacks
-- @tparam ?integer steps at most so many batches
-- @treturn table the means, a new table
function evaluate.pass(model, source, meter, callbacks, steps)
  local trainer = model.trainer
  if callbacks then callbacks:call "on_test_begin" end
  meter.reset()
  local batch = 0
  for x, y, w in source(1, 0) do
    batch = batch + 1
    if callbacks then callbacks:call("on_test_batch_begin", batch) end
    trainer:begin_evaluate(x, y, w)
    evaluate.finish(trainer)
    meter.add(trainer, y, w)
    if callbacks then callbacks:call("on_test_batch_end", batch, meter.logs) end
    if batch == steps then break end
  end
  if batch == 0 then blame "evaluate: the batch source gave no batch" end
  local logs = {}
  for name, value in pairs(meter.logs) do logs[name] = value end
  if callbacks then callbacks:call("on_test_end", logs) end
  return logs
end

--- Builds a model on a source's first batch, which a model that is built need not see.
-- @tparam string where the asking function's name
-- @tparam lubdub.Sequential model
-- @param source
-- @tparam integer epoch
-- @tparam integer seed
function evaluate.build_from(where, model, source, epoch, seed)
  if model.built then return end
  local next_batch, state, control, closing = source(epoch, seed)
  local peeked <close> = closing -- luacheck: ignore
  if type(next_batch) ~= "function" then
    blame("%s: a batch source must return an iterator, got %s", where, type(next_batch))
  end
  model:build_for(where, (next_batch(state, control)))
end

--- A source whose batches are checked before they reach the trainer.
-- @tparam string where the asking function's name
-- @tparam lubdub.Sequential model
-- @param source
-- @return the source
function evaluate.checked_source(where, model, source)
  return function(epoch, seed)
    local next_batch, state, control, closing = source(epoch, seed)
    if type(next_batch) ~= "function" then
      blame("%s: a batch source must return an iterator, got %s", where, type(next_batch))
    end
    local batch = 0
    return function(_, last)
      local x, y, w = next_batch(state, last)
      if x == nil then return nil end
      batch = batch + 1
      local prefix = ("batch %d of epoch %d: "):format(batch, epoch)
      if y == nil then blame("%s: %sy is missing", where, prefix) end
      y, w = check.data(where, model, x, y, w, prefix)
      return x, y, w
    end, nil, control, closing
  end
end

--- What evaluate returns: named numbers that print; result[1] is the loss, as in Keras' list.
local Result = { __name = "lubdub.Result" }

function evaluate.result(model, logs)
  local names = history.names(logs, model.metrics)
  return setmetatable(logs, {
    __name = Result.__name,
    __index = function(_, i) return math.type(i) == "integer" and logs[names[i]] or nil end,
    __len = function() return #names end,
    __tostring = function()
      local parts = {}
      for i, name in ipairs(names) do parts[i] = ("%s: %s"):format(name, history.value_text(logs[name])) end
      return table.concat(parts, " - ")
    end,
  })
end

-- The callbacks that a caller gave, ready, and one that shows a bar on a terminal when it takes long, and takes it away
-- at the end. `event`: the word in the names of what they are called for, "test" or "predict".
local function callbacks_of(where, event, model, o, steps)
  local CallbackList = require "lubdub.callbacks.list"
  local list = CallbackList.check(where, o.callbacks)
  if o.verbose ~= 0 then
    local bar = progress.bar { label = where, total = steps or false, delay = 0.5 }
    list[#list + 1] = {
      ["on_" .. event .. "_batch_end"] = function(_, batch) bar:update(batch) end,
      ["on_" .. event .. "_end"] = function() bar:clear() end,
    }
  end
  return CallbackList.new(list, model, { epochs = 1, steps = steps, verbose = o.verbose })
end

-- A number of rows or batches; false stands for the default.
local function whole(where, name, value)
  if value ~= false and (math.type(value) ~= "integer" or value < 1) then
    blame("%s: %s must be a whole number of at least 1, got %s", where, name, tostring(value))
  end
end

--- Loss and metrics of the model on data. Class weights play no part.
-- @tparam Sequential model
-- @tparam lubdub.Tensor x (n, ...), or a batch source; then options take y's place
-- @tparam lubdub.Tensor y (n, ...)
-- @tparam ?table given batch_size (32), sample_weight, steps (number of batches, default all), callbacks,
-- verbose ("auto": a bar on a terminal while it runs; 0: none), return_dict (the result has the names either way)
-- @treturn table loss = , accuracy = , ...; it prints, and [1], [2], ... are the loss and the metrics in order
function evaluate.evaluate(model, x, y, given)
  local is_source = batches.is_source(x)
  if is_source then given, y = y, nil end
  local o = options.read("evaluate", given, { batch_size = 32, sample_weight = false, steps = false,
    callbacks = false, verbose = "auto", return_dict = false })
  whole("evaluate", "batch_size", o.batch_size)
  whole("evaluate", "steps", o.steps)
  if not model.loss then blame "evaluate: the model has no loss; call model:compile { loss = ... } first" end
  local source
  if is_source then
    evaluate.build_from("evaluate", model, x, 1, 0)
    source = evaluate.checked_source("evaluate", model, x)
  else
    model:build_for("evaluate", x)
    if y == nil then blame "evaluate: y is missing" end
    local w
    y, w = check.data("evaluate", model, x, y, o.sample_weight or nil)
    source = batches.of_tensors(x, y, w, { batch_size = o.batch_size, shuffle = false, steps = o.steps })
  end
  model:ensure_trainer()
  local callbacks = callbacks_of("evaluate", "test", model, o, o.steps or type(source) == "table" and source.steps)
  local logs = evaluate.pass(model, source, evaluate.meter(model), callbacks, o.steps)
  return evaluate.result(model, logs)
end

--- The model's outputs for every row; the result does not depend on the batch size.
-- @tparam Sequential model
-- @param x (n, ...), a tensor, or a list of one for each input
-- @tparam ?table given batch_size (32), callbacks (on_predict_begin(), on_predict_batch_begin(batch),
-- on_predict_batch_end(batch, { outputs = }), on_predict_end()), verbose ("auto": a bar on a terminal while it runs;
-- 0: none)
-- @treturn lubdub.Tensor (n, ...); a list of them where the model has several outputs
function evaluate.predict(model, x, given)
  local o = options.read("predict", given, { batch_size = 32, callbacks = false, verbose = "auto" })
  whole("predict", "batch_size", o.batch_size)
  if not model.built then model:build_for("predict", x) end
  check.data("predict", model, x)
  model:ensure_trainer()
  local n, size, trainer = batches.rows(x), o.batch_size or 32, model.trainer
  local callbacks = callbacks_of("predict", "predict", model, o, (n - 1) // size + 1)
  local results = {}
  for k, shape in ipairs(model.output_shapes) do results[k] = Tensor.zeros { n, table.unpack(shape) } end
  callbacks:call "on_predict_begin"
  for first = 1, n, size do
    local batch, last = (first - 1) // size + 1, math.min(first + size - 1, n)
    callbacks:call("on_predict_batch_begin", batch)
    trainer:begin_predict(batches.slice(x, first, last))
    evaluate.finish(trainer)
    local outputs = {}
    for k, place in ipairs(model.output_places) do
      outputs[k] = results[k]:slice(1, first, last)
      outputs[k]:copy(trainer:outputs(place))
    end
    callbacks:call("on_predict_batch_end", batch, { outputs = #outputs > 1 and outputs or outputs[1] })
  end
  callbacks:call "on_predict_end"
  return #results > 1 and results or results[1]
end

return evaluate
