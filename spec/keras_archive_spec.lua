-- .keras archives, files of weights alone, what the optimizer remembers, and what inspect tells.
local lubdub = require "lubdub"
local dkjson = require "dkjson"
local h5 = require "lubdub.h5"
local lfs = require "lfs"
local ramp = require "support.ramp"
local temporary = require "support.temporary"
local zip_of = require "support.zip"

local Tensor, layers, optimizers, Sequential = lubdub.Tensor, lubdub.layers, lubdub.optimizers, lubdub.Sequential
local folder, remove

setup(function() folder, remove = temporary.folder() end)
teardown(function() remove() end)

local function path(name) return folder .. "/" .. name end

local function slurp(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

local function spill(name, bytes)
  local file <close> = assert(io.open(path(name), "wb"))
  assert(file:write(bytes))
  return path(name)
end

local function warnings(f)
  local said = {}
  lubdub.on_warning(function(message) said[#said + 1] = message end)
  local ok, problem = pcall(f)
  lubdub.on_warning(nil)
  assert(ok, problem)
  return said
end

-- Weights of a layer of every form that has its own place in Keras' files.
local function model_with(optimizer, seed)
  local model = Sequential {
    layers.Input { 8, 3 },
    layers.Conv1D { filters = 4, kernel_size = 2, activation = "relu" },
    layers.BatchNormalization {},
    layers.Conv1D { filters = 3, kernel_size = 1, trainable = false },
    layers.Bidirectional { layers.LSTM { units = 3, return_sequences = true }, merge_mode = "sum" },
    layers.GRU { units = 2, return_sequences = true, use_bias = false },
    layers.LayerNormalization {},
    layers.Flatten {},
    layers.Dense { units = 3, activation = "softmax", kernel_regularizer = "l2" },
    seed = seed or 3,
  }
  if optimizer then
    model:compile { optimizer = optimizer, loss = "categorical_crossentropy", metrics = { "accuracy" } }
  end
  return model
end

local x, y = ramp { 6, 8, 3 }, lubdub.to_categorical({ 1, 2, 3, 1, 2, 3 }, 3)

local function train(model, steps)
  for _ = 1, steps do model:train_on_batch(x, y) end
  return model
end

local function bytes_of(model)
  local list = {}
  for i, weight in ipairs(model:get_weights()) do list[i] = weight:to_bytes() end
  return list
end

local every_optimizer = {
  sgd = function() return optimizers.SGD { learning_rate = 0.1 } end,
  momentum = function() return optimizers.SGD { learning_rate = 0.1, momentum = 0.9, nesterov = true } end,
  rmsprop = function() return optimizers.RMSprop { learning_rate = 0.01 } end,
  rmsprop_all = function() return optimizers.RMSprop { learning_rate = 0.01, momentum = 0.5, centered = true } end,
  adam = function() return optimizers.Adam { learning_rate = 0.01 } end,
  amsgrad = function() return optimizers.Adam { learning_rate = 0.01, amsgrad = true, global_clipnorm = 1.0 } end,
  adamw = function() return optimizers.AdamW { learning_rate = 1 / 3 } end,
  schedule = function()
    return optimizers.Adam { learning_rate = optimizers.schedules.ExponentialDecay { initial_learning_rate = 0.01,
      decay_steps = 2, decay_rate = 0.5 } }
  end,
}

describe("training goes on from a file, bit for bit:", function()
  for name, optimizer in pairs(every_optimizer) do
    it(name, function()
      local model = train(model_with(optimizer()), 3)
      assert.is_true(model:save(path "on.keras"))
      assert.is_true(model:save(path "on.h5", { optimizer = true }))
      assert.is_true(model:save_weights(path "on.weights.h5"))
      local from_weights = model_with(optimizer(), 4)
      local models
      assert.same({}, warnings(function()
        assert(from_weights:load_weights(path "on.weights.h5"))
        models = { assert(lubdub.load_model(path "on.keras")), assert(lubdub.load_model(path "on.h5")), from_weights }
      end))
      train(model, 3)
      for _, other in ipairs(models) do
        assert.equal(3, other.trainer.iterations)
        assert.same(model.optimizer:config(), train(other, 3).optimizer:config())
        assert.same(bytes_of(model), bytes_of(other))
      end
    end)
  end

  it("begins anew where the file has no memory, and where it does not fit", function()
    local model = train(model_with "adam", 2)
    assert.is_true(model:save(path "none.h5"))
    assert.is_true(model:save(path "none.keras", { optimizer = false }))
    local other = model_with "sgd"
    assert.same({}, warnings(function()
      assert.equal(0, assert(lubdub.load_model(path "none.h5")).trainer.iterations)
      assert.equal(0, assert(lubdub.load_model(path "none.keras")).trainer.iterations)
    end))
    assert.is_true(model:save_weights(path "adam.weights.h5"))
    assert.same({ path "adam.weights.h5" .. ": what the optimizer remembers is left out: 32 arrays are there, " ..
      "and SGD has 0" }, warnings(function() assert(other:load_weights(path "adam.weights.h5")) end))
    assert.equal(0, other.trainer.iterations)
    assert.same(bytes_of(model), bytes_of(other))
  end)

  it("takes the rate that a callback had changed", function()
    local model = train(model_with "adam", 1)
    model.optimizer.learning_rate = 0.1 / 3
    assert.is_true(model:save_weights(path "rate.weights.h5"))
    local other = model_with "adam"
    assert(other:load_weights(path "rate.weights.h5"))
    assert.near(0.1 / 3, other.optimizer.learning_rate, 1e-8)
  end)
end)

describe("a .keras archive", function()
  it("keeps layers, weights, labels, preprocessing and settings", function()
    local model = train(model_with(optimizers.Adam { learning_rate = 1 / 3000 }), 1)
    model.name, model.labels = "hearts", { "normal", "schön" }
    local mean = Tensor.randn { 4, seed = 1 }
    model.preprocessing = { { name = "mfcc", options = { sr = 22050, top_db = false } },
      { name = "center", options = { mean = mean } } }
    assert.is_true(model:save(path "kept.keras"))
    local back = assert(lubdub.load_model(path "kept.keras"))
    assert.equal("hearts", back.name)
    assert.same(model.labels, back.labels)
    assert.same(model.preprocessing[1], back.preprocessing[1])
    assert.equal(mean:to_bytes(), back.preprocessing[2].options.mean:to_bytes())
    for i, layer in ipairs(model.layers) do
      assert.equal(tostring(layer), tostring(back.layers[i]))
      assert.same({ layer.name, layer.trainable }, { back.layers[i].name, back.layers[i].trainable })
    end
    assert.same(model.optimizer:config(), back.optimizer:config())
    assert.equal(model:predict(x):to_bytes(), back:predict(x):to_bytes())
    assert.is_nil(assert(lubdub.load_model(path "kept.keras", { compile = false })).optimizer)
  end)

  it("holds what Keras' own holds", function()
    assert.is_true(model_with "adam":save(path "tree.keras"))
    local zip = require "lubdub.zip"
    local archive <close> = assert(zip.open(path "tree.keras"))
    assert.matches('^{"keras_version":"3%.%d+%.%d+","date_saved":"%d+%-%d%d%-%d%d@%d%d:%d%d:%d%d"}$',
      archive:read "metadata.json")
    local config = dkjson.decode(archive:read "config.json")
    assert.same({ "keras", "Sequential", "keras.layers" },
      { config.module, config.class_name, config.config.layers[2].module })
    assert.same({ "keras.optimizers", "Adam" },
      { config.compile_config.optimizer.module, config.compile_config.optimizer.class_name })
    local file <close> = assert(h5.open_buffer(archive:read "model.weights.h5", "weights"))
    local expected = {
      ["/layers/conv1d/vars"] = { "0", "1" }, ["/layers/conv1d_1/vars"] = { "0", "1" },
      ["/layers/batch_normalization/vars"] = { "0", "1", "2", "3" }, ["/layers/bidirectional/vars"] = {},
      ["/layers/bidirectional/forward_layer/cell/vars"] = { "0", "1", "2" },
      ["/layers/bidirectional/backward_layer/cell/vars"] = { "0", "1", "2" },
      ["/layers/gru/vars"] = {}, ["/layers/gru/cell/vars"] = { "0", "1" },
      ["/layers/flatten/vars"] = {}, ["/vars"] = {},
    }
    for group, members in pairs(expected) do assert.same(members, file:members(group), group) end
    assert.equal("conv1d_1", file:attribute("/layers/conv1d_1/vars", "name"))
    assert.equal("lstm_cell", file:attribute("/layers/bidirectional/forward_layer/cell/vars", "name"))
    -- steps, rate, and two arrays for each of the 16 weights that train
    assert.equal(34, #file:members "/optimizer/vars")
    assert.equal(1, select("#", archive:read "none"))
  end)

  it("is replaced whole, or stays", function()
    local model, other = model_with(), model_with(nil, 9)
    assert.is_true(model:save(path "old.keras"))
    os.execute(("ln -sf /dev/full '%s'"):format(path "full.keras"))
    for name, reason in pairs {
      ["none/m.keras"] = "No such file or directory", ["old.keras/m.keras"] = "Not a directory",
      ["full.keras"] = "No space left on device",
    } do
      assert.same({ nil, path(name) .. ": " .. reason }, { other:save(path(name)) })
    end
    assert.same(bytes_of(model), bytes_of(assert(lubdub.load_model(path "old.keras"))))
    assert.is_true(other:save(path "old.keras"))
    assert.same(bytes_of(other), bytes_of(assert(lubdub.load_model(path "old.keras"))))
    for name in lfs.dir(folder) do assert.is_nil(name:find "%.part$") end
  end)

  it("is known by its contents, whatever its name", function()
    local model = model_with()
    assert.is_true(model:save(path "a.keras"))
    assert.is_true(model:save(path "b.h5"))
    spill("c.h5", slurp(path "a.keras"))
    spill("d.keras", slurp(path "b.h5"))
    assert.same(bytes_of(model), bytes_of(assert(lubdub.load_model(path "c.h5"))))
    assert.same(bytes_of(model), bytes_of(assert(lubdub.load_model(path "d.keras"))))
  end)
end)

describe("an archive that is wrong", function()
  local weights, config

  setup(function()
    assert(Sequential { layers.Input { 2 }, layers.Dense { units = 1 } }:save(path "right.keras"))
    local archive <close> = assert(require("lubdub.zip").open(path "right.keras"))
    weights, config = archive:read "model.weights.h5", archive:read "config.json"
  end)

  local function refused(name, members, reason)
    local file = spill(name, type(members) == "string" and members or zip_of(members))
    local model, got = lubdub.load_model(file)
    assert.is_nil(model)
    assert.equal(file .. ": " .. reason, got)
  end

  it("opens where it is right", function()
    local file = spill("made.keras", zip_of { { "model.weights.h5", weights }, { "config.json", config } })
    assert(lubdub.load_model(file))
  end)

  it("is refused with the member and the reason", function()
    local right = { "model.weights.h5", weights }
    refused("x.keras", {}, "model.weights.h5: is missing")
    refused("x.keras", { { "config.json", config } }, "model.weights.h5: is missing")
    refused("x.keras", { right }, "config.json: is missing")
    refused("x.keras", { right, { "../config.json", config } }, "config.json: is missing")
    refused("x.keras", { right, { "config.json", config }, { "config.json", config } },
      "config.json: is in the archive twice")
    refused("x.keras", { right, { "config.json", config, flags = 1 } }, "config.json: is encrypted")
    refused("x.keras", { right, { "config.json", config, method = 12 } },
      "config.json: is compressed in a way that is not known")
    refused("x.keras", { right, { "config.json", config, crc = 7 } }, "config.json: CRC error")
    refused("x.keras", { right, { "config.json", "{}" } },
      "is a nil model; only Sequential and Functional ones can be loaded")
    refused("x.keras", { right, { "config.json", "[1" } },
      "config.json: unterminated array at line 1, column 1")
    refused("x.keras", { right, { "config.json", ("["):rep(300000) } }, "config.json: is nested too deeply")
    refused("x.keras", { { "model.weights.h5", weights:sub(1, 400) }, { "config.json", config } },
      select(2, h5.open_buffer(weights:sub(1, 400), "model.weights.h5")))
    refused("x.keras", { { "model.weights.h5", "no HDF5" }, { "config.json", config } },
      "model.weights.h5: not an HDF5 file")
  end)

  it("is refused before memory is taken for what it declares", function()
    local right = { "config.json", config }
    refused("x.keras", { right, { "model.weights.h5", weights, size = 0xFFFFFFF0 } },
      "model.weights.h5: declares to be much larger than what is stored")
    refused("x.keras", { right, { "model.weights.h5", weights, stored = 0xFFFFFFF0, size = 0xFFFFFFF0 } },
      "model.weights.h5: declares to be larger than the file")
    refused("x.keras", { right, { "model.weights.h5", ("\0"):rep(1000), method = 8, size = 0xF0000000 } },
      "model.weights.h5: declares to be much larger than what is stored")
  end)

  it("is refused where it is cut", function()
    local whole = slurp(path "right.keras")
    for _, length in ipairs { 4, 30, #whole // 2, #whole - 1 } do
      local file = spill("cut.keras", whole:sub(1, length))
      local model, reason = lubdub.load_model(file)
      assert.is_nil(model)
      assert.equal(file .. ": no whole zip archive", reason:sub(1, #file + 22))
    end
  end)
end)

describe("load_weights", function()
  it("reads every layout by order, and changes nothing where a layer does not fit", function()
    local model = model_with()
    assert.is_true(model:save(path "w.h5"))
    assert.is_true(model:save(path "w.keras"))
    assert.is_true(model:save_weights(path "w2.h5"))
    assert.is_true(model:save_weights(path "w.weights.h5"))
    for _, name in ipairs { "w.h5", "w.keras", "w2.h5", "w.weights.h5" } do
      local other = model_with(nil, 8)
      assert.same({ "conv1d", "batch_normalization", "conv1d_1", "bidirectional", "gru", "layer_normalization",
        "dense" }, other:load_weights(path(name)))
      assert.same(bytes_of(model), bytes_of(other))
      local wrong = Sequential { layers.Input { 8, 3 }, layers.Conv1D { filters = 4, kernel_size = 2 },
        layers.BatchNormalization {}, layers.Conv1D { filters = 9, kernel_size = 1 } }
      local before = bytes_of(wrong)
      local got, reason = wrong:load_weights(path(name))
      assert.is_nil(got)
      assert.equal(path(name) .. ": ", reason:sub(1, #path(name) + 2))
      assert.same(before, bytes_of(wrong))
    end
  end)

  it("reads by name what fits", function()
    local model = model_with()
    assert.is_true(model:save_weights(path "n.h5"))
    assert.is_true(model:save_weights(path "n.weights.h5"))
    for _, name in ipairs { "n.h5", "n.weights.h5" } do
      local other = Sequential {
        layers.Input { 8, 3 },
        layers.Conv1D { filters = 3, kernel_size = 1, name = "new" },
        layers.Conv1D { filters = 4, kernel_size = 2, name = "conv1d" },
        layers.Flatten {},
        layers.Dense { units = 7 },
      }
      local dense = other.layers[4]:weights()[1].value:to_bytes()
      assert.matches("kernel of layer dense is %(28, 7%)",
        select(2, other:load_weights(path(name), { by_name = true })))
      assert.same({ "conv1d" }, other:load_weights(path(name), { by_name = true, skip_mismatch = true }))
      assert.equal(model.layers[1]:weights()[1].value:to_bytes(), other.layers[2]:weights()[1].value:to_bytes())
      assert.equal(dense, other.layers[4]:weights()[1].value:to_bytes())
    end
  end)

  it("reads files whose models lubdub cannot make", function()
    local model = Sequential { layers.Input { 3 }, layers.Dense { units = 2 } }
    assert.is_true(model:save(path "known.h5"))
    local from <close> = assert(h5.open(path "known.h5"))
    local file <close> = h5.create()
    file:set_attribute("/", "model_config", (from:attribute("/", "model_config")
      :gsub('"class_name":"Dense"', '"class_name":"Mine>Dense"')))
    assert(file:group "/model_weights/dense")
    file:set_attribute("/model_weights", "layer_names", { "dense" })
    file:set_attribute("/model_weights/dense", "weight_names", { "k", "b" })
    file:write("/model_weights/dense/k", Tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } })
    file:write("/model_weights/dense/b", Tensor { 7, 8 })
    assert(file:save(path "unknown.h5"))
    assert.matches("layers that lubdub does not have: Mine>Dense %(dense%)",
      select(2, lubdub.load_model(path "unknown.h5")))
    for _, by_name in ipairs { true, false } do
      assert.same({ "dense" }, model:load_weights(path "unknown.h5", { by_name = by_name }))
      assert.same({ 7, 8 }, model:get_weights()[2]:totable())
    end
    assert.matches("dense +Mine>Dense +k %(3, 2%), b %(2,%)", tostring(lubdub.inspect(path "unknown.h5")))
  end)

  it("names what is wrong in a call", function()
    local model = model_with()
    assert.error_matches(function() model:load_weights(path "w.h5", { by_nam = true }) end, "did you mean 'by_name'")
    assert.error_matches(function() model:load_weights(path "w.h5", { by_name = 1 }) end,
      "load_weights: option 'by_name' must be true or false, got number")
    assert.error_matches(function() model:save_weights(path "w.keras") end, "path must end in .weights.h5")
    assert.error_matches(function() model:save(path "w.h5", { optimizer = "adam" }) end,
      "save: option 'optimizer' must be true or false, got string")
    assert.same({ nil, path "missing.h5" .. ": No such file or directory" },
      { model:load_weights(path "missing.h5") })
  end)
end)

describe("ModelCheckpoint", function()
  it("saves archives that training goes on from, or weights alone", function()
    local model = model_with "adam"
    model:fit(x, y, { epochs = 2, batch_size = 6, verbose = 0, seed = 1, callbacks = {
      lubdub.callbacks.ModelCheckpoint(path "e{epoch}.keras"),
      lubdub.callbacks.ModelCheckpoint { path = path "e{epoch}.weights.h5", save_weights_only = true },
    } })
    local back, other = assert(lubdub.load_model(path "e2.keras")), model_with "adam"
    assert(other:load_weights(path "e2.weights.h5"))
    assert.same({ 2, 2 }, { back.trainer.iterations, other.trainer.iterations })
    train(model, 1)
    assert.same(bytes_of(model), bytes_of(train(back, 1)))
    assert.same(bytes_of(model), bytes_of(train(other, 1)))
    assert.equal("keras", lubdub.inspect(path "e1.keras").format)
    assert.is_nil(lubdub.inspect(path "e1.weights.h5").class)
  end)
end)

describe("inspect", function()
  it("tells what a file holds", function()
    local model = train(model_with(optimizers.Adam { learning_rate = 0.25 }), 2)
    model.labels = { "normal", "murmur" }
    model.preprocessing = { { name = "mfcc", options = { n_mfcc = 40 } } }
    assert.is_true(model:save(path "i.keras"))
    assert.is_true(model:save(path "i.h5"))
    assert.is_true(model:save_weights(path "i.weights.h5"))
    for name, format in pairs { ["i.keras"] = "keras", ["i.h5"] = "h5" } do
      local told = assert(lubdub.inspect(path(name)))
      assert.same({ format, "lubdub", "Sequential", (model:count_params()), { 8, 3 } },
        { told.format, told.writer, told.class, told.parameters, told.input_shape })
      assert.equal(9, #told.layers)
      assert.same({ "bidirectional", "Bidirectional", (model.layers[4]:count_params()) },
        { told.layers[5].name, told.layers[5].class, told.layers[5].parameters })
      assert.same(model.labels, told.labels)
      assert.equal("categorical_crossentropy", told.training.loss)
      assert.same(name == "i.keras" and 2 or nil, told.optimizer and told.optimizer.iterations)
      local text = tostring(told)
      for _, line in ipairs { "Sequential 'sequential', input (8, 3)", "loss: categorical_crossentropy",
        "learning_rate = 0.25", "labels: normal, murmur", "preprocessing: mfcc(n_mfcc = 40)", "conv1d_1" } do
        assert.truthy(text:find(line, 1, true), line)
      end
    end
    local told = assert(lubdub.inspect(path "i.weights.h5"))
    assert.same({ "weights.h5", nil, (model:count_params()), 2 },
      { told.format, told.class, told.parameters, told.optimizer.iterations })
    assert.matches("3.0.0\nSequential 'every', input %(9, 11, 2%)",
      tostring(lubdub.inspect "spec/golden/every_layer.h5"):gsub("3%.15%.%d", "3.0.0"))
  end)

  it("fails with the path and the reason, and shows no characters that steer a terminal", function()
    assert.same({ nil, path "none" .. ": No such file or directory" }, { lubdub.inspect(path "none") })
    local file <close> = h5.create()
    file:set_attribute("/", "other", "data")
    assert(file:save(path "other.h5"))
    assert.same({ nil, path "other.h5" .. ": holds neither a model nor weights of Keras" },
      { lubdub.inspect(path "other.h5") })
    file:set_attribute("/", "model_config",
      '{"class_name": "Evil\\u001b[2J", "config": {"name": "\\u001b", "layers": [{"class_name": 7}, 3, "x", {}]}}')
    assert(file:save(path "evil.h5"))
    local text = tostring(assert(lubdub.inspect(path "evil.h5")))
    assert.is_nil(text:find "\27")
    assert.truthy(text:find("Evil?[2J '?'", 1, true))
  end)
end)
