-- BackupAndRestore: a training that was interrupted anywhere ends as one that never was. Here by errors, at every
-- event; spec/kill_spec.lua has the kills.
local lfs = require "lfs"

local backup = require "lubdub.backup"
local lubdub = require "lubdub"
local pack = require "lubdub.pack"
local progress = require "lubdub.progress"
local temporary = require "support.temporary"
local trainings = require "support.trainings"

local callbacks, layers = lubdub.callbacks, lubdub.layers

-- Runs a training that stops with an error at the n-th call of an event.
local function broken_off(name, folder, path, event, n)
  local count = 0
  local breaker = { kind = "breaker", [event] = function()
    count = count + 1
    if count == n then error("broken off", 0) end
  end }
  return pcall(trainings.run, name, folder, function(options)
    table.insert(options.callbacks, callbacks.BackupAndRestore(path))
    table.insert(options.callbacks, event == "on_epoch_begin" and 1 or #options.callbacks, breaker)
  end)
end

describe("BackupAndRestore", function()
  local folder, remove
  before_each(function()
    folder, remove = temporary.folder()
    lubdub.on_warning(function() end) -- epochs that are shorter than the others
  end)
  after_each(function()
    remove()
    progress.redirect()
    lubdub.on_warning(nil)
  end)

  for _, name in ipairs(trainings.names) do
    it("lets the training '" .. name .. "' end as if it had not been interrupted", function()
      local function start_anew() temporary.write(folder, "log.csv", "# earlier\r\n") end
      start_anew()
      local expected = trainings.run(name, folder)
      local breaks = 0
      for round, event in ipairs { "on_epoch_begin", "on_train_batch_end", "on_epoch_end", "on_epoch_begin",
        "on_train_end" } do
        local path, where = folder .. "/backups/x" .. round, {}
        start_anew()
        local ok, result
        for n = round > 3 and 1 or 2, 40 do -- the fourth: at the first epoch again and again
          ok, result = broken_off(name, folder, path, event, round > 3 and 1 or n)
          if ok or n == 12 then break end
          assert.equal("broken off", result)
          breaks = breaks + 1
          where[#where + 1] = n
        end
        if not ok then
          result = trainings.run(name, folder, function(options)
            table.insert(options.callbacks, { kind = "breaker", on_epoch_begin = function() end })
            if event == "on_epoch_begin" then
              table.insert(options.callbacks, 1, table.remove(options.callbacks))
            end
            table.insert(options.callbacks, callbacks.BackupAndRestore(path))
          end)
        end
        assert.equal(expected, result, event .. " " .. table.concat(where, " "))
        assert.is_nil(lfs.attributes(path), "the file goes when the training ends")
      end
      assert.is_true(breaks > 10, breaks)
      assert.equal("", temporary.names(folder .. "/backups"))
    end)
  end

  local x, y = lubdub.Tensor.randn { 12, 3, seed = 1 }, lubdub.Tensor.randn { 12, 1, seed = 2 }

  local function new_model(units, optimizer)
    local model = lubdub.Sequential { layers.Input { 3 }, layers.Dense { units = units or 4, activation = "tanh" },
      layers.Dense { units = 1 }, seed = 1 }
    model:compile { optimizer = optimizer or "adam", loss = "mse" }
    return model
  end

  local function fit(model, path, change)
    local inputs, options = x, { epochs = 3, verbose = 0, seed = 1, callbacks = {
      callbacks.BackupAndRestore { path = path, delete_checkpoint = false } } }
    for name, value in pairs(change or {}) do
      if name == "callback" then table.insert(options.callbacks, value)
      elseif name == "x" then inputs = value
      else options[name] = value end
    end
    return model:fit(inputs, y, options)
  end

  it("goes on with more epochs where the file was kept", function()
    local path = folder .. "/b"
    local whole = new_model()
    local expected = whole:fit(x, y, { epochs = 5, verbose = 0, seed = 1 })
    fit(new_model(), path)
    local model = new_model()
    local history = fit(model, path, { epochs = 5 })
    assert.same(expected.history, history.history)
    assert.same({ 1, 2, 3, 4, 5 }, history.epoch)
    for i, weight in ipairs(whole:get_weights()) do
      assert.equal(weight:to_bytes(), model:get_weights()[i]:to_bytes())
    end
    local again = new_model()
    assert.same(expected.history, fit(again, path, { epochs = 5 }).history, "nothing is left to be done")
    assert.equal(whole:get_weights()[1]:to_bytes(), again:get_weights()[1]:to_bytes())
    assert.equal(5, again.trainer.iterations)
  end)

  it("keeps the end of a training that a callback stopped", function()
    local path, said = folder .. "/b", {}
    local function stopping() return { callback = callbacks.EarlyStopping { monitor = "loss", min_delta = 9,
      patience = 2, restore_best_weights = true, verbose = 1 }, epochs = 20 } end
    progress.redirect { write = function(_, ...) said[#said + 1] = table.concat { ... } end, flush = function() end }
    local model = new_model()
    local first = fit(model, path, stopping())
    local told = table.concat(said)
    said = {}
    assert.is_true(#first.epoch < 20)
    local other = new_model()
    local second = fit(other, path, stopping())
    assert.same(first.history, second.history)
    assert.equal(told, table.concat(said))
    assert.equal(model:get_weights()[1]:to_bytes(), other:get_weights()[1]:to_bytes())
  end)

  it("takes a file, or a folder, and says that it goes on", function()
    local said = {}
    progress.redirect { write = function(_, ...) said[#said + 1] = table.concat { ... } end, flush = function() end }
    for _, case in ipairs { { folder .. "/a/", "/a/backup.lubdub" },
      { { backup_dir = folder .. "/b" }, "/b/backup.lubdub" }, { { filepath = folder .. "/c/d" }, "/c/d" },
      { folder, "/backup.lubdub" } } do
      local given = type(case[1]) == "table" and case[1] or { path = case[1] }
      given.delete_checkpoint = false
      for _ = 1, 2 do
        new_model():fit(x, y, { seed = 1, verbose = 2, callbacks = { callbacks.BackupAndRestore(given) } })
      end
      assert.is_table(backup.read(folder .. case[2]), case[2])
      local line = ("BackupAndRestore: going on behind epoch 1 (%s%s)"):format(folder, case[2])
      assert.truthy(table.concat(said):find(line, 1, true))
    end
  end)

  it("is not needed where a saved model goes on", function()
    local function train(model, given)
      given.verbose, given.seed, given.validation_data = 0, 3, { x, y }
      given.callbacks = { callbacks.LearningRateScheduler(function(epoch) return 0.1 / epoch end) }
      return model:fit(x, y, given)
    end
    for _, kind in ipairs { "Adam", "SGD", "RMSprop", "AdamW" } do
      local function made()
        local given = kind == "SGD" and { momentum = 0.9 } or kind == "AdamW" and { amsgrad = true } or {}
        return new_model(4, lubdub.optimizers[kind](given))
      end
      local whole = made()
      local expected = train(whole, { epochs = 5, batch_size = 5 })
      local first = made()
      train(first, { epochs = 2, batch_size = 5 })
      assert(first:save(folder .. "/m.keras"))
      assert(first:save(folder .. "/m.h5", { optimizer = true }))
      assert(first:save_weights(folder .. "/m.weights.h5"))
      local third = made()
      assert(third:load_weights(folder .. "/m.weights.h5"))
      for _, model in ipairs { assert(lubdub.load_model(folder .. "/m.keras")),
        assert(lubdub.load_model(folder .. "/m.h5")), third } do
        assert.equal(first.trainer.iterations, model.trainer.iterations)
        local history = train(model, { epochs = 5, initial_epoch = 2, batch_size = 5 })
        assert.same({ table.unpack(expected.history.val_loss, 3) }, history.history.val_loss)
        for i, weight in ipairs(whole:get_weights()) do
          assert.equal(weight:to_bytes(), model:get_weights()[i]:to_bytes())
        end
      end
    end
  end)

  it("tells what makes another training of it, and changes nothing", function()
    local path = folder .. "/b"
    local function wrong(message, model, change)
      local before, kept = model:get_weights()[1]:to_bytes(), io.open(path, "rb"):read "a"
      local ok, problem = pcall(fit, model, path, change)
      assert.is_false(ok)
      message = ("BackupAndRestore: %s: is of another training: %s"):format(path, message)
      assert.truthy(problem:find(message, 1, true), problem)
      assert.truthy(problem:find("to train anew, remove the file, or give another path", 1, true))
      assert.equal(before, model:get_weights()[1]:to_bytes())
      assert.equal(kept, io.open(path, "rb"):read "a")
      assert.equal(0, model.trainer.iterations)
    end
    fit(new_model(), path, { callback = callbacks.EarlyStopping { monitor = "loss", patience = 9 } })
    local stopping = { callback = callbacks.EarlyStopping { monitor = "loss", patience = 9 } }
    local function with(change)
      change.callback = change.callback or callbacks.EarlyStopping { monitor = "loss", patience = 9 }
      return change
    end
    wrong("layer 1 is Dense(units = 4, activation = \"tanh\"), kernel (3, 4), bias (4,) there and Dense(units = 5",
      new_model(5), stopping)
    local frozen = new_model()
    frozen.layers[2].trainable = false
    frozen:compile { optimizer = "adam", loss = "mse" }
    wrong("layer 2 is Dense(units = 1), kernel (4, 1), bias (1,) there and Dense(units = 1), kernel (4, 1), bias (1,), "
      .. "not trainable here", frozen, stopping)
    wrong("the optimizer is Adam(", new_model(4, "sgd"), stopping)
    wrong("the learning rate at the beginning is 0.001 there and 0.01 here",
      new_model(4, lubdub.optimizers.Adam { learning_rate = 0.01 }), stopping)
    wrong("training x is (12, 3) with contents ", new_model(), with { x = x * 2 })
    wrong("validation x is missing there and (12, 3) with", new_model(), with { validation_data = { x, y } })
    wrong("fit's option batch_size is none there and 4 here", new_model(), with { batch_size = 4 })
    wrong("fit's option shuffle is true there and none here", new_model(), with { shuffle = false })
    wrong("training sample weights is missing there", new_model(), with { sample_weight = lubdub.Tensor.ones { 12 } })
    wrong("the seed is 1 there and 2 here", new_model(), with { seed = 2 })
    wrong("callback 1 is EarlyStopping(monitor = \"loss\", patience = 9) there and EarlyStopping(monitor = \"loss\", "
      .. "patience = 8) here", new_model(), { callback = callbacks.EarlyStopping { monitor = "loss", patience = 8 } })
    wrong("callback 1 is EarlyStopping(monitor = \"loss\", patience = 9) there and missing here", new_model(), {})
    -- before the first epoch is done there is nothing to be lost
    local breaker = { on_epoch_end = function() error "broken off" end }
    assert.is_false(pcall(fit, new_model(), folder .. "/c", { callback = breaker }))
    assert.is_true(backup.read(folder .. "/c").is_new)
    fit(new_model(5), folder .. "/c")
    assert.equal(3, backup.read(folder .. "/c").epoch)
    -- a lone `verbose` is no other training
    fit(new_model(), path, { callback = callbacks.EarlyStopping { monitor = "loss", patience = 9, verbose = 1 } })
  end)

  it("goes on in the same process, whatever a callback made of the rate", function()
    local function options(breaks)
      return { epochs = 6, verbose = 0, seed = 1, callbacks = {
        callbacks.LearningRateScheduler(function(_, rate) return rate / 2 end),
        { on_epoch_end = function(_, epoch) if epoch == breaks then error "broken off" end end },
        callbacks.BackupAndRestore(folder .. "/b") } }
    end
    local expected = new_model()
    expected:fit(x, y, options())
    local model = new_model()
    for _, epoch in ipairs { 3, 3, 5 } do assert.is_false(pcall(model.fit, model, x, y, options(epoch))) end
    local history = model:fit(x, y, options())
    assert.equal(6, #history.epoch)
    assert.equal(expected:get_weights()[1]:to_bytes(), model:get_weights()[1]:to_bytes())
    assert.equal(0.001 / 64, model.optimizer.learning_rate)
    -- and the next training begins where this one ended
    fit(model, folder .. "/c")
    assert.equal(0.001 / 64, backup.read(folder .. "/c").first_rate)
  end)

  it("refuses damaged files, and leaves them as they are", function()
    local path = folder .. "/b"
    fit(new_model(), path)
    local whole = io.open(path, "rb"):read "a"
    local function wrong(text, message)
      temporary.write(folder, "b", text)
      local model = new_model()
      local ok, problem = pcall(fit, model, path)
      assert.is_false(ok)
      assert.equal("BackupAndRestore: " .. path .. ": " .. message, problem)
      assert.equal(text, io.open(path, "rb"):read "a")
    end
    local damaged = "is damaged: its checksum is another one"
    wrong("", "the file is empty")
    wrong("hello", "is no backup of lubdub")
    wrong("\137HDF\r\n\26\n" .. ("x"):rep(5000), "is no backup of lubdub")
    wrong(whole:gsub("^lubdub backup 1", "lubdub backup 2"), "is the backup of another version of lubdub")
    wrong(whole:sub(1, 20), damaged)
    wrong(whole:sub(1, -2), damaged)
    wrong(whole .. "x", damaged)
    for i = 17, #whole, #whole // 23 do
      wrong(whole:sub(1, i - 1) .. string.char(whole:byte(i) ~ 4) .. whole:sub(i + 1), damaged)
    end
    -- what cannot be read at all
    local ok, problem = pcall(fit, new_model(), path .. "/under")
    assert.is_false(ok)
    assert.equal(("BackupAndRestore: %s/under: Not a directory"):format(path), problem)
  end)

  it("says where it cannot write, and whose state it cannot keep", function()
    local ok, problem = pcall(fit, new_model(), "/dev/null/b")
    assert.is_false(ok)
    assert.truthy(problem:find "^BackupAndRestore: /dev/null/b: Not a directory", problem)
    ok, problem = pcall(fit, new_model(), folder .. "/b", { callback = {
      on_epoch_end = function() error "not reached" end, state = function() return { f = print } end } })
    assert.is_false(ok)
    assert.equal("BackupAndRestore: callback 1 (a table): state().f is a function; numbers, strings, booleans, tensors "
      .. "and tables of them can be kept", problem)
    assert.is_nil(lfs.attributes(folder .. "/b"))
  end)

  it("refuses options that it does not have", function()
    local function wrong(given, message)
      assert.error_matches(function() callbacks.BackupAndRestore(given) end, message, 1, true)
    end
    wrong({}, "BackupAndRestore: path must be the name of a file or folder, got nil")
    wrong("", "BackupAndRestore: path must be the name of a file or folder, got ''")
    wrong({ path = "a", save_freq = 10 }, "BackupAndRestore: save_freq must be \"epoch\", got 10")
    wrong({ path = "a", delete_checkpoint = 1 }, "BackupAndRestore: delete_checkpoint must be true or false, got 1")
    wrong({ path = "a", delete_chekpoint = true }, "did you mean 'delete_checkpoint'")
    local ok, problem = pcall(new_model().fit, new_model(), x, y, { verbose = 0, callbacks = {
      callbacks.BackupAndRestore(folder .. "/a"), callbacks.BackupAndRestore(folder .. "/b") } })
    assert.is_false(ok)
    assert.truthy(problem:find "fit: there are two callbacks BackupAndRestore")
  end)

  it("warns where lines of a log are gone", function()
    local warned, log = {}, folder .. "/log.csv"
    lubdub.on_warning(function(message) warned[#warned + 1] = message end)
    fit(new_model(), folder .. "/b", { callback = callbacks.CSVLogger(log) })
    temporary.write(folder, "log.csv", "")
    fit(new_model(), folder .. "/b", { callback = callbacks.CSVLogger(log), epochs = 4 })
    assert.same({ "CSVLogger: " .. log .. " is shorter than it was: lines of earlier epochs are missing" }, warned)
    assert.truthy(io.open(log, "rb"):read "a":find "^epoch,loss,val_loss\r\n3,[%d.]+,NA\r\n$")
  end)
end)

describe("values as bytes", function()
  it("come back exactly", function()
    local random = lubdub.random.RandomState(3)
    local tensor = lubdub.Tensor.randn { 2, 3, 4, seed = 1 }
    local value = { true, false, 1, 1.0, -0.0, math.huge, math.mininteger, "", "a\0b", 5e-324, { {}, x = { y = "z" } },
      [-3] = 0.1, [2.5] = "half", [true] = "yes", ["key \n"] = -math.huge }
    for i = 1, 100 do value["r" .. i] = random:random_sample() * 10 ^ random:randint(-300, 300) end
    local back = pack.decode(pack.encode(value, "value"))
    assert.same(value, back)
    assert.equal("integer", math.type(back[3]))
    assert.equal("float", math.type(back[4]))
    assert.equal(-math.huge, 1 / back[5])
    local nan = pack.decode(pack.encode(0 / 0, "value"))
    assert.is_true(nan ~= nan)
    for _, t in ipairs { tensor, tensor:transpose(), lubdub.Tensor.zeros { 0, 3 }, tensor:sum { axis = 1 },
      lubdub.Tensor(1.5) } do
      local copy = pack.decode(pack.encode({ t }, "value"))[1]
      assert.same(t:shape(), copy:shape())
      assert.equal(t:to_bytes(), copy:to_bytes())
    end
  end)

  it("refuse what has none, and bytes that are none", function()
    local function wrong(value, message)
      local ok, problem = pcall(pack.encode, value, "v")
      assert.is_false(ok)
      assert.equal(message, problem)
    end
    local own = {}
    own.list = { own }
    local kinds = "; numbers, strings, booleans, tensors and tables of them can be kept"
    wrong(print, "v is a function" .. kinds)
    wrong({ a = { coroutine.create(print) } }, "v.a.1 is a thread" .. kinds)
    wrong({ [layers.Dense { units = 1 }] = 1 }, "v, a key of it, is a userdata" .. kinds)
    wrong(own, "v.list.1 is inside itself")
    local text = pack.encode({ a = { 1, "two", 3.5, true }, b = lubdub.Tensor.ones { 3 } }, "v")
    for i = 0, #text - 1 do assert.is_false((pcall(pack.decode, text:sub(1, i)))) end
    assert.is_false((pcall(pack.decode, text .. "T")))
    assert.is_false((pcall(pack.decode, "t\255\255\255\255\255\255\255\127")))
    assert.is_false((pcall(pack.decode, ("t\1\0\0\0\0\0\0\0T"):rep(200000))))
  end)
end)
