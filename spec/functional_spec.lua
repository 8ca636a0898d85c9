-- lubdub.Model: graphs of layers.
local lubdub = require "lubdub"
local nets = require "support.nets"

local L, Tensor = lubdub.layers, lubdub.Tensor

-- f(...) fails with a message that has this pattern.
local function refused(pattern, f, ...)
  local done, message = pcall(f, ...)
  assert(not done, "no error was raised")
  if not message:find(pattern) then error(("%q lacks %q"):format(message, pattern), 2) end
end

local function same(a, b) return (a - b):abs():max() == 0 end

local function random(dims, seed)
  dims.seed = seed
  return Tensor.randn(dims)
end

describe("a symbolic tensor", function()
  it("knows its layer, its shape and what that was called on", function()
    local x = L.Input { 8, 9, 1 }
    local conv = L.Conv2D { filters = 4, kernel_size = 3 }
    local y = conv(x)
    assert.same({ 6, 7, 4 }, y.shape)
    assert.equal(conv, y.layer)
    assert.equal(x.output, y.inputs[1])
    assert.equal(y, conv.output)
    assert.equal(x.output, conv.input)
    assert.same({ 8, 9, 1 }, x.shape)
    assert.equal("Symbolic (n, 6, 7, 4) from Conv2D", tostring(y))
    conv.name = "first"
    assert.equal("Symbolic (n, 6, 7, 4) from first (Conv2D)", tostring(y))
    assert.is_nil(L.Flatten().output)
  end)

  it("comes from a layer's first call where that is asked", function()
    local dense, x = L.Dense { units = 2 }, L.Input { 3 }
    local first, second = dense(x), dense(L.Input { 3 })
    assert.equal(first, dense.output)
    assert.same({ 1, 2 }, { first.call, second.call })
  end)

  it("tells what a layer cannot be called on", function()
    local x, dense = L.Input { 3 }, L.Dense { units = 2, name = "head" }
    refused("head: expected a symbolic tensor, got a tensor of data", dense, Tensor.zeros { 1, 3 })
    refused("head: expected a symbolic tensor, got the layer Flatten; call it", dense, L.Flatten())
    refused("head: expected a symbolic tensor .*, got number", dense, 3)
    refused("head: several tensors are given as one list", dense, x, x)
    refused("head: the list of symbolic tensors is empty", dense, {})
    refused("head: Dense takes 1 input, got 2", dense, { x, x })
    refused("Add: expected a list", L.Add(), x)
    refused("Subtract takes 2 inputs, got 3", L.Subtract(), { x, x, x })
    refused("Input: an Input is where a graph begins", x, x)
    refused("pool: max_pooling2d: input must be", L.MaxPooling2D { name = "pool" }, x)
    local many = {}
    for i = 1, 33 do many[i] = x end
    refused("takes at most 32 inputs, got 33", L.Add(), many)
  end)
end)

describe("merging layers", function()
  local function merged(layer, ...)
    local inputs, data = {}, { ... }
    for i, tensor in ipairs(data) do
      local shape = tensor:shape()
      inputs[i] = L.Input(table.move(shape, 2, #shape, 1, {}))
    end
    return lubdub.Model { inputs = inputs, outputs = layer(inputs) }:predict(data)
  end

  it("do element by element what their names say", function()
    local a, b, c = random({ 3, 4, 5 }, 1), random({ 3, 4, 5 }, 2), random({ 3, 4, 5 }, 3)
    assert.is_true(same(a + b + c, merged(L.Add(), a, b, c)))
    assert.is_true(same(a - b, merged(L.Subtract(), a, b)))
    assert.is_true(same(a * b * c, merged(L.Multiply(), a, b, c)))
    assert.is_true((merged(L.Average(), a, b, c) - (a + b + c) / 3):abs():max() < 1e-6)
    local high, low = merged(L.Maximum(), a, b):totable(), merged(L.Minimum(), a, b):totable()
    local one, other = a:totable(), b:totable()
    assert.equal(math.max(one[2][3][4], other[2][3][4]), high[2][3][4])
    assert.equal(math.min(one[3][1][5], other[3][1][5]), low[3][1][5])
    assert.is_true(same(a, merged(L.Add(), a)))
  end)

  it("spread axes of size 1, and those that are missing", function()
    local a, b, c = random({ 2, 3, 4, 5 }, 1), random({ 2, 1, 4, 1 }, 2), random({ 2, 5 }, 3)
    local sum = merged(L.Add(), a, b, c):totable()
    local x, y, z = a:totable(), b:totable(), c:totable()
    for n = 1, 2 do
      for i = 1, 3 do
        for j = 1, 4 do
          for k = 1, 5 do
            assert.near(x[n][i][j][k] + y[n][1][j][1] + z[n][k], sum[n][i][j][k], 1e-6)
          end
        end
      end
    end
    assert.same({ 2, 3, 4, 5 }, merged(L.Multiply(), c, b, a):shape())
  end)

  it("put inputs one behind the other along any axis", function()
    local a, b = random({ 2, 3, 4, 2 }, 1), random({ 2, 3, 4, 5 }, 2)
    assert.is_true(same(Tensor.concat({ a, b }, 4), merged(L.Concatenate(), a, b)))
    local c = random({ 2, 1, 4, 2 }, 3)
    for _, axis in ipairs { 2, -3 } do
      assert.is_true(same(Tensor.concat({ a, c }, 2), merged(L.Concatenate { axis = axis }, a, c)))
    end
  end)

  it("refuse shapes that do not match", function()
    local a, b = L.Input { 4, 3 }, L.Input { 4, 2 }
    refused("join: add: inputs must have shapes that match, got samples of %(4, 3%) and %(4, 2%)",
      L.Add { name = "join" }, { a, b })
    refused("concatenate: inputs must have the same shape but for axis 2", L.Concatenate { axis = 2 }, { a, b })
    refused("concatenate: inputs must have the same shape", L.Concatenate(), { a, L.Input { 4 } })
    for _, axis in ipairs { 0, 1, 4, -3 } do
      refused("concatenate: axis must be 2 to 3, or %-1 to %-2", L.Concatenate { axis = axis }, { a, b })
    end
  end)
end)

local function residual(options)
  local x = L.Input { 8, 9, 2 }
  local y = L.Conv2D { filters = 4, kernel_size = 3, padding = "same" }(x)
  y = L.BatchNormalization()(y)
  y = L.ReLU()(y)
  local shortcut = L.Conv2D { filters = 4, kernel_size = 1 }(x)
  y = L.Add()({ y, shortcut })
  y = L.GlobalAveragePooling2D()(y)
  y = L.Dense { units = 3, activation = "softmax" }(y)
  return lubdub.Model { inputs = x, outputs = y, seed = options and options.seed, name = options and options.name }
end

local function names_of(model)
  local names = {}
  for i, layer in ipairs(model.layers) do names[i] = layer.name end
  return names
end

describe("Model", function()
  it("has its layers in Keras' order, named in the order of their calls", function()
    local model = residual()
    assert.same({ "input_layer", "conv2d", "batch_normalization", "re_lu", "conv2d_1", "add",
      "global_average_pooling2d", "dense" }, names_of(model))
    assert.equal("functional", model.name)
    assert.same({ 8, 9, 2 }, model.input_shape)
    assert.same({ 3 }, model.output_shape)
    assert.equal("conv2d_1", model:get_layer("conv2d_1").name)
    assert.is_true(model.built)
  end)

  it("is as a chain what Sequential is: weights, training, printing", function()
    local function chain() return { L.Input { 7, 2 }, L.Conv1D { filters = 3, kernel_size = 2, activation = "relu" },
      L.Dropout { rate = 0.3 }, L.Flatten(), L.Dense { units = 2, activation = "softmax" } } end
    local list = chain()
    list.seed = 5
    local sequential = lubdub.Sequential(list)
    local y = chain()
    local x = y[1]
    local out = x
    for i = 2, #y do out = y[i](out) end
    local model = lubdub.Model { inputs = x, outputs = out, seed = 5, name = "sequential" }
    local data, targets = nets.batch(20, { 7, 2 }, 2, 1)
    for _, m in ipairs { sequential, model } do
      m:compile { optimizer = "adam", loss = "categorical_crossentropy" }
      m:fit(data, targets, { epochs = 3, verbose = 0, seed = 3 })
    end
    for i, weight in ipairs(sequential:get_weights()) do assert.is_true(same(weight, model:get_weights()[i])) end
    assert.is_nil(tostring(model):find "Connected")
  end)

  it("trains, evaluates, predicts and is cloned", function()
    local model = residual { seed = 3 }
    local x, y = nets.batch(24, { 8, 9, 2 }, 3, 2)
    model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
    local before = model:evaluate(x, y).loss
    model:fit(x, y, { epochs = 20, verbose = 0, seed = 1 })
    assert.is_true(model:evaluate(x, y).loss < before)
    local copy = model:clone()
    assert.is_true(same(model:predict(x), copy:predict(x)))
    assert.same(names_of(model), names_of(copy))
    copy:compile { optimizer = "adam", loss = "categorical_crossentropy" }
    copy:train_on_batch(x, y)
    assert.is_false(same(model:predict(x), copy:predict(x)))
    assert.is_true(same(model:predict_on_batch(x), model:predict(x, { batch_size = 5 })))
  end)

  it("makes the same weights from the same seed", function()
    local a, b, c = residual { seed = 1 }, residual { seed = 1 }, residual { seed = 2 }
    for i, weight in ipairs(a:get_weights()) do assert.is_true(same(weight, b:get_weights()[i])) end
    assert.is_false(same(a:get_weights()[1], c:get_weights()[1]))
  end)

  it("takes a list of tensors for several inputs, and gives one for several outputs", function()
    local a, b = L.Input { 4, name = "left" }, L.Input { 3, 2, name = "right" }
    local joined = L.Concatenate()({ L.Dense { units = 5 }(a), L.Flatten()(b) })
    local out = L.Dense { units = 2, activation = "softmax" }(joined)
    local model = lubdub.Model { inputs = { a, b }, outputs = out }
    assert.same({ { 4 }, { 3, 2 } }, model.input_shape)
    local x = { random({ 10, 4 }, 1), random({ 10, 3, 2 }, 2) }
    local _, y = nets.batch(10, { 1 }, 2, 1)
    model:compile { optimizer = "sgd", loss = "categorical_crossentropy" }
    local history = model:fit(x, y, { epochs = 3, batch_size = 4, verbose = 0, validation_split = 0.2 })
    assert.equal(3, #history.history.val_loss)
    assert.equal("number", type(model:evaluate(x, y).loss))
    model:train_on_batch(x, y)

    local both = lubdub.Model { inputs = model.inputs, outputs = { joined, out, joined, a } }
    local results = both:predict(x)
    assert.equal(4, #results)
    assert.same({ 10, 11 }, results[1]:shape())
    assert.is_true(same(model:predict(x), results[2]))
    assert.is_true(same(results[1], results[3]))
    assert.is_true(same(x[1], results[4]))
    assert.same({ { 11 }, { 2 }, { 11 }, { 4 } }, both.output_shape)
    refused("compile: a model trains with one output, and this one has 4", both.compile, both,
      { optimizer = "sgd", loss = "mse" })

    refused("fit: x must be a list of 2 tensors %(left, right%), got a tensor", model.fit, model, x[1], y)
    refused("fit: x must be a list of 2 tensors %(left, right%), got 1", model.fit, model, { x[1] }, y)
    refused("fit: x%[2%] must be %(n, 3, 2%), got %(10, 4%)", model.fit, model, { x[1], x[1] }, y)
    refused("predict: x%[1%] has 10 rows and x%[2%] has 9", model.predict, model, { x[1], x[2]:slice(1, 1, 9) })
    refused("predict: x%[2%] must be a tensor, got a symbolic tensor", model.predict, model, { x[1], out })
  end)

  it("shares the layers of another, also of a Sequential", function()
    local model = lubdub.Sequential { L.Input { 6, 1 }, L.Conv1D { filters = 2, kernel_size = 2 }, L.Flatten(),
      L.Dense { units = 2 } }
    local features = lubdub.Model { inputs = model.inputs, outputs = model:get_layer("conv1d").output }
    local x, y = random({ 5, 6, 1 }, 1), random({ 5, 2 }, 2)
    local before = features:predict(x)
    model:compile { optimizer = "sgd", loss = "mse" }
    model:train_on_batch(x, y)
    assert.is_false(same(before, features:predict(x)))
    assert.equal(model:get_layer "conv1d", features:get_layer "conv1d")
    model:add(L.Dense { units = 3 })
    local more = lubdub.Model { inputs = model.inputs, outputs = { model.layers[1].output, model.outputs[1] } }
    assert.is_true(same(model:predict(x), more:predict(x)[2]))
  end)

  it("shares the weights of a layer that is called twice", function()
    local a, b, dense = L.Input { 4 }, L.Input { 4 }, L.Dense { units = 3, activation = "tanh" }
    local out = L.Dense { units = 1 }(L.Multiply()({ dense(a), dense(b) }))
    local model = lubdub.Model { inputs = { a, b }, outputs = out }
    assert.equal(4, #model:get_weights())
    assert.equal(4 * 3 + 3 + 3 + 1, (model:count_params()))
    local one, two = random({ 6, 4 }, 1), random({ 6, 4 }, 2)
    assert.is_true(same(model:predict { one, two }, model:predict { two, one }))
  end)

  it("refuses what is no graph from its inputs to its outputs", function()
    local a, b = L.Input { 4, name = "left" }, L.Input { 4, name = "right" }
    local sum = L.Add { name = "sum" }({ a, b })
    local Model = lubdub.Model
    refused("Model: option 'inputs' is missing", Model, { outputs = sum })
    refused("Model: option 'outputs' is missing", Model, { inputs = a })
    refused("Model: the graph is disconnected: Symbolic %(n, 4%) from sum %(Add%) needs the input "
      .. "Symbolic %(n, 4%) from right %(Input%)", Model, { inputs = a, outputs = sum })
    refused("the output Symbolic %(n, 4%) from right %(Input%) is an input that is not among inputs", Model,
      { inputs = a, outputs = { L.Flatten()(a), b } })
    refused("Model: inputs must come from layers.Input, got Symbolic", Model, { inputs = sum, outputs = sum })
    refused("Model: the input .*left.* is given twice", Model, { inputs = { a, a }, outputs = L.Flatten()(a) })
    refused("Model: outputs: expected a symbolic tensor, got the layer Flatten", Model,
      { inputs = a, outputs = L.Flatten() })
    refused("Model: inputs: the list of symbolic tensors is empty", Model, { inputs = {}, outputs = sum })
    refused("Model: unknown option 'input'", Model, { input = a, outputs = sum })
    refused("two layers have the name 'sum'", Model, { inputs = a, outputs = L.Flatten { name = "sum" }(
      L.Add { name = "sum" }({ a, a })) })
    local dense = L.Dense { units = 2, name = "both" }
    dense(a)
    refused("Model: layer both: dense: input must have 4 features, got 5", function()
      local c = L.Input { 5 }
      Model { inputs = { a, c }, outputs = { dense(a), dense(c) } }
    end)
  end)

  it("is no layer, and its tensors are none", function()
    local x = L.Input { 3 }
    local y = L.Dense { units = 2 }(x)
    local model = lubdub.Model { inputs = x, outputs = y }
    refused("a model is not called as a layer is", model, x)
    refused("a model is not called as a layer is", lubdub.Sequential { x, L.Dense { units = 2 } }, x)
    refused("Sequential: layer 2 must be a layer, got table; a graph of layers is a lubdub.Model", lubdub.Sequential,
      { x, y })
  end)

  it("is kept by callbacks as a Sequential is", function()
    local model = residual { seed = 3 }
    local x, y = nets.batch(12, { 8, 9, 2 }, 3, 2)
    model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
    local path = os.tmpname()
    model:fit(x, y, { epochs = 3, verbose = 0, seed = 1, validation_data = { x, y }, callbacks = {
      lubdub.callbacks.ModelCheckpoint { path = path .. ".h5" },
      lubdub.callbacks.EarlyStopping { monitor = "val_loss", patience = 5, restore_best_weights = true } } })
    assert(model:save(path .. ".keras"))
    assert.is_true(same(model:predict(x), assert(lubdub.load_model(path .. ".h5")):predict(x)))
    local resumed = assert(lubdub.load_model(path .. ".keras"))
    for _, ending in ipairs { "", ".h5", ".keras" } do os.remove(path .. ending) end
    resumed:fit(x, y, { epochs = 5, initial_epoch = 3, verbose = 0, seed = 1 })
    local whole = residual { seed = 3 }
    whole:compile { optimizer = "adam", loss = "categorical_crossentropy" }
    whole:fit(x, y, { epochs = 5, verbose = 0, seed = 1 })
    for i, weight in ipairs(whole:get_weights()) do assert.is_true(same(weight, resumed:get_weights()[i])) end
  end)

  it("takes an input that nothing needs", function()
    local a, b = L.Input { 4 }, L.Input { 2 }
    local model = lubdub.Model { inputs = { a, b }, outputs = L.Dense { units = 1 }(a) }
    assert.same({ "input_layer", "input_layer_1", "dense" }, names_of(model))
    assert.same({ 3, 1 }, model:predict({ random({ 3, 4 }, 1), random({ 3, 2 }, 1) }):shape())
  end)
end)
