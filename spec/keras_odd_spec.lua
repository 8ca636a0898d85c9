-- Models that are unusual in Keras' files: their names, their size, and forms of JSON that few models have.
local lubdub = require "lubdub"
local assert_raises = require "support.raises"
local h5 = require "lubdub.h5"
local h5_copy = require "support.h5_copy"
local json = require "lubdub.keras.json"
local temporary = require "support.temporary"

local L, Tensor = lubdub.layers, lubdub.Tensor
local folder, remove

local function path(ending) return folder .. "/model" .. ending end

setup(function() folder, remove = temporary.folder() end)
teardown(function() remove() end)

local function equal_after_loading(model)
  local shape = { 2, table.unpack(model.input_shape) }
  shape.seed = 1
  local x = Tensor.randn(shape)
  for _, ending in ipairs { ".h5", ".keras" } do
    assert(model:save(path(ending)))
    local again = assert(lubdub.load_model(path(ending)))
    assert.equal(0, (again:predict(x) - model:predict(x)):abs():max())
    assert.equal(tostring(model), tostring(again))
    for i, layer in ipairs(model.layers) do assert.equal(layer.name, again.layers[i].name) end
    assert.is_true(#tostring(assert(lubdub.inspect(path(ending)))) > 0)
  end
end

describe("Keras' files hold", function()
  it("layers of any name that Keras has, and none that it has not", function()
    local list = { L.Input { 5, name = "in put" }, name = "ein modell ü" }
    for _, name in ipairs { "größe 心", ".hidden", "...", "a:0", "-x=1;", "vars", "layers", "weight_names", " ",
      ("n"):rep(1023) } do list[#list + 1] = L.Dense { units = 2, name = name } end
    equal_after_loading(lubdub.Sequential(list))
    for _, name in ipairs { "a/b", ".", "..", "a\0b" } do
      local ok, layer = pcall(L.Dense, { units = 1, name = name }) -- a zero byte is refused at once
      local model = ok and lubdub.Sequential { L.Input { 2 }, layer }
      if ok then assert_raises(function() model:save(path ".h5") end, "which Keras files cannot hold") end
    end
    assert_raises(function() L.Dense { units = 1, name = ("n"):rep(1024) } end, "1 to 1023 characters")
    local model = lubdub.Sequential { L.Input { 2 }, L.Dense { units = 1 }, name = "a/b" }
    assert_raises(function() model:save(path ".keras") end, "the model is named 'a/b', which Keras files cannot hold")
  end)

  it("lists of names longer than an attribute", function()
    local list, x = { L.Input { 3 } }, L.Input { 3 }
    local y = x.output
    for i = 1, 300 do
      local name = ("a rather long name of a layer, "):rep(9) .. i
      list[#list + 1] = L.Dense { units = 3, name = name }
      y = L.Add { name = "to " .. name }({ y, L.Dense { units = 3, activation = "tanh", name = name }(y) })
    end
    equal_after_loading(lubdub.Sequential(list))
    local file <close> = h5.open(path ".h5")
    assert.is_nil(file:attribute("/model_weights", "layer_names"))
    local first = file:attribute("/model_weights", "layer_names0")
    assert.equal(300, #first + #file:attribute("/model_weights", "layer_names1"))
    equal_after_loading(lubdub.Model { inputs = x, outputs = y })
  end)

  it("models without weights, of one unit, and frozen ones", function()
    equal_after_loading(lubdub.Sequential { L.Input { 5, 4 }, L.Flatten(), L.Softmax() })
    equal_after_loading(lubdub.Sequential { L.Input { 1 }, L.Dense { units = 1 } })
    local frozen = lubdub.Sequential { L.Input { 4 }, L.Dense { units = 3, trainable = false },
      L.BatchNormalization { trainable = false }, L.Dense { units = 2 } }
    equal_after_loading(frozen)
    for _, ending in ipairs { ".h5", ".keras" } do
      local trains = {}
      for i, layer in ipairs(lubdub.load_model(path(ending)).layers) do trains[i] = layer.trainable end
      assert.same({ false, false, true }, trains)
    end
  end)

  it("the whole names of losses, without which Keras 3 does not open an .h5", function()
    local model = lubdub.Sequential { L.Input { 4 }, L.Dense { units = 2 } }
    for given, name in pairs { mse = "mean_squared_error", mae = "mean_absolute_error", huber = "huber" } do
      model:compile { optimizer = "adam", loss = given }
      assert(model:save(path ".h5"))
      local file <close> = h5.open(path ".h5")
      assert.equal(name, json.decode(file:attribute("/", "training_config")).loss)
      assert.equal(model.loss_function.kind, lubdub.load_model(path ".h5").loss_function.kind)
    end
  end)
end)

-- The reasons for which a file is refused, or said in warnings; and the model.
local function loaded(attributes)
  local said = {}
  lubdub.on_warning(function(message) said[#said + 1] = message end)
  local name = temporary.write(folder, "changed.h5", h5_copy(path ".h5", attributes))
  local model, reason = lubdub.load_model(name)
  lubdub.on_warning(nil)
  return model, (reason or table.concat(said, "\n")):gsub("^.-changed%.h5: ", "")
end

describe("Keras' forms of", function()
  before_each(function()
    local model = lubdub.Sequential { L.Input { 2 }, L.Dense { units = 2, name = "out" } }
    model:compile { optimizer = "adam", loss = "mse", metrics = { "mae" } }
    assert(model:save(path ".h5"))
  end)

  local function with_activation(activation)
    local file <close> = h5.open(path ".h5")
    local config = json.decode(file:attribute("/", "model_config"))
    config.config.layers[2].config.activation = activation
    return loaded { model_config = json.encode(config) }
  end

  it("an activation: layers as far as they are functions that we have", function()
    local function layer(class, config) return { class_name = class, config = config } end
    for name, form in pairs {
      relu = layer("ReLU", { name = "re_lu", max_value = false, negative_slope = 0.0, threshold = 0.0 }),
      elu = layer("ELU", { alpha = 1.0 }), softmax = layer("Softmax", { axis = -1 }), tanh = layer("function", "tanh"),
    } do
      assert.equal(name, assert(with_activation(form)).layers[1]:config().activation)
    end
    for got, form in pairs {
      ["ReLU with max_value = 0.2"] = layer("ReLU", { max_value = 0.2 }),
      ["Softmax with axis = 1"] = layer("Softmax", { axis = 1 }),
      ["the layer LeakyReLU"] = layer("LeakyReLU", { negative_slope = 0.05 }),
      ["a function of Python's"] = { value = { "4wEAAA" } },
    } do
      local model, reason = with_activation(form)
      assert.is_nil(model)
      assert.truthy(reason:find("layer out (Dense): Dense: option 'activation' must be one of", 1, true), reason)
      assert.truthy(reason:find("got '" .. got .. "'", 1, true), reason)
    end
  end)

  it("axes that a layer cannot work along are refused in words", function()
    local file <close> = h5.open(path ".h5")
    local config = json.decode(file:attribute("/", "model_config"))
    for class, message in pairs {
      BatchNormalization = "BatchNormalization: option 'axis' must be a whole number, got table",
      LayerNormalization = "layer_normalization: axis must be 2 or -1 for samples of (2,); got 3 (1 is the batch)",
    } do
      config.config.layers[3] = { class_name = class, config = { name = "norm", axis = { 1, 2 } } }
      local _, reason = loaded { model_config = json.encode(config) }
      assert.equal(("layer norm (%s): %s"):format(class, message), reason)
    end
  end)

  local function with_training(changes)
    local file <close> = h5.open(path ".h5")
    local config = json.decode(file:attribute("/", "training_config"))
    for key, value in pairs(changes) do config[key] = value end
    return loaded { training_config = json.encode(config) }
  end

  it("losses and metrics: one for each output, by number or by name", function()
    local loss = { class_name = "CategoricalCrossentropy", config = { label_smoothing = 0.25 } }
    for _, form in ipairs {
      { loss = { "mean_squared_error" }, metrics = { { "accuracy" } } },
      { loss = { out = "mean_squared_error" }, metrics = { out = { "accuracy" } } },
      { loss = { out = "mean_squared_error" }, metrics = { out = "accuracy" }, loss_weights = { out = 1.0 } },
      { loss = { loss }, metrics = { "accuracy" }, loss_weights = 1 },
    } do
      local model, said = with_training(form)
      assert.equal("", said)
      assert.equal(form.loss[1] == loss and "CategoricalCrossentropy" or "MeanSquaredError", model.loss_function.kind)
      assert.same({ "accuracy" }, model.metrics)
    end
    local model, said = with_training { metrics = {}, weighted_metrics = json.null }
    assert.equal("", said)
    assert.same({}, model.metrics)
  end)

  it("weights of losses: other ones than 1 leave the model uncompiled", function()
    for _, weights in ipairs { { 0.5 }, { out = 0.5 } } do
      local model, said = with_training { loss_weights = weights }
      assert.is_nil(model.optimizer)
      assert.equal("the model is not compiled: loss_weights = 0.5 is not known", said)
    end
  end)

  it("models that are not compiled: an empty object", function()
    local model, said = loaded { training_config = "{}" }
    assert.is_nil(model.optimizer)
    assert.equal("", said)
    assert.truthy(tostring(lubdub.inspect(folder .. "/changed.h5")):find("\nnot compiled\n", 1, true))
  end)

  it("a graph's inputs and outputs by name: they come in the order of their names", function()
    local b, a = L.Input { 2, name = "b" }, L.Input { 3, name = "a" }
    local model = lubdub.Model { inputs = { a, b }, outputs = { L.Dense { units = 4, name = "p" }(a),
      L.Dense { units = 5, name = "q" }(b) } }
    assert(model:save(path ".h5"))
    local file <close> = h5.open(path ".h5")
    local config = json.decode(file:attribute("/", "model_config"))
    local function place(name) return { name, 0, 0 } end
    config.config.input_layers = { second = place "b", first = place "a" }
    config.config.output_layers = { y = place "q", x = place "p" }
    local again = assert(loaded { model_config = json.encode(config) })
    assert.same({ { 3 }, { 2 } }, again.input_shapes)
    assert.same({ { 4 }, { 5 } }, again.output_shapes)
    config.config.input_layers = { first = "a" }
    local _, reason = loaded { model_config = json.encode(config) }
    assert.equal("input_layers and output_layers of model_config must list layers", reason)
  end)
end)
