local lubdub = require "lubdub"
local h5 = require "lubdub.h5"
local dkjson = require "dkjson"
local json = require "lubdub.keras.json"
local keras = require "lubdub.keras"
local ramp = require "support.ramp"

local Tensor, layers, Sequential = lubdub.Tensor, lubdub.layers, lubdub.Sequential
local golden = "spec/golden/"
local folder

local function path(name) return folder .. "/" .. name end

local function slurp(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

local function spill(name, bytes)
  local file <close> = assert(io.open(name, "wb"))
  assert(file:write(bytes))
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -p '" .. folder .. "'"))
end)

teardown(function() os.execute("rm -rf '" .. folder .. "'") end)

-- Runs f with warnings caught; gives them.
local function warnings(f)
  local said = {}
  lubdub.on_warning(function(message) said[#said + 1] = message end)
  local ok, problem = pcall(f)
  lubdub.on_warning(nil)
  assert(ok, problem)
  return said
end

local function weights_of(model)
  local list = {}
  for _, layer in ipairs(model.layers) do
    for _, weight in ipairs(layer:weights()) do
      list[#list + 1] = { layer.kind, weight.name, weight.value:shape(), weight.value:to_bytes() }
    end
  end
  return list
end

local function largest_difference(tensor, rows)
  return (tensor - Tensor(rows)):abs():max()
end

local function small_model(options)
  options = options or {}
  return Sequential {
    layers.Input { 6, 5, 1 },
    layers.Conv2D { filters = 2, kernel_size = 2, activation = "relu", name = "conv", trainable = options.trainable },
    layers.Flatten {},
    layers.Dense { units = 3, activation = "softmax" },
    seed = options.seed or 1,
  }
end

describe("keras.load_model: what Keras 3 saved", function()
  for _, name in ipairs { "notebook_net", "every_layer" } do
    it("has its weights and predicts the same: " .. name, function()
      local expected = dkjson.decode(slurp(golden .. name .. ".json"))
      local model = assert(lubdub.load_model(golden .. name .. ".h5"))
      local weights = weights_of(model)
      assert.equal(#expected.weights, #weights)
      for i, weight in ipairs(expected.weights) do
        assert.same(weight.shape, weights[i][3])
        assert.near(weight.sum, Tensor.from_bytes(weights[i][4], weights[i][3]):sum(), 1e-4)
      end
      local predicted = model:predict(ramp(expected.input_shape))
      assert.is_true(largest_difference(predicted, expected.predictions) < 1e-6)
    end)
  end

  it("has its layers, options, names, loss, metrics and optimizer", function()
    local model = assert(lubdub.load_model(golden .. "every_layer.h5"))
    assert.equal("every", model.name)
    assert.same({ 9, 11, 2 }, model.input_shape)
    local first, pool, dilated, frozen = model.layers[1], model.layers[3], model.layers[4], model.layers[7]
    assert.equal("first", first.name)
    assert.same({ 3, 2 }, first:config().kernel_size)
    assert.same({ 2, 1 }, first:config().strides)
    assert.equal("same", first:config().padding)
    assert.equal("tanh", first:config().activation)
    assert.same({ { 2, 3 }, { 1, 2 }, "same" },
      { pool:config().pool_size, pool:config().strides, pool:config().padding })
    assert.same({ 2, 2 }, dilated:config().dilation_rate)
    assert.is_false(dilated:config().use_bias)
    assert.is_true(first.trainable)
    assert.is_false(frozen.trainable)
    assert.equal(0.25, model.layers[6]:config().rate)
    assert.equal("categorical_crossentropy", model.loss)
    assert.same({ "accuracy" }, model.metrics)
    assert.equal("SGD", model.optimizer.kind)
    assert.near(0.05, model.optimizer.learning_rate, 1e-8)
    assert.is_nil(model.labels)
    assert.is_nil(model.preprocessing)
  end)
end)

describe("keras.load_model: what older Keras saved", function()
  for _, name in ipairs { "keras_2_0", "keras_2_3", "tf_keras_2_4", "build_input_shape" } do
    it("is the same model: " .. name, function()
      local model = assert(lubdub.load_model(golden .. "dialects/" .. name .. ".h5"))
      assert.same(weights_of(lubdub.load_model(golden .. "every_layer.h5")), weights_of(model))
      assert.same({ 9, 11, 2 }, model.input_shape)
      assert.equal("first", model.layers[1].name)
      assert.is_nil(model.optimizer)
    end)
  end
end)

describe("keras.save", function()
  it("keeps weights bit for bit, and everything else", function()
    local model = small_model { trainable = false }
    model:compile { optimizer = lubdub.optimizers.Adam { learning_rate = 1 / 3000, beta_1 = 0.85 },
      loss = "categorical_crossentropy", metrics = { "accuracy" } }
    model.name = "kept"
    model.labels = { "normal", "schön", "a \"quote\"" }
    local odd = Tensor { 0 / 0, 1 / 0, -0.0, 1e-45 }
    model.preprocessing = {
      { name = "load", options = { sr = 22050, duration = 4, offset = 0.1 + 0.2 } },
      { name = "mfcc", options = { top_db = false, power = 2.0, fmax = false } },
      { name = "center", options = { mean = odd } },
    }
    assert.is_true(model:save(path "kept.h5"))
    local back = assert(lubdub.load_model(path "kept.h5"))
    assert.same(weights_of(model), weights_of(back))
    assert.equal("kept", back.name)
    for i, layer in ipairs(model.layers) do
      assert.same({ layer.name, layer.trainable, layer:config() },
        { back.layers[i].name, back.layers[i].trainable, back.layers[i]:config() })
    end
    assert.same(model.input_shape, back.input_shape)
    assert.same(model.optimizer:config(), back.optimizer:config())
    assert.same({ model.loss, model.metrics }, { back.loss, back.metrics })
    assert.same(model.labels, back.labels)
    local steps = back.preprocessing
    assert.equal(odd:to_bytes(), steps[3].options.mean:to_bytes())
    assert.same({ model.preprocessing[1], model.preprocessing[2] }, { steps[1], steps[2] })
    assert.equal("integer", math.type(steps[1].options.sr))
    assert.equal("float", math.type(steps[2].options.power))
    local x = ramp { 4, 6, 5, 1 }
    assert.equal(model:predict(x):to_bytes(), back:predict(x):to_bytes())
    -- and saved again, it is the same file
    assert.is_true(back:save(path "again.h5"))
    assert.equal(slurp(path "kept.h5"), slurp(path "again.h5"))
  end)

  it("writes what Keras' readers look for", function()
    local model = small_model()
    assert.is_true(model:save(path "tree.h5"))
    local file <close> = assert(h5.open(path "tree.h5"))
    assert.same({ "conv", "flatten", "dense" }, file:attribute("/model_weights", "layer_names"))
    assert.same({ "conv/kernel:0", "conv/bias:0" }, file:attribute("/model_weights/conv", "weight_names"))
    assert.same({}, file:attribute("/model_weights/flatten", "weight_names"))
    assert.same({ { 2, 2, 1, 2 }, "float32" }, { file:shape "/model_weights/conv/conv/kernel:0" })
    assert.same({ { 40, 3 }, "float32" }, { file:shape "/model_weights/dense/dense/kernel:0" })
    assert.same({}, file:attribute("/model_weights/top_level_model_weights", "weight_names"))
    assert.is_nil(file:attribute("/", "training_config"))
    assert.is_nil(file:kind "/optimizer_weights")
    assert.equal("tensorflow", file:attribute("/", "backend"))
    local config = file:attribute("/", "model_config")
    assert.matches('^{"class_name":"Sequential","config":{"name":"sequential","layers":%[{"class_name":"InputLayer",' ..
      '"config":{"batch_input_shape":%[null,6,5,1%],"dtype":"float32","name":"conv_input"}},', config)
  end)

  it("is not stopped by many layers with long names", function()
    local list = { layers.Input { 2 } }
    for i = 1, 700 do
      list[i + 1] = layers.Activation { activation = "relu", name = ("%s%03d"):format(("x"):rep(97), i) }
    end
    local model = Sequential(list)
    assert.is_true(model:save(path "long.h5"))
    local file <close> = assert(h5.open(path "long.h5"))
    assert.equal(645, #file:attribute("/model_weights", "layer_names0"))
    assert.equal(56, #file:attribute("/model_weights", "layer_names1") + 1)
    local back = assert(lubdub.load_model(path "long.h5"))
    assert.equal(700, #back.layers)
  end)

  it("fails with the path and the reason, and the old file stays", function()
    local model, other = small_model(), small_model { seed = 2 }
    assert.is_true(model:save(path "old.h5"))
    os.execute(("ln -sf /dev/full %s"):format(path "full.h5"))
    local reasons = {
      [path "none/m.h5"] = ": No such file or directory",
      [path "old.h5/m.h5"] = ": Not a directory",
      [path "full.h5"] = ": No space left on device",
    }
    for name, reason in pairs(reasons) do
      local ok, got = other:save(name)
      assert.is_nil(ok)
      assert.equal(name .. reason, got)
    end
    assert.same(weights_of(model), weights_of(assert(lubdub.load_model(path "old.h5"))))
    assert.is_true(other:save(path "old.h5")) -- the session goes on
    assert.same(weights_of(other), weights_of(assert(lubdub.load_model(path "old.h5"))))
  end)

  it("refuses what Keras' files cannot hold", function()
    assert.error_matches(function() keras.save(small_model(), 7) end, "path must be a string, got number")
    assert.error_matches(function() keras.save({ layers = {} }, path "m.h5") end, "the model has no layers")
    local model = Sequential { layers.Input { 2 }, layers.Dense { units = 1, name = "a/b" } }
    assert.error_matches(function() model:save(path "m.h5") end, "named 'a/b', which Keras files cannot hold")
    model = small_model()
    model.preprocessing = { { name = "scale", options = { by = 0 / 0 } } }
    assert.error_matches(function() model:save(path "m.h5") end, "JSON has no number")
    assert.is_nil(io.open(path "m.h5"))
  end)
end)

-- === files of every dialect, made here from their JSON ===

local function object(class, config) return { class_name = class, config = config } end

local input = object("InputLayer", { batch_shape = { json.null, 3 }, name = "in" })

-- A model file with this model_config (a table or text) over one Dense layer's weights.
local function file_with(config, training)
  local file <close> = h5.create()
  file:set_attribute("/", "model_config", type(config) == "string" and config or json.encode(config))
  if training then file:set_attribute("/", "training_config", json.encode(training)) end
  file:group "/model_weights/dense"
  file:set_attribute("/model_weights", "layer_names", { "dense" })
  file:set_attribute("/model_weights/dense", "weight_names", { "k", "b" })
  file:write("/model_weights/dense/k", Tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } })
  file:write("/model_weights/dense/b", Tensor { 7, 8 })
  assert(file:save(path "made.h5"))
  return path "made.h5"
end

local function sequential(...) return object("Sequential", { name = "made", layers = { ... } }) end

local function dense(extra)
  local config = { name = "dense", units = 2 }
  for key, value in pairs(extra or {}) do config[key] = value end
  return object("Dense", config)
end

local function refused(config, reason)
  local name = file_with(config)
  local model, got = lubdub.load_model(name)
  assert.is_nil(model)
  assert.equal(name .. ": " .. reason, got)
end

describe("keras.load_model: forms of JSON", function()
  it("need no keys but the necessary ones", function()
    local model = assert(lubdub.load_model(file_with(sequential(input, dense()))))
    assert.same({ { 1 + 2 * 3 + 3 * 5 + 7, 2 + 2 * 4 + 3 * 6 + 8 } }, model:predict(Tensor { { 1, 2, 3 } }):totable())
    assert.equal("linear", model.layers[1]:config().activation)
  end)

  it("of activations, types, initializers and empty options are all understood", function()
    local forms = {
      { activation = "relu" },
      { activation = object("function", "relu") },
      { activation = object("ReLU", {}) },
      { activation = "relu", dtype = object("DTypePolicy", { name = "float32" }), kernel_regularizer = json.null },
      { activation = "relu", kernel_initializer = "glorot_uniform", bias_initializer = object("Zeros", {}) },
      { activation = "relu", kernel_initializer = object("HeNormal", { seed = 3 }), quantization_config = json.null },
    }
    for _, form in ipairs(forms) do
      local said = warnings(function()
        local model = assert(lubdub.load_model(file_with(sequential(input, dense(form)))))
        assert.equal("relu", model.layers[1]:config().activation)
      end)
      assert.same({}, said)
    end
    local ones = dense { bias_initializer = object("Ones", {}) }
    assert.equal("ones", lubdub.load_model(file_with(sequential(input, ones))).layers[1]:config().bias_initializer)
  end)

  it("that bear on training alone, or on precision, are warned about", function()
    local name
    local said = warnings(function()
      local regularizer = object("OrthogonalRegularizer", { factor = 0.01 })
      name = file_with(sequential(input, dense { kernel_regularizer = regularizer, dtype = "float16" }))
      assert(lubdub.load_model(name))
    end)
    assert.same({
      name .. ": layer dense (Dense): computes in float16 in Keras, and in float32 here",
      name .. ": layer dense (Dense): kernel_regularizer is left out; it bears on training alone",
    }, (table.sort(said) or said))
  end)

  it("that would make other predictions are refused", function()
    refused(sequential(input, dense { activation = "swi" }),
      "layer dense (Dense): Dense: option 'activation' must be one of linear, relu, sigmoid, tanh, " ..
        "softmax, relu6, leaky_relu, elu, selu, gelu, silu, swish, hard_sigmoid, softplus, softsign, exponential, " ..
        "keras2_hard_sigmoid, " ..
        "got 'swi'")
    refused(sequential(input, dense { lora_rank = 4 }), "layer dense (Dense): the option lora_rank = 4 is not known")
    refused(sequential(input, object("DepthwiseConv2D", { name = "c", kernel_size = { 1, 1 }, groups = 2 })),
      "layer c (DepthwiseConv2D): groups = 2 is not supported, only 1")
    refused(sequential(input, object("Flatten", { name = "f", data_format = "channels_first" })),
      'layer f (Flatten): data_format = "channels_first" is not supported, only "channels_last"')
  end)

  it("with layers that lubdub lacks are refused with all of them", function()
    refused(sequential(input, object("Masking", { name = "l" }), dense(), object("Custom>Mine", {}),
      object("Masking", { name = "m" })),
      "layers that lubdub does not have: Masking (l), Custom>Mine (no name), Masking (m)")
  end)

  it("that are no sequential model are refused", function()
    refused(object("Subclassed", { layers = { input } }),
      "is a Subclassed model; only Sequential and Functional ones can be loaded")
    refused(object("Sequential", { layers = {} }), "model_config lists no layers")
    refused(sequential(input, { class_name = "Dense" }), "layer 2 of model_config has no class_name and config")
    refused(sequential(dense()), "the model has no input shape")
    refused(sequential(object("InputLayer", { batch_shape = { json.null, json.null, 3 } }), dense()),
      "an input shape of [false,false,3] is not supported: sizes must be known")
    refused("{", "attribute model_config: unterminated object at line 1, column 1")
    refused("7", "attribute model_config: holds no JSON object")
    refused(("["):rep(300000), "attribute model_config: is nested too deeply")
  end)

  it("whose weights do not fit are refused", function()
    local name = file_with(sequential(input, dense { units = 4 }))
    assert.equal(name .. ": /model_weights/dense/k: is (3, 2), and kernel of layer dense is (3, 4)",
      select(2, lubdub.load_model(name)))
    refused(sequential(input, dense { use_bias = false }),
      "/model_weights/dense: holds 2 weights, and layer dense has 1")
    refused(sequential(input, dense(), dense { name = "more" }),
      "holds weights for 1 layers, and the model has 2 layers with weights")
  end)
end)

describe("keras.load_model: our own attribute", function()
  it("is refused where it holds no lists, or names tensors that are not there", function()
    local reasons = {
      ['{"labels": "normal"}'] = "attribute lubdub: labels is no list",
      ['{"labels": ["a", {}]}'] = "attribute lubdub: label 2 is neither text nor a number",
      ['{"preprocessing": {"name": "load"}}'] = "attribute lubdub: preprocessing is no list",
      ['{"preprocessing": [{"options": {}}]}'] = "attribute lubdub: step 1 of preprocessing has no name and options",
      ['{"preprocessing": [{"name": "center", "options": {"mean": {"tensor": "/none"}}}]}'] = "/none: is missing",
      ["[1"] = "attribute lubdub: unterminated array at line 1, column 1",
    }
    for text, reason in pairs(reasons) do
      local file <close> = h5.create()
      file:set_attribute("/", "model_config", json.encode(sequential(input, object("Flatten", { name = "f" }))))
      file:set_attribute("/", "lubdub", text)
      file:group "/model_weights/f"
      file:set_attribute("/model_weights", "layer_names", { "f" })
      assert(file:save(path "own.h5"))
      local model, got = lubdub.load_model(path "own.h5")
      assert.is_nil(model)
      assert.equal(path "own.h5" .. ": " .. reason, got)
    end
  end)
end)

describe("keras.load_model: training_config", function()
  local function loaded(loss, metrics, optimizer)
    local training = { loss = loss, metrics = metrics, optimizer_config = optimizer }
    return assert(lubdub.load_model(file_with(sequential(input, dense { activation = "softmax" }), training)))
  end

  it("is understood in all its forms", function()
    local losses = { "categorical_crossentropy", object("CategoricalCrossentropy", { from_logits = false }),
      object("function", "categorical_crossentropy") }
    local metrics = { { "acc" }, { { "accuracy" } }, { object("MeanMetricWrapper", { name = "accuracy" }) },
      { object("CategoricalAccuracy", { name = "accuracy", dtype = "float32" }) } }
    local rates = { { learning_rate = 0.25 }, { lr = 0.25, decay = 0.0 },
      { learning_rate = 0.25, weight_decay = json.null } }
    local said = warnings(function()
      for _, loss in ipairs(losses) do
        for _, metric in ipairs(metrics) do
          for _, rate in ipairs(rates) do
            local model = loaded(loss, metric, object("Adam", rate))
            assert.same({ "categorical_crossentropy", { "accuracy" }, 0.25 },
              { model.loss, model.metrics, model.optimizer.learning_rate })
          end
        end
      end
    end)
    assert.same({}, said)
  end)

  it("that lubdub lacks leaves the model uncompiled, with a warning that says why", function()
    local adam = object("Adam", { learning_rate = 0.1 })
    local cases = {
      ["the optimizer Nadam is not known"] = { "categorical_crossentropy", {}, object("Nadam", {}) },
      ["use_ema of Adam is not known"] = { "categorical_crossentropy", {}, object("Adam", { use_ema = true }) },
      ["the schedule InverseTimeDecay is not known"] = { "categorical_crossentropy", {},
        object("Adam", { learning_rate = object("InverseTimeDecay", {}) }) },
      ["the loss CategoricalCrossentropy with reduction = sum is not known"] =
        { object("CategoricalCrossentropy", { reduction = "sum" }), {}, adam },
      ["the loss SparseCategoricalCrossentropy with ignore_class is not known"] =
        { object("SparseCategoricalCrossentropy", { ignore_class = -1 }), {}, adam },
      ["the metric AUC with num_labels is not known"] =
        { "categorical_crossentropy", { object("AUC", { num_labels = 2 }) }, adam },
    }
    for reason, case in pairs(cases) do
      local said = warnings(function() assert.is_nil(loaded(table.unpack(case)).optimizer) end)
      assert.same({ path "made.h5" .. ": the model is not compiled: " .. reason }, said)
    end
    local said = warnings(function() assert.is_nil(loaded("hinge", {}, adam).optimizer) end)
    assert.matches("the model is not compiled: .*hinge", said[1])
  end)
end)

describe("keras.load_model: files that are no models", function()
  it("are refused with their path and the reason", function()
    assert.is_true(small_model():save(path "whole.h5"))
    local whole = slurp(path "whole.h5")
    spill(path "half.h5", whole:sub(1, #whole // 2))
    spill(path "empty.h5", "")
    spill(path "text.h5", "no model")
    spill(path "text.keras", "PK, but no model")
    spill(path "short.keras", "PK")
    local file <close> = h5.create()
    assert(file:save(path "bare.h5"))
    assert(file:set_attribute("/", "layer_names", { "a" }))
    assert(file:save(path "weights.h5"))
    local reasons = {
      ["none.h5"] = "No such file or directory",
      ["half.h5"] = "the HDF5 file is cut: it has",
      ["empty.h5"] = "the file is empty",
      ["text.h5"] = "neither an HDF5 file (.h5) nor a zip archive (.keras)",
      ["text.keras"] = "neither an HDF5 file (.h5) nor a zip archive (.keras)",
      ["short.keras"] = "neither an HDF5 file (.h5) nor a zip archive (.keras)",
      ["bare.h5"] = "no model of Keras (it has no attribute model_config)",
      ["weights.h5"] = "holds weights without their model",
    }
    for name, reason in pairs(reasons) do
      local model, got = lubdub.load_model(path(name))
      assert.is_nil(model)
      assert.equal(path(name) .. ": " .. reason, got:sub(1, #path(name) + 2 + #reason))
    end
    assert.error_matches(function() lubdub.load_model {} end, "path must be a string, got table")
  end)

  for name, reason in pairs {
    external_link = "is an external link", soft_link = "is a soft link", external_storage = "lie in other files",
    virtual = "lie in other files", huge = "declares a shape", text = "holds no numbers", missing = "is missing",
    shape = "is (2, 3), and kernel of layer dense is (3, 2)",
  } do
    it("are refused where weights lie elsewhere, or nowhere: " .. name, function()
      local model, got = lubdub.load_model(golden .. "dialects/bad_" .. name .. ".h5")
      assert.is_nil(model)
      assert.truthy(got:find("bad_" .. name .. ".h5: /model_weights/dense/kernel: ", 1, true))
      assert.truthy(got:find(reason, 1, true))
    end)
  end
end)

describe("keras: JSON", function()
  it("keeps every digit, the kind of number and the order of keys", function()
    for _, number in ipairs { 0.1, 1 / 3, 1e-7, 5e-324, 1.7976931348623157e308, -0.0, 3.0, 1e21, 12345678901234.5 } do
      local back = json.decode(json.encode { number })[1]
      assert.equal(number, back)
      assert.equal("float", math.type(back))
    end
    assert.equal('{"z":1,"a":[],"o":{},"b":{"x":false,"y":null}}',
      json.encode(json.object("z", 1, "a", {}, "none", nil, "o", json.object(), "b", { y = json.null, x = false })))
  end)

  it("gives false for null, and the reason for what is none", function()
    assert.same({ a = false, b = { 1, false } }, json.decode '{"a": null, "b": [1, null]}')
    assert.is_nil(json.decode "[1, 2")
    assert.matches("unterminated array", select(2, json.decode "[1, 2"))
    assert.error_matches(function() json.encode { 1 / 0 } end, "JSON has no number inf")
    assert.error_matches(function() json.encode { [2] = 1, [7] = 2 } end, "no keys but text")
  end)
end)
