--- One batch at a time: train_on_batch, test_on_batch, predict_on_batch, for training loops of one's own.
-- @module lubdub.on_batch
local batches = require "lubdub.batches"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local class_weight = require "lubdub.class_weight"
local evaluate = require "lubdub.evaluate"
local options = require "lubdub.options"

local on_batch = {}

local function prepared(where, model, x, y, o)
  if not model.optimizer then blame("%s: the model is not compiled; call model:compile { ... } first", where) end
  if not model.loss then blame("%s: the model has no loss; call model:compile { loss = ... }", where) end
  if o.class_weight and o.sample_weight then
    blame("%s: class_weight and sample_weight cannot be given together", where)
  end
  model:build_for(where, x)
  if y == nil then blame("%s: y is missing", where) end
  local w
  y, w = check.data(where, model, x, y, o.sample_weight or nil)
  if o.class_weight then
    class_weight.check(where, model, o.class_weight)
    w = class_weight.rows(y, o.class_weight)
  end
  model:ensure_trainer()
  return y, w
end

local function measured(model, y, w)
  local meter = evaluate.meter(model)
  meter.add(model.trainer, y, w)
  return evaluate.result(model, meter.logs)
end

--- One training step on one batch.
-- @tparam lubdub.Sequential model compiled
-- @tparam lubdub.Tensor x (n, ...)
-- @tparam lubdub.Tensor y
-- @tparam ?table given sample_weight (n), or class_weight ({ [1] = weight, ... })
-- @treturn table loss = , accuracy = , ... of this batch before the step; it prints, and [1] is the loss
function on_batch.train(model, x, y, given)
  local where = "train_on_batch"
  local o = options.read(where, given, { sample_weight = false, class_weight = false, return_dict = false })
  local w
  y, w = prepared(where, model, x, y, o)
  evaluate.step(model, x, y, w)
  return measured(model, y, w)
end

--- Loss and metrics of one batch.
-- @tparam lubdub.Sequential model compiled
-- @tparam lubdub.Tensor x (n, ...)
-- @tparam lubdub.Tensor y
-- @tparam ?table given sample_weight (n)
-- @treturn table as of train_on_batch
function on_batch.test(model, x, y, given)
  local where = "test_on_batch"
  local o = options.read(where, given, { sample_weight = false, return_dict = false })
  local w
  y, w = prepared(where, model, x, y, o)
  model.trainer:begin_evaluate(x, y, w)
  evaluate.finish(model.trainer)
  return measured(model, y, w)
end

--- The outputs for one batch.
-- @tparam lubdub.Sequential model
-- @tparam lubdub.Tensor x (n, ...)
-- @treturn lubdub.Tensor (n, ...)
function on_batch.predict(model, x)
  model:build_for("predict_on_batch", x)
  return evaluate.predict(model, x, { batch_size = batches.rows(x), verbose = 0 })
end

return on_batch
