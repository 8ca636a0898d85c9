-- Callbacks: Keras' decisions on given sequences of values (spec/golden/make_callbacks.py), files and messages.
local golden = require "support.json"("callbacks.json")
local callbacks = require "lubdub.callbacks"
local number = require "lubdub.callbacks.number"
local progress = require "lubdub.progress"
local warning = require "lubdub.warning"

local strings = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }
local function numbers(list)
  local result = {}
  for i, value in ipairs(list) do result[i] = strings[value] or value end
  return result
end

-- A model that remembers what callbacks do to it.
local function new_model(rate)
  local model = { stop_training = false, optimizer = { learning_rate = rate or 0.1 }, epoch = 0, saved = {},
    metrics = { "accuracy" }, metric_list = require("lubdub.fit_metrics").read("compile", { "accuracy" }) }
  function model:get_weights() return self.epoch end
  function model:set_weights(weights) self.restored = weights end
  function model:save(path)
    self.saved[#self.saved + 1] = { epoch = self.epoch, path = path }
    return true
  end
  return model
end

-- Calls a callback as fit does; `each(logs)` after every epoch.
local function drive(callback, model, values, each)
  callback:set_model(model)
  if callback.on_train_begin then callback:on_train_begin() end
  for epoch, value in ipairs(values) do
    model.epoch = epoch
    if callback.on_epoch_begin then callback:on_epoch_begin(epoch) end
    local logs = { [callback.monitor] = value }
    callback:on_epoch_end(epoch, logs)
    if each then each(logs) end
    if model.stop_training then break end
  end
  if callback.on_train_end then callback:on_train_end({}) end
end

local said
local function capture()
  said = {}
  progress.redirect({ write = function(_, ...) said[#said + 1] = table.concat { ... } end, flush = function() end })
end

-- Keras' messages without the blank lines that its progress bar needs.
local function lines(text) return (text:gsub("\n+", "\n"):gsub("^\n", "")) end

local function options_of(given)
  local options = {}
  for name, value in pairs(given) do options[name] = value end
  return options
end

describe("callbacks", function()
  before_each(capture)
  after_each(function()
    progress.redirect()
    warning.on_warning(nil)
  end)

  it("EarlyStopping decides as Keras does", function()
    for i, case in ipairs(golden.early_stopping) do
      capture()
      local name = ("case %d, %s"):format(i, case.values)
      local callback, model = callbacks.EarlyStopping(options_of(case.options)), new_model()
      local waits = {}
      drive(callback, model, numbers(golden.sequences[case.values]), function() waits[#waits + 1] = callback.wait end)
      assert.same(case.waits, waits, name)
      assert.equal(case.stopped, model.stop_training, name)
      assert.equal(case.restored, model.restored, name)
      assert.equal(lines(case.said), lines(table.concat(said)), name)
    end
  end)

  it("ReduceLROnPlateau decides as Keras does", function()
    for i, case in ipairs(golden.reduce_lr) do
      local name = ("case %d, %s"):format(i, case.values)
      local callback, model = callbacks.ReduceLROnPlateau(options_of(case.options)), new_model()
      local epoch = 0
      drive(callback, model, numbers(golden.sequences[case.values]), function(logs)
        epoch = epoch + 1
        assert.near(case.logged[epoch], logs.learning_rate, 1e-6 * case.logged[epoch], name)
        assert.near(case.rates[epoch], model.optimizer.learning_rate, 1e-6 * case.rates[epoch], name)
      end)
      assert.equal(#case.rates, epoch, name)
    end
  end)

  it("ReduceLROnPlateau says what it does", function()
    drive(callbacks.ReduceLROnPlateau { patience = 1, factor = 0.5, verbose = 1 }, new_model(), { 1, 1 })
    assert.equal("Epoch 2: ReduceLROnPlateau reducing learning rate to 0.05.\n", table.concat(said))
    assert.error_matches(function() callbacks.ReduceLROnPlateau { factor = 1 } end, "factor must be below 1, got 1")
  end)

  it("ModelCheckpoint saves the epochs that Keras saves, under the same names and with its words", function()
    for i, case in ipairs(golden.checkpoints) do
      capture()
      local name = ("case %d, %s"):format(i, case.values)
      local callback, model = callbacks.ModelCheckpoint(options_of(case.options)), new_model()
      drive(callback, model, numbers(golden.sequences[case.values]))
      assert.same(case.saved, model.saved, name)
      assert.equal(lines(case.said), lines(table.concat(said)), name)
    end
  end)

  it("ModelCheckpoint makes folders, counts batches, and raises what the file system says", function()
    local lfs = require "lfs"
    local folder = os.tmpname()
    os.remove(folder)
    local model = new_model()
    drive(callbacks.ModelCheckpoint { path = folder .. "/a/b/m.h5" }, model, { 1 })
    assert.equal("directory", lfs.attributes(folder .. "/a/b", "mode"))
    os.remove(folder .. "/a/b")
    os.remove(folder .. "/a")
    os.remove(folder)

    model = new_model()
    local callback = callbacks.ModelCheckpoint { path = "e{epoch}-b{batch:02d}.h5", save_freq = 3 }
    callback:set_model(model)
    for epoch = 1, 2 do
      callback:on_epoch_begin(epoch)
      for batch = 1, 4 do callback:on_train_batch_end(batch, { loss = 1 }) end
      callback:on_epoch_end(epoch, { loss = 1 })
    end
    assert.same({ "e1-b03.h5", "e2-b02.h5" }, { model.saved[1].path, model.saved[2].path })
    assert.equal(2, #model.saved)

    function model.save(_, path) return nil, path .. ": No space left on device" end
    callback = callbacks.ModelCheckpoint { path = "x.h5", save_best_only = true, monitor = "loss" }
    callback:set_model(model)
    callback:on_train_begin()
    assert.error_matches(function() callback:on_epoch_end(1, { loss = 1 }) end,
      "^ModelCheckpoint: x.h5: No space left on device$")
    assert.is_nil(callback.best, "a model that was not written is no best one")
    callback = callbacks.ModelCheckpoint "/dev/null/sub/x.h5"
    callback:set_model(model)
    assert.error_matches(function() callback:on_epoch_end(1, { loss = 1 }) end, "/dev/null")
    callback = callbacks.ModelCheckpoint "{val_loss:.2f}.h5"
    callback:set_model(model)
    assert.error_matches(function() callback:on_epoch_end(1, { loss = 1 }) end,
      "cannot fill the path '{val_loss:.2f}.h5': there is no 'val_loss' here")
  end)

  it("ModelCheckpoint refuses what it cannot do", function()
    local function wrong(options, message)
      assert.error_matches(function() callbacks.ModelCheckpoint(options) end, message)
    end
    wrong({}, "path must be a file name, got nil")
    wrong({ path = "a.pt" }, "path must end in .keras or .h5, got 'a.pt'")
    wrong({ path = "a.weights.h5" }, "path must end in .keras or .h5, got 'a.weights.h5'")
    wrong({ path = "a.h5", save_weights_only = true }, "path must end in .weights.h5 where save_weights_only is set")
    wrong({ path = "a.h5", save_freq = "batch" }, "save_freq must be")
    wrong({ path = "a.h5", save_freq = 0 }, "save_freq must be")
    wrong({ path = "a.h5", initial_value_threshold = "0.5" }, "initial_value_threshold must be a number, got string")
    wrong({ path = "a.h5", mode = "best" }, "mode must be \"auto\", \"min\" or \"max\", got best")
    wrong({ path = "a.h5", save_best_onyl = true }, "did you mean 'save_best_only'")
  end)

  it("CSVLogger writes Keras' bytes", function()
    for i, case in ipairs(golden.csv) do
      local path = os.tmpname()
      os.remove(path)
      for _ = 1, case.twice and 2 or 1 do
        local callback = callbacks.CSVLogger { path = path, separator = case.options.separator,
          append = case.options.append }
        callback:on_train_begin()
        for epoch, row in ipairs(case.rows) do
          local logs = {}
          for name, value in pairs(row) do logs[name] = (strings[value] or value) + 0.0 end
          callback:on_epoch_end(epoch, logs)
        end
        callback:on_train_end()
      end
      local file = assert(io.open(path, "rb"))
      local bytes = file:read "a"
      file:close()
      os.remove(path)
      assert.equal(case.bytes, bytes, "case " .. i)
    end
  end)

  it("that watch a number refuse what is none, before the training", function()
    assert.error_matches(function() callbacks.EarlyStopping { patience = "5" } end,
      "EarlyStopping: patience must be a number, got string")
    assert.error_matches(function() callbacks.ReduceLROnPlateau { min_delta = {} } end,
      "ReduceLROnPlateau: min_delta must be a number, got table")
  end)

  it("CSVLogger says which file cannot be written", function()
    assert.error_matches(function() callbacks.CSVLogger "/dev/null/x.csv":on_train_begin() end,
      "^CSVLogger: /dev/null/x.csv: Not a directory")
    local callback = callbacks.CSVLogger "/dev/full"
    callback:on_train_begin()
    assert.error_matches(function() callback:on_epoch_end(1, { loss = 1 }) end,
      "^CSVLogger: /dev/full: No space left on device")
    assert.error_matches(function() callbacks.CSVLogger {} end, "path must be a file name, got nil")
    assert.error_matches(function() callbacks.CSVLogger { path = "a", separator = "" } end, "separator must be one")
  end)

  it("TerminateOnNaN stops at NaN and at infinity", function()
    for _, loss in ipairs { 0 / 0, math.huge, -math.huge } do
      capture()
      local callback, model = callbacks.TerminateOnNaN(), new_model()
      callback:set_model(model)
      callback:on_train_batch_end(1, { loss = 3 })
      assert.is_false(model.stop_training)
      callback:on_train_batch_end(2, { loss = loss })
      assert.is_true(model.stop_training)
      assert.equal("Batch 2: Invalid loss, terminating training\n", table.concat(said))
      local strict = callbacks.TerminateOnNaN { raise_error = true }
      assert.error_matches(function() strict:on_train_batch_end(2, { loss = loss }) end, "the loss of batch 2 is")
    end
  end)

  it("LearningRateScheduler sets and logs the rate", function()
    local seen = {}
    local callback = callbacks.LearningRateScheduler(function(epoch, rate)
      seen[#seen + 1] = epoch
      return epoch < 3 and rate or rate / 10
    end)
    callback.monitor, callback.verbose = "loss", 1
    local rates = {}
    drive(callback, new_model(), { 1, 1, 1, 1 }, function(logs) rates[#rates + 1] = logs.learning_rate end)
    assert.same({ 1, 2, 3, 4 }, seen)
    assert.near(0.1, rates[2], 1e-12)
    assert.near(0.001, rates[4], 1e-12)
    assert.equal("Epoch 1: LearningRateScheduler setting learning rate to 0.1.\n", said[1])
    assert.error_matches(function() callbacks.LearningRateScheduler {} end, "schedule must be a function")
    callback = callbacks.LearningRateScheduler(function() end)
    callback:set_model(new_model())
    assert.error_matches(function() callback:on_epoch_begin(1) end, "must return a number, got nil for epoch 1")
  end)

  it("LambdaCallback calls functions without self", function()
    local got
    local callback = callbacks.LambdaCallback { on_epoch_end = function(epoch, logs) got = { epoch, logs.loss } end }
    callback:on_epoch_end(3, { loss = 4 })
    assert.same({ 3, 4 }, got)
    assert.is_nil(callback.on_epoch_begin)
    assert.error_matches(function() callbacks.LambdaCallback { on_epoch_edn = print } end,
      "did you mean 'on_epoch_end'")
    assert.error_matches(function() callbacks.LambdaCallback { on_epoch_end = 3 } end, "must be a function, got number")
  end)

  it("warn once about a number that is not there", function()
    local warned = {}
    warning.on_warning(function(message) warned[#warned + 1] = message end)
    local model = new_model()
    for _, kind in ipairs { "EarlyStopping", "ReduceLROnPlateau" } do
      local callback = callbacks[kind]()
      callback:set_model(model)
      callback:on_train_begin()
      callback:on_epoch_end(1, { loss = 1, accuracy = 1 })
      callback:on_epoch_end(2, { loss = 1, accuracy = 1 })
    end
    local checkpoint = callbacks.ModelCheckpoint { path = "a.h5", save_best_only = true }
    checkpoint:set_model(model)
    checkpoint:on_train_begin()
    checkpoint:on_epoch_end(1, { loss = 1, accuracy = 1 })
    assert.equal(3, #warned)
    assert.equal("EarlyStopping: there is no 'val_loss' to watch; available are: loss,accuracy", warned[1])
    assert.equal(1, #model.saved, "without the number every model is saved")
  end)

  it("ask for a mode where the direction is not known", function()
    local callback = callbacks.EarlyStopping { monitor = "val_acc" }
    callback:set_model(new_model())
    assert.error_matches(function() callback:on_train_begin() end, "monitor = \"val_acc\".*loss, accuracy")
    callback = callbacks.EarlyStopping { monitor = "val_accuracy" }
    callback:set_model(new_model())
    callback:on_train_begin()
    assert.equal(1, callback.direction)
  end)

  it("go on from a state", function()
    local values = numbers(golden.sequences.falling)
    for _, kind in ipairs { "EarlyStopping", "ReduceLROnPlateau" } do
      local whole, model = callbacks[kind] { patience = 3 }, new_model()
      drive(whole, model, values)
      local first, other = callbacks[kind] { patience = 3 }, new_model()
      drive(first, other, table.move(values, 1, 5, 1, {}))
      local second = callbacks[kind] { patience = 3 }
      second:restore(first:state())
      drive(second, other, table.move(values, 6, #values, 1, {}))
      assert.equal(whole.best, second.best)
      assert.equal(whole.wait, second.wait)
      assert.equal(model.optimizer.learning_rate, other.optimizer.learning_rate)
    end
    local checkpoint = callbacks.ModelCheckpoint { path = "a.h5", save_best_only = true }
    checkpoint:restore { best = 0.5 }
    local model = new_model()
    drive(checkpoint, model, { 0.6, 0.4 })
    assert.equal(1, #model.saved)
  end)

  it("are called by predict, with the batch's outputs", function()
    local lubdub = require "lubdub"
    local model = lubdub.Sequential { lubdub.layers.Input { 2 }, lubdub.layers.Dense { units = 1 } }
    local events, rows = {}, {}
    local recorder = {
      on_predict_begin = function() events[#events + 1] = "begin" end,
      on_predict_batch_begin = function(_, batch) events[#events + 1] = batch end,
      on_predict_batch_end = function(_, batch, logs)
        events[#events + 1] = -batch
        for _, row in ipairs(logs.outputs:totable()) do rows[#rows + 1] = row end
      end,
      on_predict_end = function() events[#events + 1] = "end" end,
    }
    local outputs = model:predict(lubdub.Tensor.rand { 5, 2, seed = 1 }, { batch_size = 2, callbacks = recorder })
    assert.same({ "begin", 1, -1, 2, -2, 3, -3, "end" }, events)
    assert.same(outputs:totable(), rows)
  end)

  it("count predict's batches from 1, however large these are", function()
    local lubdub = require "lubdub"
    local model = lubdub.Sequential { lubdub.layers.Input { 2 }, lubdub.layers.Dense { units = 1 } }
    for _, case in ipairs { { 3, 1, "1 2 3" }, { 5, 2, "1 2 3" }, { 6, 3, "1 2" }, { 1, 1, "1" }, { 2, 7, "1" },
      { 33, false, "1 2" } } do
      local n, batch_size, expected = table.unpack(case)
      local begun, ended = {}, {}
      model:predict(lubdub.Tensor.rand { n, 2, seed = 1 }, { batch_size = batch_size, callbacks = {
        on_predict_batch_begin = function(_, batch) begun[#begun + 1] = batch end,
        on_predict_batch_end = function(_, batch) ended[#ended + 1] = batch end,
      } })
      assert.equal(expected, table.concat(begun, " "))
      assert.equal(expected, table.concat(ended, " "))
    end
  end)

  it("print themselves, and there are no others", function()
    assert.equal('EarlyStopping(mode = "max", monitor = "val_accuracy", patience = 5)',
      tostring(callbacks.EarlyStopping { monitor = "val_accuracy", mode = "max", patience = 5 }))
    assert.equal("ReduceLROnPlateau()", tostring(callbacks.ReduceLROnPlateau {}))
    assert.error_matches(function() return callbacks.EarlyStoping end, "there is no callback 'EarlyStoping'; there are")
    assert.error_matches(function() callbacks.EarlyStopping { pacience = 3 } end, "did you mean 'patience'")
  end)
end)

describe("numbers as Python writes them", function()
  it("have the fewest digits that read back", function()
    local expected = { ["1.0"] = 1.0, ["0.1"] = 0.1, ["0.30000000000000004"] = 0.1 + 0.2, ["1e-05"] = 1e-5,
      ["0.0001"] = 1e-4, ["1e+16"] = 1e16, ["1000000000000000.0"] = 1e15, ["123456789.125"] = 123456789.125,
      ["-2.5e-10"] = -2.5e-10, ["0.0010000000474974513"] = number.float32(0.001), ["5e-324"] = 5e-324,
      ["1.7976931348623157e+308"] = 1.7976931348623157e308, ["nan"] = 0 / 0, ["-inf"] = -math.huge, ["0.0"] = 0.0,
      ["3"] = 3 }
    for text, value in pairs(expected) do assert.equal(text, number.repr(value)) end
  end)
end)

describe("format strings", function()
  local format = require "lubdub.callbacks.format"

  it("give what Python's give", function()
    for _, case in ipairs(golden.formats) do
      local spec, value, expected = case[1], case[2], case[3]
      local text, reason = format("{v:" .. spec .. "}", { v = strings[value] or tonumber(value) })
      assert.equal(expected or nil, text, spec .. " of " .. value)
      assert.equal(not expected, reason ~= nil)
    end
  end)

  it("are filled with names, and keep doubled braces", function()
    local values = { epoch = 3, loss = 0.12345, ["top k"] = 12.0, phase = "a" }
    assert.equal("003-0.12-12.0a.h5", format("{epoch:03d}-{loss:.2f}-{top k}{phase}.h5", values))
    assert.equal("{x}{3}", format("{{x}}{{{epoch}}}", values))
    local function fails(text, why)
      local result, reason = format(text, values)
      assert.is_nil(result)
      assert.truthy(reason:find(why, 1, true), reason)
    end
    fails("{nothing}", "there is no 'nothing' here")
    fails("{loss:d}", "'loss' is not a whole number")
    fails("{phase:d}", "'phase' is not a number")
    fails("{loss:.2q}", "'.2q' is no format that is known here")
    fails("{loss:9999d}", "'loss' is not a whole number")
    fails("{epoch", "'{' stands alone; as a character it is '{{'")
    fails("a}{epoch}", "'}' stands alone")
    fails("{epoch:99999d}", "is no format that is known here")
  end)
end)
