--- model:fit, the loop over epochs and batches.
-- @module lubdub.fit
local Tensor = require("lubdub.core").Tensor
local CallbackList = require "lubdub.callbacks.list"
local batches = require "lubdub.batches"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local class_weight = require "lubdub.class_weight"
local evaluate = require "lubdub.evaluate"
local history = require "lubdub.history"
local options = require "lubdub.options"
local seeds = require "lubdub.seed"
local warning = require "lubdub.warning"

local known = {
  batch_size = false, epochs = 1, verbose = "auto", callbacks = false, validation_split = 0, validation_data = false,
  shuffle = true, class_weight = false, sample_weight = false, initial_epoch = 0, steps_per_epoch = false,
  validation_steps = false, validation_batch_size = false, validation_freq = 1, seed = options.none,
}

-- === options ===

local function whole(name, value, least)
  if value == false then return end
  if math.type(value) ~= "integer" or value < least then
    blame("fit: %s must be a whole number of at least %d, got %s", name, least, tostring(value))
  end
end

local function read_options(given, is_source)
  local o = options.read("fit", given, known)
  o.callbacks = CallbackList.check("fit", o.callbacks)
  whole("batch_size", o.batch_size, 1)
  whole("epochs", o.epochs, 0)
  whole("initial_epoch", o.initial_epoch, 0)
  whole("steps_per_epoch", o.steps_per_epoch, 1)
  whole("validation_steps", o.validation_steps, 1)
  whole("validation_batch_size", o.validation_batch_size, 1)
  if type(o.validation_freq) ~= "table" then whole("validation_freq", o.validation_freq, 1) end
  if type(o.shuffle) ~= "boolean" then blame("fit: shuffle must be true or false, got %s", tostring(o.shuffle)) end
  local split = o.validation_split or 0
  if type(split) ~= "number" or split < 0 or split >= 1 then
    blame("fit: validation_split must be at least 0 and below 1, got %s", tostring(split))
  end
  o.validation_split = split
  if o.class_weight and o.sample_weight then
    blame "fit: class_weight and sample_weight cannot be given together"
  end
  if is_source then
    for _, name in ipairs { "batch_size", "sample_weight" } do
      if o[name] then blame("fit: %s is the batch source's own matter; leave it out", name) end
    end
    if split > 0 then blame "fit: validation_split needs tensors, not a batch source; give validation_data" end
  end
  return o
end

-- === data ===

-- The last part of the rows, before any shuffling, is kept for validation.
local function split_off(x, y, w, share)
  local n = batches.rows(x)
  local at = math.floor(n * (1 - share))
  if at == 0 or at == n then
    blame("fit: validation_split = %s of %d rows leaves one part empty", tostring(share), n)
  end
  local function part(t, first, last) return t and batches.slice(t, first, last) end
  return { part(x, 1, at), part(y, 1, at), part(w, 1, at) },
    { part(x, at + 1, n), part(y, at + 1, n), part(w, at + 1, n) }
end

-- Returns the source, how many batches an epoch has (where it is known), and the data: { x, y, weights } or the source.
local function training_source(model, x, y, o, is_source, seed)
  local source
  if is_source then
    evaluate.build_from("fit", model, x, o.initial_epoch + 1, seed)
    source = evaluate.checked_source("fit", model, x)
  else
    model:build_for("fit", x)
    if y == nil then blame "fit: y is missing" end
    local w
    y, w = check.data("fit", model, x, y, o.sample_weight or nil)
    if o.validation_split > 0 and not o.validation_data then
      local rest, validation = split_off(x, y, w, o.validation_split)
      x, y, w = rest[1], rest[2], rest[3]
      o.validation_data = validation
    end
    source = { x, y, w }
  end
  if o.class_weight then
    class_weight.check("fit", model, o.class_weight)
    if is_source then
      source = class_weight.source("fit", source, o.class_weight)
    else
      source[3] = class_weight.rows(source[2], o.class_weight)
    end
  end
  if is_source then return source, o.steps_per_epoch or type(x) == "table" and x.steps or nil, source end
  local data = source
  source = batches.of_tensors(data[1], data[2], data[3],
    { batch_size = o.batch_size, shuffle = o.shuffle, steps = o.steps_per_epoch })
  return source, source.steps, data
end

local function validation_source(model, o)
  local data = o.validation_data
  if not data then return nil end
  if batches.is_source(data) then return evaluate.checked_source("fit: validation", model, data) end
  if type(data) ~= "table" then
    blame("fit: validation_data must be { x, y } or { x, y, weights }, got %s",
      Tensor.is(data) and "a tensor" or type(data))
  end
  if data[2] == nil then blame "fit: validation_data has no y; it must be { x, y }" end
  local y, w = check.data("fit", model, data[1], data[2], data[3], "validation ")
  return batches.of_tensors(data[1], y, w, { batch_size = o.validation_batch_size or o.batch_size, shuffle = false,
    steps = o.validation_steps })
end

local function validates(epoch, freq)
  if type(freq) ~= "table" then return epoch % freq == 0 end
  for _, listed in ipairs(freq) do
    if listed == epoch then return true end
  end
  return false
end

-- === the loop ===

local function train_epoch(model, epoch, run)
  local trainer, meter, callbacks = model.trainer, run.meter, run.callbacks
  meter.reset()
  local batch = 0
  for x, y, w in run.source(epoch, run.seed) do
    batch = batch + 1
    callbacks:call("on_train_batch_begin", batch)
    evaluate.step(model, x, y, w)
    meter.add(trainer, y, w)
    local loss = meter.logs.loss
    if loss ~= loss and not run.said_nan then
      run.said_nan = true
      warning.warn(("fit: the loss became NaN in batch %d of epoch %d; a smaller learning rate may help"):format(
        batch, epoch), run.callbacks)
    end
    callbacks:call("on_train_batch_end", batch, meter.logs)
    if model.stop_training or batch == run.steps then break end
  end
  if batch == 0 then blame("fit: the batch source gave no batch in epoch %d", epoch) end
  if run.wanted_steps and batch < run.wanted_steps and not model.stop_training then
    warning.warn(("fit: epoch %d had %d batches where steps_per_epoch = %d asked for more"):format(epoch, batch,
      run.wanted_steps), run.callbacks)
  end
  local logs = {}
  for name, value in pairs(meter.logs) do logs[name] = value end
  return logs
end

local function train(model, o, run)
  local callbacks = run.callbacks
  -- Whatever ends the training, callbacks put their things in order.
  local guard <close> = setmetatable({}, { __close = function(_, err) -- luacheck: ignore
    if err ~= nil then callbacks:call "on_train_interrupt" end
  end })
  model.stop_training = false
  callbacks:call "on_train_begin"
  local done = run.backup and run.backup:begin() or { epoch = o.initial_epoch, logs = {} }
  local logs = done.logs
  for epoch = done.epoch + 1, done.stopped and 0 or o.epochs do
    callbacks:call("on_epoch_begin", epoch)
    logs = train_epoch(model, epoch, run)
    if run.validation and validates(epoch, o.validation_freq) then
      local found = evaluate.pass(model, run.validation, run.validation_meter, callbacks, o.validation_steps)
      for name, value in pairs(found) do logs["val_" .. name] = value end
    end
    callbacks:call("on_epoch_end", epoch, logs)
    if run.backup then run.backup:keep(epoch, logs) end -- behind all callbacks, so that it has the state of each
    if model.stop_training then break end
  end
  callbacks:call("on_train_end", logs)
  if run.backup then run.backup:finish() end
end

--- Trains the model. The same as Keras' fit, with epochs counted from 1.
-- @param x (n, ...), a list of such tensors where the model has several inputs, or a batch source
-- (lubdub.batches); then options take y's place
-- @tparam lubdub.Tensor y (n, ...)
-- @tparam ?table given batch_size (32), epochs (1), verbose ("auto"; 0 is quiet, 2 a line per epoch only), callbacks,
-- validation_data ({ x, y } or { x, y, weights }, or a batch source), validation_split (0; the last part
-- of the rows), shuffle (true), seed (of the order of rows and of dropout; without it, the next one of
-- lubdub.set_seed), class_weight ({ [1] = weight, ... }; a class without one counts 1), sample_weight (n),
-- initial_epoch (epochs that are done already, 0), steps_per_epoch, validation_steps, validation_batch_size,
-- validation_freq (1: every epoch; a list: these epochs)
-- @treturn lubdub.History `history.history.val_loss[epoch]`; it prints. model.history is the same, also after an
-- interruption: it holds the epochs that were completed.
-- @usage local history = model:fit(x, y, { epochs = 2, batch_size = 16, validation_split = 0.25, seed = 42 })
return function(model, x, y, given)
  local is_source = batches.is_source(x)
  if is_source then given, y = y, nil end
  local o = read_options(given, is_source)
  if not model.optimizer then blame "fit: the model is not compiled; call model:compile { ... } first" end
  if not model.loss then blame "fit: the model has no loss; call model:compile { loss = ... }" end
  local seed = o.seed and seeds.check("fit", o.seed) or seeds.next()

  local source, steps, data = training_source(model, x, y, o, is_source, seed)
  local validation = validation_source(model, o)
  model:ensure_trainer()
  local list = o.callbacks
  local record = CallbackList.find(list, "History")
  if not record then
    record = history.new()
    list[#list + 1] = record
  end
  if o.verbose ~= 0 and not CallbackList.find(list, "ProgressBar") then
    list[#list + 1] = require("lubdub.callbacks").ProgressBar()
  end
  local run = {
    source = source, steps = steps, wanted_steps = o.steps_per_epoch, validation = validation, seed = seed,
    meter = evaluate.meter(model), validation_meter = validation and evaluate.meter(model),
    callbacks = CallbackList.new(list, model, { epochs = o.epochs, steps = steps, verbose = o.verbose }),
    backup = CallbackList.find(list, "BackupAndRestore"),
  }
  if run.backup then
    run.seed = run.backup:resume { model = model, options = o, data = data, validation = o.validation_data,
      callbacks = list, seed = seed }
  end
  model.trainer.seed = run.seed
  train(model, o, run)
  return record
end
