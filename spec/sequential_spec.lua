-- Sequential: structure, names, building, weights, the summary.
local golden = require "support.json"
local lubdub = require "lubdub"
local layers, Tensor = lubdub.layers, lubdub.Tensor

local function notebook(seed)
  return lubdub.Sequential {
    layers.Input { 40, 173, 1 },
    layers.Conv2D { filters = 16, kernel_size = 2, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = 0.2 },
    layers.Conv2D { filters = 32, kernel_size = 2, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = 0.2 },
    layers.Conv2D { filters = 128, kernel_size = 2, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = 0.5 },
    layers.GlobalAveragePooling2D(),
    layers.Dense { units = 5, activation = "softmax" },
    seed = seed,
  }
end

local function named()
  return lubdub.Sequential {
    layers.Input { 6, 7, 2 },
    layers.Flatten { name = "flat" },
    layers.Dense { units = 20000, name = "a_dense_layer_with_a_name_that_is_far_too_long_for_its_column" },
    layers.Dropout { rate = 0.1, name = "two words and a few more of them to break at the blanks" },
    layers.Dense { units = 3, name = "last", trainable = false },
    layers.Activation { activation = "softmax" },
    name = "my_model",
  }
end

local function names(model)
  local list = {}
  for i, layer in ipairs(model.layers) do list[i] = layer.name end
  return list
end

local function same_weights(a, b)
  a, b = a:get_weights(), b:get_weights()
  if #a ~= #b then return false end
  for i = 1, #a do
    if not a[i]:equal(b[i]) then return false end
  end
  return true
end

describe("the summary", function()
  local texts = golden "summary.json"
  local summary = require("lubdub.summary").text

  it("is Keras' to the character", function()
    assert.equal(texts.notebook, tostring(notebook()))
    assert.equal(texts.named, tostring(named()))
    assert.equal(texts.trainable, summary(named(), { show_trainable = true }))
  end)

  for _, length in ipairs { 40, 50, 61, 72, 80 } do
    it("is Keras' at line_length " .. length, function()
      local options = { line_length = length }
      assert.equal(texts["notebook " .. length], summary(notebook(), options))
      assert.equal(texts["named " .. length], summary(named(), options))
      assert.equal(texts["trainable " .. length], summary(named(), { line_length = length, show_trainable = true }))
    end)
  end

  it("counts frozen weights and the optimizer's after a step", function()
    local model = notebook()
    model.layers[1].trainable = false
    model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
    model:fit(Tensor.zeros { 2, 40, 173, 1 }, Tensor { { 1, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0 } }, { verbose = 0 })
    assert.equal(texts.fitted, tostring(model))
  end)

  it("shows a model that is not built", function()
    local text = tostring(lubdub.Sequential { layers.Dense { units = 3 } })
    assert.truthy(text:find("dense (Dense)                   │ ?                      │   0 (unbuilt) │", 1, true))
    assert.has_error(function() summary(notebook(), { line_lenght = 3 }) end)
  end)
end)

describe("Sequential", function()
  it("names layers as Keras does, within the model", function()
    local expected = { "conv2d", "max_pooling2d", "dropout", "conv2d_1", "max_pooling2d_1", "dropout_1", "conv2d_2",
      "max_pooling2d_2", "dropout_2", "global_average_pooling2d", "dense" }
    assert.same(expected, names(notebook()))
    assert.same(expected, names(notebook()))
    local model = lubdub.Sequential { layers.Dense { units = 2 }, layers.Dense { units = 2, name = "dense_1" },
      layers.Dense { units = 2 } }
    assert.same({ "dense", "dense_1", "dense_2" }, names(model))
  end)

  it("refuses one name for two layers, and takes one layer twice", function()
    assert.error_matches(function()
      lubdub.Sequential { layers.Dense { units = 2, name = "a" }, layers.Dense { units = 2, name = "a" } }
    end, "two layers have the name 'a'")
    local twice = layers.Dense { units = 4 }
    local model = lubdub.Sequential { layers.Input { 4 }, twice, twice }
    assert.equal(20, (model:count_params()))
    assert.equal(2, #model:get_weights())
  end)

  it("knows shapes and counts", function()
    local model = notebook()
    assert.same({ 40, 173, 1 }, model.input_shape)
    assert.same({ 5 }, model.output_shape)
    assert.is_true(model.built)
    assert.equal(19317, (model:count_params()))
    assert.equal("conv2d_1", model:get_layer(4).name)
    assert.equal("dense", model:get_layer(-1).name)
    assert.equal("Dropout", model:get_layer("dropout_2").kind)
    assert.truthy(tostring(model.layers):find("\n  4  Conv2D(filters = 32, ", 1, true))
    assert.error_matches(function() model:get_layer "dence" end, "there is no layer dence; there are: conv2d")
  end)

  it("gives the same weights for the same seed and others for another", function()
    assert.is_true(same_weights(notebook(3), notebook(3)))
    assert.is_false(same_weights(notebook(3), notebook(4)))
    lubdub.set_seed(11)
    local first, second = notebook(), notebook()
    assert.is_false(same_weights(first, second))
    lubdub.set_seed(11)
    assert.is_true(same_weights(first, notebook()))
    assert.is_true(same_weights(second, notebook()))
  end)

  it("is the same when its layers are added one by one", function()
    local at_once = notebook(5)
    local model = lubdub.Sequential { layers.Input { 40, 173, 1 }, seed = 5 }
    for _, layer in ipairs(notebook(6).layers) do
      local config = layer:config()
      model:add(layers[layer.kind](config))
    end
    assert.is_true(same_weights(at_once, model))
    assert.equal(tostring(at_once), tostring(model))
  end)

  it("keeps the layers that its trainer works on", function()
    local model = lubdub.Sequential { layers.Input { 3 }, layers.Dense { units = 2 }, layers.Dense { units = 2 } }
    model:compile { optimizer = "sgd", loss = "mean_squared_error" }
    local x = lubdub.Tensor.ones { 2, 3 }
    local before = model:predict(x)
    local gone = setmetatable({ table.remove(model.layers, 1) }, { __mode = "v" })
    collectgarbage()
    assert.is_true(model:predict(x):equal(before))
    assert.is_not_nil(gone[1])
  end)

  it("adds and pops, and stays as it was when a layer does not fit", function()
    local model = lubdub.Sequential { layers.Input { 8, 9, 1 }, layers.Conv2D { filters = 2, kernel_size = 3 } }
    model:add(layers.Flatten())
    model:add(layers.Dense { units = 3 })
    assert.same({ 3 }, model.output_shape)
    assert.error_matches(function() model:add(layers.Conv2D { filters = 2, kernel_size = 3 }) end,
      "layer 4 %(conv2d_1%)")
    assert.same({ "conv2d", "flatten", "dense" }, names(model))
    assert.equal("dense", model:pop().name)
    assert.same({ 84 }, model.output_shape)
    assert.error_matches(function() model:add(layers.Input { 3 }) end, "an Input can only be the first layer")
    assert.error_matches(function() model:add "dense" end, "layer 4 must be a layer, got string")
  end)

  it("is built from the first data where it has no Input", function()
    local with = lubdub.Sequential { layers.Input { 6 }, layers.Dense { units = 4 }, seed = 1 }
    local without = lubdub.Sequential { layers.Dense { units = 4 }, seed = 1 }
    assert.is_false(without.built)
    assert.error_matches(function() without:set_weights {} end, "not built")
    local x = Tensor.randn { 5, 6, seed = 1 }
    assert.is_true(with:predict(x):equal(without:predict(x)))
    assert.same({ 6 }, without.input_shape)
    assert.error_matches(function() without:predict(Tensor.zeros { 2, 7 }) end, "x must be %(n, 6%), got %(2, 7%)")
    assert.error_matches(function() without:build { 7 } end, "shape must be %(n, 6%)")
  end)

  it("sets all weights or none", function()
    local a, b = notebook(1), notebook(2)
    b:set_weights(a:get_weights())
    assert.is_true(same_weights(a, b))
    local list = notebook(3):get_weights()
    list[8] = Tensor.zeros { 4 }
    assert.error_matches(function() b:set_weights(list) end,
      "tensor 8 %(bias of layer dense%) must be %(5,%), got %(4,%)")
    list[8] = nil
    assert.error_matches(function() b:set_weights(list) end, "7 tensors are too few")
    assert.error_matches(function() b:set_weights(list[1]) end, "expected a list of tensors, got userdata")
    assert.is_true(same_weights(a, b))
    local copy = a:get_weights()
    copy[1]:fill(0)
    assert.is_true(same_weights(a, b), "get_weights gives copies")
  end)

  it("clones into an independent model", function()
    local model = named()
    model.labels = { "a", "b", "c" }
    local copy = model:clone()
    assert.equal(tostring(model), tostring(copy))
    assert.is_true(same_weights(model, copy))
    assert.is_false(copy.layers[4].trainable)
    assert.same({ "a", "b", "c" }, copy.labels)
    local list = copy:get_weights()
    list[1]:fill(0)
    copy:set_weights(list)
    assert.is_false(same_weights(model, copy))
  end)

  it("says what is wrong with its arguments", function()
    assert.error_matches(function() lubdub.Sequential(3) end, "expected a table of layers, got number")
    assert.error_matches(function() lubdub.Sequential { layers.Flatten } end, "layer 1 must be a layer, got function")
    assert.error_matches(function() lubdub.Sequential { layers.Flatten(), sed = 1 } end, "did you mean 'seed'")
    assert.error_matches(function() lubdub.Sequential { seed = -1 } end, "seed must be a whole number")
    assert.error_matches(function() lubdub.Sequential { layers.Flatten(), layers.Input { 3 } } end,
      "an Input can only be the first layer")
    assert.error_matches(function()
      lubdub.Sequential { layers.Input { 40 }, layers.Conv2D { filters = 2, kernel_size = 2 } }
    end, "layer 1 %(conv2d%)")
    assert.error_matches(function() return layers.Conv9D end, "there is no layer 'Conv9D'; there are .*Conv2D")
    assert.error_matches(function() lubdub.Sequential {}:predict(Tensor.zeros { 1, 1 }) end, "has no layers")
  end)

  it("refuses file names it cannot write under", function()
    local model = notebook()
    assert.error_matches(function() model:save "model.pt" end, "path must end in .keras or .h5, got 'model.pt'")
    assert.error_matches(function() model:save "a.weights.h5" end, "is a name for model:save_weights")
    assert.error_matches(function() model:save() end, "path must be a file name, got nil")
    assert.error_matches(function() lubdub.Sequential { layers.Flatten() }:save "a.h5" end, "not built")
  end)
end)

describe("compile", function()
  it("takes names and optimizers", function()
    local model = notebook()
    model:compile { optimizer = "Adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
    assert.equal("Adam", model.optimizer.kind)
    assert.equal(0, model.trainer.iterations)
    local sgd = lubdub.optimizers.SGD { learning_rate = 0.25 }
    model:compile { optimizer = sgd, loss = "categorical_crossentropy" }
    assert.equal(0.25, model.optimizer.learning_rate)
    assert.same({}, model.metrics)
  end)

  it("says what is wrong", function()
    local model = notebook()
    local function wrong(options, message)
      assert.error_matches(function() model:compile(options) end, message)
    end
    wrong({ loss = "categorical_crossentropy" }, "option 'optimizer' is missing")
    wrong({ optimizer = "adm" }, "optimizer must be one of adam, adamw, rmsprop, sgd,.*got 'adm'")
    wrong({ optimizer = "adam", loss = "categorical_crossentropi" }, "did you mean 'categorical_crossentropy'")
    wrong({ optimizer = "adam", metrics = "accuracy" }, "metrics must be a list")
    wrong({ optimizer = "adam", metrics = { "accurracy" } }, "metric accurracy is not known; there are acc, accuracy")
    wrong({ optimizer = "adam", metrics = { mine = 3 } }, "metric 'mine' must be a function")
    wrong({ optimiser = "adam" }, "did you mean 'optimizer'")
    assert.is_nil(model.optimizer)
  end)
end)
