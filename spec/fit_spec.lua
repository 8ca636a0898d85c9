-- fit, evaluate and predict: Keras' rules for batches, weights, validation and logs; mistakes; interrupts.
local lubdub = require "lubdub"
local batches = require "lubdub.batches"
local progress = require "lubdub.progress"
local warning = require "lubdub.warning"
local layers, callbacks, Tensor = lubdub.layers, lubdub.callbacks, lubdub.Tensor

-- 30 rows of 3 classes that can be told apart, (30, 6, 7, 1).
local function data(n)
  n = n or 30
  local x, rows = Tensor.randn { n, 6, 7, 1, seed = 5 }, {}
  for i = 1, n do
    local class = i % 3 + 1
    x[i][class]:copy(x[i][class] + 3)
    rows[i] = { 0, 0, 0 }
    rows[i][class] = 1
  end
  return x, Tensor(rows)
end

local function net(options)
  options = options or {}
  local model = lubdub.Sequential {
    layers.Input { 6, 7, 1 },
    layers.Conv2D { filters = 4, kernel_size = 2, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = options.rate or 0 },
    layers.Flatten(),
    layers.Dense { units = 3, activation = "softmax" },
    seed = options.seed or 1,
  }
  model:compile { optimizer = options.optimizer or "adam", loss = "categorical_crossentropy",
    metrics = { "accuracy" } }
  return model
end

local function same_weights(a, b)
  local left, right = a:get_weights(), b:get_weights()
  for i = 1, #left do
    if not left[i]:equal(right[i]) then return false end
  end
  return #left == #right
end

local function rows_of(source, epoch, seed)
  local list, sizes = {}, {}
  for x in source(epoch, seed) do
    sizes[#sizes + 1] = x:shape(1)
    for _, row in ipairs(x:totable()) do list[#list + 1] = math.tointeger(row[1]) end
  end
  return list, sizes
end

describe("batches of tensors", function()
  local x = Tensor.arange(1, 12):reshape { 11, 1 }

  it("keep the last, smaller one", function()
    local rows, sizes = rows_of(batches.of_tensors(x, nil, nil, { batch_size = 4, shuffle = false }), 1, 0)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, rows)
    assert.same({ 4, 4, 3 }, sizes)
    assert.equal(1, batches.of_tensors(x, nil, nil, {}).steps)
  end)

  it("are shuffled by seed and epoch alone", function()
    local source = batches.of_tensors(x, nil, nil, { batch_size = 4 })
    local first, again, second, other = rows_of(source, 1, 7), rows_of(source, 1, 7), rows_of(source, 2, 7),
      rows_of(source, 1, 8)
    assert.same(first, again)
    assert.not_same(first, second)
    assert.not_same(first, other)
    table.sort(second)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, second)
  end)

  it("keep x, y and weights together", function()
    local y, w = x * 10, x:reshape { 11 } * 100
    local source = batches.of_tensors(x, y, w, { batch_size = 3 })
    local seen = 0
    for bx, by, bw in source(3, 1) do
      for i = 1, #bx do
        seen = seen + 1
        assert.equal(bx[i][1] * 10, by[i][1])
        assert.equal(bx[i][1] * 100, bw[i])
      end
    end
    assert.equal(11, seen)
  end)

  it("go on in the next epoch where steps end one, as in Keras", function()
    local source = batches.of_tensors(x, nil, nil, { batch_size = 2, shuffle = false, steps = 4 })
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, (rows_of(source, 1, 0)))
    assert.same({ 9, 10, 11 }, (rows_of(source, 2, 0)))
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, (rows_of(source, 3, 0)))
    local _, sizes = rows_of(batches.of_tensors(x, nil, nil, { steps = 3, shuffle = false }), 1, 0)
    assert.same({ 4, 4, 3 }, sizes, "without batch_size it follows from the steps")
    local shuffled = batches.of_tensors(x, nil, nil, { batch_size = 2, steps = 4 })
    local all = rows_of(shuffled, 1, 3)
    for _, row in ipairs((rows_of(shuffled, 2, 3))) do all[#all + 1] = row end
    table.sort(all)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, all)
  end)
end)

describe("fit", function()
  local x, y = data()

  it("learns, and says how it went", function()
    local model = net { optimizer = lubdub.optimizers.Adam { learning_rate = 0.02 } }
    local history = model:fit(x, y, { epochs = 40, batch_size = 8, verbose = 0 })
    assert.equal(40, #history.history.loss)
    assert.equal(40, #history.epoch)
    assert.equal(40, history.epoch[40])
    assert.is_true(history.history.loss[40] < 0.5 * history.history.loss[1])
    assert.equal(1, history.history.accuracy[40])
    assert.equal(history, model.history)
    assert.same({ epochs = 40, steps = 4, verbose = 0 }, history.params)
    local text = tostring(history)
    assert.truthy(text:find("History: 40 epochs\n +epoch +loss +accuracy\n"))
    assert.truthy(text:find("best: 40 .*%(lowest loss%)"))
  end)

  it("gives the same bits for the same seed, and others for another", function()
    local function run(seed, set)
      if set then lubdub.set_seed(set) end
      local model = net { rate = 0.3 }
      model:fit(x, y, { epochs = 3, batch_size = 7, verbose = 0, seed = seed })
      return model
    end
    assert.is_true(same_weights(run(3), run(3)))
    assert.is_false(same_weights(run(3), run(4)))
    assert.is_true(same_weights(run(nil, 9), run(nil, 9)))
    assert.is_false(same_weights(run(nil, 9), run(nil)))
  end)

  it("can be resumed: 2 epochs and 3 more are 5", function()
    local whole, parts = net { rate = 0.3 }, net { rate = 0.3 }
    local options = { batch_size = 8, verbose = 0, seed = 6, epochs = 5 }
    local long = whole:fit(x, y, options)
    options.epochs = 2
    parts:fit(x, y, options)
    options.epochs, options.initial_epoch = 5, 2
    local rest = parts:fit(x, y, options)
    assert.same({ 3, 4, 5 }, rest.epoch)
    assert.equal(long.history.loss[5], rest.history.loss[3])
    assert.is_true(same_weights(whole, parts))
  end)

  it("goes on with a history that is given", function()
    local model, record = net(), callbacks.History()
    model:fit(x, y, { epochs = 2, verbose = 0, callbacks = { record } })
    assert.equal(record, model:fit(x, y, { initial_epoch = 2, epochs = 3, verbose = 0, callbacks = { record } }))
    assert.same({ 1, 2, 3 }, record.epoch)
    local other = callbacks.History()
    other:restore(record:state())
    assert.same(record.history, other.history)
    assert.equal(tostring(record), tostring(model.history))
  end)

  it("weights the loss by classes, but not the metrics and not the validation", function()
    local function first(options)
      options.verbose, options.shuffle, options.batch_size = 0, false, 30
      return net { optimizer = lubdub.optimizers.SGD { learning_rate = 0 } }:fit(x, y, options).history
    end
    local plain = first { validation_data = { x, y } }
    local double = first { class_weight = { 2, 2, 2 }, validation_data = { x, y } }
    assert.near(2 * plain.loss[1], double.loss[1], 1e-6)
    assert.equal(plain.accuracy[1], double.accuracy[1])
    assert.near(plain.loss[1], double.val_loss[1], 1e-6)
    assert.equal(plain.val_loss[1], double.val_loss[1])
    local one = first { class_weight = { [2] = 0 } }
    local list = {}
    for i = 1, 30 do list[i] = y[i][2] == 1 and 0 or 1 end
    assert.equal(one.loss[1], first { sample_weight = Tensor(list) }.loss[1])
    assert.equal(one.loss[1], first { sample_weight = Tensor(list):reshape { 30, 1 } }.loss[1])
    assert.is_true(one.loss[1] < plain.loss[1])
  end)

  it("splits off the last rows for validation", function()
    local function run(options)
      options.verbose, options.seed, options.epochs = 0, 1, 3
      local model = net()
      return model, (options.validation_split and model:fit(x, y, options)
        or model:fit(x:slice(1, 1, 21), y:slice(1, 1, 21), options)).history
    end
    local a, split = run { validation_split = 0.3 }
    local b, given = run { validation_data = { x:slice(1, 22, 30), y:slice(1, 22, 30) } }
    assert.same(given, split)
    assert.is_true(same_weights(a, b))
  end)

  it("validates when validation_freq says so", function()
    local function count(freq)
      return #(net():fit(x, y, { epochs = 6, verbose = 0, validation_freq = freq,
        validation_data = { x, y } }).history.val_loss or {})
    end
    assert.equal(6, count(nil))
    assert.equal(3, count(2))
    assert.equal(1, count { 4, 9 })
    assert.equal(0, count(7))
  end)

  it("takes a batch source in place of tensors", function()
    local calls = {}
    local inner = batches.of_tensors(x, y, nil, { batch_size = 8 })
    local function source(epoch, seed)
      calls[#calls + 1] = epoch
      return inner(epoch, seed)
    end
    local a, b = net(), net()
    local with_tensors = a:fit(x, y, { epochs = 3, batch_size = 8, seed = 2, verbose = 0, class_weight = { 1, 2 },
      validation_batch_size = 32, validation_data = { x, y, Tensor.ones { 30 } } })
    local with_source = b:fit(source, { epochs = 3, seed = 2, verbose = 0, class_weight = { 1, 2 },
      validation_data = function() return batches.of_tensors(x, y, nil, { shuffle = false })(1, 0) end })
    assert.is_true(same_weights(a, b))
    assert.same(with_tensors.history, with_source.history)
    assert.same({ 1, 2, 3 }, calls)
    assert.equal(a:evaluate(x, y).loss, a:evaluate(batches.of_tensors(x, y, nil, { shuffle = false })).loss)
  end)

  it("takes so many batches of a source as steps_per_epoch says", function()
    local warned = {}
    warning.on_warning(function(message) warned[#warned + 1] = message end)
    local function source() return batches.of_tensors(x, y, nil, { batch_size = 5 })(1, 1) end
    local seen = 0
    local count = callbacks.LambdaCallback { on_train_batch_end = function() seen = seen + 1 end }
    net():fit(source, { epochs = 2, steps_per_epoch = 4, callbacks = { count }, verbose = 0 })
    assert.equal(8, seen)
    assert.same({}, warned)
    net():fit(source, { steps_per_epoch = 9, verbose = 0 })
    warning.on_warning(nil)
    assert.equal("fit: epoch 1 had 6 batches where steps_per_epoch = 9 asked for more", warned[1])
  end)

  it("calls callbacks in Keras' order", function()
    local events = {}
    local spy = setmetatable({}, { __index = function(_, event)
      if event:find "^on_" and event ~= "on_train_interrupt" then
        return function(_, a, b)
          local loss = type(a) == "table" and a.loss or type(b) == "table" and b.loss
          events[#events + 1] = event .. (type(a) == "number" and " " .. a or "") .. (loss and " loss" or "")
        end
      end
    end })
    net():fit(x, y, { epochs = 1, batch_size = 16, callbacks = spy, verbose = 0, validation_data = { x, y } })
    assert.same({ "on_train_begin", "on_epoch_begin 1", "on_train_batch_begin 1", "on_train_batch_end 1 loss",
      "on_train_batch_begin 2", "on_train_batch_end 2 loss", "on_test_begin", "on_test_batch_begin 1",
      "on_test_batch_end 1 loss", "on_test_batch_begin 2", "on_test_batch_end 2 loss", "on_test_end loss",
      "on_epoch_end 1 loss", "on_train_end loss" }, events)
  end)

  it("keeps what callbacks add to the logs, and obeys stop_training", function()
    local history = net():fit(x, y, { epochs = 9, verbose = 0, callbacks = { {
      on_epoch_end = function(self, epoch, logs)
        logs.extra = epoch * 10
        if epoch == 3 then self.model.stop_training = true end
      end,
    } } })
    assert.same({ 10, 20, 30 }, history.history.extra)
    assert.equal(3, #history.history.loss)
  end)

  it("saves the best model under a checkpoint's name", function()
    local folder = os.tmpname()
    os.remove(folder)
    local model = net { optimizer = lubdub.optimizers.Adam { learning_rate = 0.02 } }
    local history = model:fit(x, y, { epochs = 6, verbose = 0, validation_data = { x, y }, callbacks = {
      callbacks.ModelCheckpoint { path = folder .. "/{epoch:02d}.h5", save_best_only = true },
      callbacks.EarlyStopping { patience = 9, restore_best_weights = true },
    } }).history
    local best = 1
    for epoch, loss in ipairs(history.val_loss) do best = loss < history.val_loss[best] and epoch or best end
    local loaded = assert(lubdub.load_model(("%s/%02d.h5"):format(folder, best)))
    assert.is_true(same_weights(model, loaded))
    assert.is_true(model:predict(x):equal(loaded:predict(x)))
    for epoch = 1, 6 do os.remove(("%s/%02d.h5"):format(folder, epoch)) end
    assert.is_true(os.remove(folder))
  end)

  it("computes a program's own metrics", function()
    local model = net()
    model:compile { optimizer = "sgd", loss = "categorical_crossentropy", metrics = { "acc",
      rows = function(truth, outputs) return truth:shape(1) + outputs:shape(2) / 10 end } }
    local history = model:fit(x, y, { batch_size = 20, verbose = 0 })
    assert.near((20 * 20.3 + 10 * 10.3) / 30, history.history.rows[1], 1e-12)
    assert.truthy(history.history.acc)
    assert.same({ "acc", "rows" }, model.metrics)
  end)

  it("knows yes-or-no accuracy", function()
    local accuracy = lubdub.metrics.Accuracy()
    assert.equal(0.75, accuracy(Tensor { { 0 }, { 1 }, { 1 }, { 0 } }, Tensor { { 0.1 }, { 0.3 }, { 0.7 }, { 0.5 } }))
    accuracy:reset_state()
    assert.equal(0.5, accuracy(Tensor { { 1, 0 }, { 1, 0 } }, Tensor { { 0.5, 0.5 }, { 0.4, 0.6 } }))
  end)

  it("allocates nothing but small tables once it runs", function()
    local model = net()
    local trainer, kilobytes = nil, {}
    model:fit(x, y, { epochs = 30, batch_size = 8, verbose = 0, callbacks = { {
      on_epoch_end = function(_, epoch)
        trainer = trainer or { model.trainer:allocations() }
        collectgarbage()
        kilobytes[epoch] = collectgarbage "count"
      end,
    } } })
    assert.equal(trainer[1], (model.trainer:allocations()))
    assert.is_true(kilobytes[30] - kilobytes[10] < 8, "Lua's memory grows by more than the history")
  end)

  it("warns once where the loss becomes NaN", function()
    local warned = {}
    warning.on_warning(function(message) warned[#warned + 1] = message end)
    local model = net { optimizer = lubdub.optimizers.SGD { learning_rate = 1e30 } }
    model:fit(x, y, { epochs = 4, batch_size = 10, verbose = 0, shuffle = false })
    progress.redirect({ write = function() end, flush = function() end })
    model = net { optimizer = lubdub.optimizers.SGD { learning_rate = 1e30 } }
    local ended = model:fit(x, y, { epochs = 4, verbose = 0, callbacks = { callbacks.TerminateOnNaN() } })
    progress.redirect()
    warning.on_warning(nil)
    assert.truthy(warned[1]:find("fit: the loss became NaN in batch %d of epoch %d"))
    assert.is_true(#warned <= 2)
    assert.is_true(#ended.epoch <= 4)
  end)
end)

describe("a batch source", function()
  it("is asked once for each epoch where the model is built", function()
    local x, y = data()
    local asked = {}
    local function source(epoch)
      asked[#asked + 1] = epoch
      local batch = 0
      return function()
        batch = batch + 1
        if batch <= 2 then return x, y end
      end
    end
    local model = net()
    model:fit(source, { epochs = 2, verbose = 0 })
    model:evaluate(source, { verbose = 0 })
    assert.same({ 1, 2, 1 }, asked)
  end)
end)

describe("fit, evaluate and predict refuse", function()
  local x, y = data()

  local function wrong(message, options, a, b)
    local model = net()
    local before = model:get_weights()
    options = options or {}
    options.verbose = 0
    assert.error_matches(function() model:fit(a or x, b or y, options) end, message)
    for i, weight in ipairs(model:get_weights()) do assert.is_true(weight:equal(before[i])) end
  end

  it("shapes that do not fit, with what was expected and what came", function()
    wrong("fit: x must be %(n, 6, 7, 1%), got %(30, 6, 6, 1%)", {}, x:slice(3, 1, 6))
    wrong("fit: y must be %(n, 3%), got %(30, 2%)", {}, x, y:slice(2, 1, 2))
    wrong("fit: x has 30 rows and y has 4", {}, x, y:slice(1, 1, 4))
    wrong("fit: x must be a tensor, got table", {}, { 1 })
    wrong("fit: validation x must be %(n, 6, 7, 1%)", { validation_data = { x:slice(3, 1, 6), y } })
    wrong("fit: validation_data must be { x, y }", { validation_data = x })
    wrong("fit: validation_data has no y", { validation_data = { x } })
    wrong("fit: sample_weight must be %(n,%), got %(30, 3%)", { sample_weight = y })
    wrong("fit: x has 30 rows and sample_weight has 3", { sample_weight = Tensor.ones { 3 } })
    local model = net()
    assert.error_matches(function() model:predict(x:slice(2, 1, 3)) end, "predict: x must be %(n, 6, 7, 1%)")
    assert.error_matches(function() model:predict(x[1]) end, "got %(6, 7, 1%)")
    assert.error_matches(function() model:evaluate(x) end, "evaluate: y is missing")
    assert.error_matches(function() model:fit(x) end, "fit: y is missing")
    assert.error_matches(function() model:predict(x:slice(1, 2, 1)) end, "x has no rows")
    for _, size in ipairs { 0, -1, 1.5, "8" } do
      assert.error_matches(function() model:predict(x, { batch_size = size }) end, "predict: batch_size must be")
      assert.error_matches(function() model:evaluate(x, y, { batch_size = size }) end, "evaluate: batch_size must be")
      assert.error_matches(function() model:evaluate(x, y, { steps = size }) end, "evaluate: steps must be a whole")
    end
  end)

  it("values that are not finite, with the row", function()
    for _, value in ipairs { 0 / 0, math.huge, -math.huge } do
      local bad = x:clone()
      bad[17][2][3][1] = value
      local what = value ~= value and "NaN" or "an infinite value"
      wrong("fit: x has " .. what .. " in row 17", {}, bad)
      wrong("fit: validation x has " .. what .. " in row 17", { validation_data = { bad, y } })
      assert.error_matches(function() net():predict(bad) end, "predict: x has " .. what .. " in row 17")
    end
    local bad = y:clone()
    bad[30][1] = 0 / 0
    wrong("fit: y has NaN in row 30", {}, x, bad)
    local huge = Tensor.full { 4, 6, 7, 1, value = 3e38 }
    assert.equal(4, #net():predict(huge), "large values are values")
  end)

  it("class weights for classes that are not there", function()
    wrong("class_weight has the key 0, but the classes are counted from 1 to 3", { class_weight = { [0] = 1 } })
    wrong("class_weight has the key 4", { class_weight = { 1, 1, 1, 1 } })
    wrong("class_weight has the key 'murmur'", { class_weight = { murmur = 1 } })
    wrong("class_weight has the key 1.5", { class_weight = { [1.5] = 1 } })
    wrong("class_weight%[2%] must be a number of at least 0, got %-1", { class_weight = { 1, -1 } })
    wrong("class_weight must be a table", { class_weight = 3 })
    wrong("cannot be given together", { class_weight = { 1 }, sample_weight = Tensor.ones { 30 } })
  end)

  it("options that make no sense", function()
    wrong("unknown option 'epoch'; did you mean 'epochs'", { epoch = 3 })
    wrong("epochs must be a whole number of at least 0, got 1.5", { epochs = 1.5 })
    wrong("batch_size must be a whole number of at least 1, got 0", { batch_size = 0 })
    wrong("validation_split must be at least 0 and below 1, got 1", { validation_split = 1 })
    wrong("validation_split = 0.98 of 30 rows leaves one part empty", { validation_split = 0.98 })
    wrong("seed must be a whole number", { seed = 1.5 })
    wrong("shuffle must be true or false, got batch", { shuffle = "batch" })
    wrong("callbacks must be a list", { callbacks = 3 })
    wrong("callback 1 is a class; call it: callbacks.EarlyStopping { }", { callbacks = { callbacks.EarlyStopping } })
    wrong("callback 2 must be a table, got string", { callbacks = { {}, "x" } })
    local model, ones = lubdub.Sequential { layers.Input { 2 }, layers.Dense { units = 2 } }, Tensor.ones { 1, 2 }
    assert.error_matches(function() model:fit(ones, ones) end, "fit: the model is not compiled")
    assert.error_matches(function() model:evaluate(ones, ones) end, "evaluate: the model has no loss")
  end)

  it("batch sources that are none", function()
    local function bad(message, source, options)
      options = options or {}
      options.verbose = 0
      assert.error_matches(function() net():fit(source, options) end, message)
    end
    local function one(...)
      local batch = table.pack(...)
      return function()
        local done = false
        return function()
          if done then return nil end
          done = true
          return table.unpack(batch, 1, batch.n)
        end
      end
    end
    bad("fit: batch 1 of epoch 1: y is missing", one(x))
    bad("fit: batch 1 of epoch 1: y must be %(n, 3%)", one(x, y:slice(2, 1, 2)))
    bad("batch_size is the batch source's own matter", one(x, y), { batch_size = 3 })
    bad("validation_split needs tensors", one(x, y), { validation_split = 0.2 })
    bad("cannot be given together", one(x, y, Tensor.ones { 30 }), { class_weight = { 1 } })
  end)
end)

describe("evaluate and predict", function()
  local x, y = data()

  it("do not depend on the batch size", function()
    local model = net()
    model:fit(x, y, { epochs = 3, verbose = 0 })
    local all = model:predict(x, { batch_size = 30 })
    assert.same({ 30, 3 }, all:shape())
    for _, size in ipairs { 1, 7, 29, 100 } do
      assert.is_true(all:equal(model:predict(x, { batch_size = size })))
      assert.near(model:evaluate(x, y).loss, model:evaluate(x, y, { batch_size = size }).loss, 1e-6)
    end
  end)

  it("give results that print and have names and numbers", function()
    local model = net()
    local result = model:evaluate(x, y, { return_dict = true })
    assert.equal(result.loss, result[1])
    assert.equal(result.accuracy, result[2])
    assert.equal(2, #result)
    assert.truthy(tostring(result):find("^loss: %d%.%d%d%d%d %- accuracy: %d%.%d%d%d%d$"))
  end)

  it("weight rows by sample_weight", function()
    local model = net()
    local half = model:evaluate(x, y, { sample_weight = Tensor.full { 30, value = 0.5 } })
    assert.near(0.5 * model:evaluate(x, y).loss, half.loss, 1e-6)
    assert.equal(model:evaluate(x, y).accuracy, half.accuracy)
  end)

  it("predict needs no compile and changes nothing", function()
    local model = lubdub.Sequential { layers.Input { 4 }, layers.Dropout { rate = 0.5 }, layers.Dense { units = 2 } }
    local input = Tensor.randn { 5, 4, seed = 1 }
    assert.is_true(model:predict(input):equal(model:predict(input)))
  end)
end)

describe("an interrupt", function()
  local x, y = data()

  -- Raises an error after `count` Lua instructions, as Ctrl-C in the REPL does.
  local function interrupted(count, f)
    local function strike()
      debug.sethook()
      error("interrupted!", 0)
    end
    local ok, message = pcall(function()
      debug.sethook(strike, "", count)
      f()
      debug.sethook()
    end)
    debug.sethook()
    return not ok and message or nil
  end

  it("leaves model, history and callbacks usable, wherever it strikes", function()
    local seen = {}
    for count = 50, 150000, 2111 do
      local path = os.tmpname()
      local model = net { rate = 0.2 }
      local logger = callbacks.CSVLogger(path)
      local message = interrupted(count, function()
        model:fit(x, y, { epochs = 12, batch_size = 8, verbose = 0, validation_data = { x, y }, seed = 4,
          callbacks = { logger, callbacks.EarlyStopping { patience = 2, restore_best_weights = true } } })
      end)
      os.remove(path)
      assert.equal("interrupted!", message or "interrupted!")
      if message then
        local history = model.history
        if history then
          seen[#history.epoch] = true
          for name, list in pairs(history.history) do assert.equal(#history.epoch, #list, name) end
        end
        assert.is_nil(logger.file, "the file is closed")
      end
      for _, weight in ipairs(model:get_weights()) do assert.truthy(weight:sum() - weight:sum() == 0) end
      local further = model:fit(x, y, { epochs = 1, verbose = 0 })
      assert.equal(1, #further.epoch)
    end
    assert.is_true(seen[0] and seen[1] and seen[2], "interrupts were tried in several epochs")
  end)

  it("between the parts of a step leaves the weights as before it", function()
    local model = net()
    model:fit(x, y, { verbose = 0 })
    local before, iterations = model:get_weights(), model.trainer.iterations
    model.trainer:begin_step(x, y)
    -- abandoned here
    model:evaluate(x, y)
    for i, weight in ipairs(model:get_weights()) do assert.is_true(weight:equal(before[i])) end
    assert.equal(iterations, model.trainer.iterations)
  end)

  it("during set_weights brings the old weights back", function()
    local model, other = net { seed = 1 }, net { seed = 2 }
    local old, new = model:get_weights(), other:get_weights()
    local struck = 0
    for count = 1, 400, 3 do
      model:set_weights(old)
      local message = interrupted(count, function() model:set_weights(new) end)
      struck = struck + (message and 1 or 0)
      local now = model:get_weights()
      local is_old, is_new = true, true
      for i = 1, #now do
        is_old, is_new = is_old and now[i]:equal(old[i]), is_new and now[i]:equal(new[i])
      end
      assert.is_true(is_old or is_new, "half of the weights were set")
    end
    assert.is_true(struck > 20)
  end)

  it("by a failing callback leaves the training state intact", function()
    local model = net()
    function model.save(_, path) return nil, path .. ": No space left on device" end
    assert.error_matches(function()
      model:fit(x, y, { epochs = 5, verbose = 0, callbacks = { callbacks.ModelCheckpoint "x.h5" } })
    end, "^ModelCheckpoint: x.h5: No space left on device$")
    assert.equal(1, model.trainer.iterations)
    model:fit(x, y, { epochs = 2, verbose = 0 })
    assert.equal(3, model.trainer.iterations)
  end)
end)
