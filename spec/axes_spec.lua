-- Layers that work along other axes than the last, and dropout with a noise_shape: Keras' values, a float64 model, what
-- they are fused with, files, and mistakes.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local assert_raises = require "support.raises"
local float64 = require "support.float64"
local lists = require "support.lists"
local nets = require "support.nets"
local onnx_reader = require "support.onnx_reader"
local ramp = require "support.ramp"
local temporary = require "support.temporary"
local warned = require "support.warned"

local L, Tensor = core.layers, lubdub.Tensor
local golden = require "support.json" "axes.json"
local flat, rows, relative_difference = lists.of, lists.rows, lists.relative_difference

local predict = nets.predict

local function plan(layers, shape, training)
  return tostring(core.Trainer { layers = layers, input_shape = shape,
    loss = training and "categorical_crossentropy", optimizer = training and core.optimizers.SGD {} })
end

local function of(case)
  local axis = case.options.axis
  return ("%s along %s of (%s)%s"):format(case.kind, type(axis) == "table" and table.concat(axis, ", ") or axis,
    table.concat(case.shape, ", "), case.last and ", the last layer, " .. case.last or "")
end

describe("Keras' values of", function()
  for number, case in ipairs(golden.cases) do
    it(("case %d: %s"):format(number, of(case)), function()
      local layers = { L.Dense { units = case.shape[#case.shape], use_bias = false }, L[case.kind](case.options) }
      if not case.last then
        layers[3], layers[4] = L.Flatten(), L.Dense { units = 3, activation = "softmax" }
      end
      nets.build(layers, case.shape)
      local k, before = 0, {}
      for _, layer in ipairs(layers) do
        local weights = {}
        for j, weight in ipairs(layer:weights()) do
          k = k + 1
          assert.same(case.weights[k], { table.unpack(weight.value:shape()) })
          weights[j] = ramp(case.weights[k], k, golden.scale) + (weight.name == "moving_variance" and 1 or 0)
          before[k] = weights[j]
        end
        layer:set_weights(weights)
      end
      assert.equal(#case.weights, k)
      local dims = { 3, table.unpack(case.shape) }
      local x, y = ramp(dims), lubdub.to_categorical({ 1, 3, 2 }, 3)
      if case.last then
        y = ramp(dims, 99):abs()
        y = y / y:sum(-1, { keepdims = true })
      end
      for _, reference in ipairs { false, true } do
        local outputs = flat(predict({ layers[1], layers[2] }, case.shape, x, reference))
        for i, value in ipairs(case.outputs) do assert.near(value, outputs[i], 1e-5 * math.max(1, math.abs(value))) end
      end
      local trainer = core.Trainer { layers = layers, input_shape = case.shape,
        loss = case.last or "categorical_crossentropy", optimizer = core.optimizers.SGD { learning_rate = 1 } }
      trainer:begin_step(x, y)
      assert.near(case.loss, nets.run(trainer), 1e-5 * math.max(1, case.loss))
      local n, statistic = 0, 0
      k = 0
      for _, layer in ipairs(layers) do
        for _, weight in ipairs(layer:weights()) do
          k = k + 1
          if weight.trainable then
            n = n + 1
            local difference = relative_difference(flat(before[k] - weight.value), case.gradients[n])
            assert.is_true(difference < 1e-4, ("%s of %s: %g"):format(weight.name, layer, difference))
          else
            statistic = statistic + 1
            assert.is_true(relative_difference(flat(weight.value), case.after[statistic]) < 1e-5, weight.name)
          end
        end
      end
      assert.equal(#case.gradients, n)
      assert.equal(#case.after, statistic)
    end)
  end
end)

-- A random shape of 1 to 4 axes, and one of its axes as an option names it.
local function random_axis(next_number)
  local shape = {}
  for i = 1, next_number(1, 4) do shape[i] = next_number(1, 5) end
  return shape, nets.axis(next_number, shape)
end

describe("batch normalization along any axis", function()
  it("has the outputs and gradients of a float64 model, over random shapes", function()
    for seed = 1, 30 do
      local next_number = nets.random(seed)
      local shape, axis = random_axis(next_number)
      local layers = { L.Dense { units = shape[#shape], use_bias = false },
        L.BatchNormalization { axis = axis, center = seed % 3 > 0, scale = seed % 4 > 0, epsilon = 0.01 },
        L.Flatten(), L.Dense { units = 3, activation = "softmax" } }
      nets.stir(layers, shape, seed)
      local x, y, w = nets.batch(6, shape, 3, seed)
      x = x + 3
      local gradients, loss, outputs = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local model, step = float64.model(layers), { seed = seed, iterations = 0 }
      local xs, ys, ws = rows(x), rows(y), w:totable()
      assert.near(float64.loss(model, xs, shape, ys, ws, step), loss, 1e-5 * math.max(1, loss))
      for i, row in ipairs(float64.run(model, xs, shape, step)) do
        assert.is_true(relative_difference(outputs[i]:totable(), row) < 2e-5)
      end
      for i, list in ipairs(float64.gradients(model, xs, shape, ys, ws, step)) do
        for j, g in ipairs(list) do
          if layers[i]:weights()[j].trainable then
            local difference = relative_difference(flat(gradients[i][j]), g)
            assert.is_true(difference < 3e-4, ("%s over %s, weight %d of layer %d: %g"):format(layers[2],
              table.concat(shape, "x"), j, i, difference))
          end
        end
      end
    end
  end)

  it("is the same as with that axis moved to the end", function()
    local shape, batch = { 5, 3, 4 }, Tensor.randn { 7, 5, 3, 4, seed = 2 } * 2 + 1
    for axis, dims in pairs { [2] = { 3, 2, 1 }, [3] = { 1, 3, 2 } } do
      local function train(layers, frozen)
        nets.build(layers, shape, 4)
        for _, layer in ipairs(layers) do layer.trainable = not frozen end
        local trainer = core.Trainer { layers = layers, input_shape = shape, loss = "mse",
          optimizer = core.optimizers.SGD { learning_rate = 0.1 } }
        for _ = 1, 3 do
          trainer:begin_step(batch, batch * 0.5)
          nets.run(trainer)
        end
        local outputs = predict(layers, shape, batch)
        for _, layer in ipairs(layers) do
          if layer.kind == "BatchNormalization" then return outputs, layer:weights() end
        end
      end
      for _, frozen in ipairs { false, true } do
        local y, weights = train({ L.BatchNormalization { axis = axis, momentum = 0.5 } }, frozen)
        local moved, others = train({ L.Permute(dims), L.BatchNormalization { momentum = 0.5 }, L.Permute(dims) },
          frozen)
        assert.is_true(y:allclose(moved, { rtol = 1e-5, atol = 1e-6 }))
        for j, weight in ipairs(weights) do
          assert.is_true(weight.value:allclose(others[j].value, { rtol = 1e-5, atol = 1e-6 }), weight.name)
        end
      end
    end
  end)

  it("gives the same bits for any number of threads", function()
    local shape = { 6, 5, 3 }
    local function train()
      local layers = { L.Conv2D { filters = 4, kernel_size = 2 }, L.BatchNormalization { axis = 2 },
        L.LayerNormalization { axis = { 2, 4 } }, L.Dropout { rate = 0.3, noise_shape = { false, 1, false, 4 } },
        L.Softmax { axis = { 3, 2 } }, L.Dropout { rate = 0.2, noise_shape = { 1, false, 1, 1 } },
        L.BatchNormalization { axis = 3 }, L.Flatten(), L.Dense { units = 3, activation = "softmax" } }
      nets.build(layers, shape, 3)
      local trainer = core.Trainer { layers = layers, input_shape = shape, loss = "categorical_crossentropy",
        optimizer = core.optimizers.Adam {}, seed = 5 }
      return nets.after_four_steps(layers, shape, trainer)
    end
    nets.check_threads(train)
  end)

  it("is folded into a convolution, or has relu and a pool in its stage, only where the channels are last", function()
    local shape = { 6, 6, 2 }
    for axis, fused in pairs { [2] = false, [3] = false, [4] = true, [-1] = true, [-2] = false } do
      local conv, norm = L.Conv2D { filters = 5, kernel_size = 2 }, L.BatchNormalization { axis = axis }
      local layers = { conv, norm, L.ReLU(), L.MaxPooling2D(), L.Flatten(), L.Dense { units = 2 }, L.Softmax() }
      nets.stir(layers, shape, 7)
      local weights = norm:weights()
      norm:set_weights { weights[1].value, weights[2].value, weights[3].value, weights[4].value:abs() + 0.5 }
      assert.equal(fused, plan(layers, shape):find("Conv2D relu + BatchNormalization", 1, true) ~= nil)
      assert.equal(fused, plan(layers, shape, true):find("BatchNormalization relu + ReLU", 1, true) ~= nil)
      local x = Tensor.randn { 4, 6, 6, 2, seed = 1 }
      assert.is_true(predict(layers, shape, x):allclose(predict(layers, shape, x, true), { rtol = 1e-5, atol = 1e-6 }))
    end
  end)
end)

describe("softmax along another axis", function()
  it("adds up to 1 there, keeps large values and NaN", function()
    local x = Tensor.randn { 3, 4, 5, 2, seed = 1 } * 1000
    for _, axis in ipairs { { 2 }, { 3 }, { 2, 4 }, { -1, 2, 3 } } do
      local sums = predict({ L.Softmax { axis = axis } }, { 4, 5, 2 }, x):sum(axis)
      assert.is_true(sums:allclose(Tensor.ones(sums:shape()), { atol = 1e-6 }))
    end
    local y = flat(predict({ L.Softmax { axis = 2 } }, { 2, 2 }, Tensor { { { 0 / 0, 1 }, { 2, 1 } } }))
    assert.is_true(y[1] ~= y[1] and y[3] ~= y[3])
    assert.same({ 0.5, 0.5 }, { y[2], y[4] })
  end)

  it("is the last layer's own work, and along the last axis the loss' part", function()
    for axis, stage in pairs { [2] = "reference: Softmax", [3] = "Softmax softmax", [-1] = "Softmax softmax" } do
      local text = plan({ L.Softmax { axis = axis } }, { 4, 5 }, true)
      assert.truthy(text:find(stage, 1, true), text)
    end
  end)
end)

describe("dropout with a noise_shape", function()
  -- What comes out of it while training, for n samples of ones.
  local function dropped(noise, shape, n, seed)
    local size = float64.product(shape)
    local eye = {}
    for i = 1, size do
      eye[i] = {}
      for j = 1, size do eye[i][j] = i == j and 1 or 0 end
    end
    local layers = { L.Dropout { rate = 0.5, noise_shape = noise }, L.Flatten(), L.Dense { units = size } }
    nets.build(layers, shape)
    layers[3]:set_weights { Tensor(eye), Tensor.zeros { size } }
    local trainer = core.Trainer { layers = layers, input_shape = shape, loss = "mse", seed = seed or 1,
      optimizer = core.optimizers.SGD { learning_rate = 0 } }
    trainer:begin_step(Tensor.ones { n, table.unpack(shape) }, Tensor.zeros { n, size })
    nets.run(trainer)
    return trainer:outputs():clone():reshape { n, table.unpack(shape) }
  end

  it("draws once along axes of size 1, the batch's too", function()
    local y = dropped({ false, 1, false }, { 5, 40 }, 6)
    for i = 1, 6 do
      for t = 2, 5 do assert.is_true(y[i][t]:equal(y[i][1])) end
    end
    assert.is_false(y[1]:equal(y[2]))
    assert.near(1, y:mean(), 0.25)
    y = dropped({ 1, false, false }, { 5, 40 }, 6)
    for i = 2, 6 do assert.is_true(y[i]:equal(y[1])) end
    assert.is_false(y[1][1]:equal(y[1][2]))
    y = dropped({ false, false, 1 }, { 200, 3 }, 2)
    assert.is_true(y:slice(3, 1, 1):equal(y:slice(3, 3, 3)))
    assert.near(1, y:mean(), 0.25)
    y = dropped({ 1, 1, 1 }, { 5, 4 }, 3)
    assert.equal(y:min(), y:max())
    assert.is_false(dropped({ 1, false, false }, { 5, 4 }, 2, 1):equal(dropped({ 1, false, false }, { 5, 4 }, 2, 2)))
  end)

  it("is the same as without where it has the input's sizes", function()
    local plain = dropped(false, { 5, 8 }, 4)
    assert.is_true(dropped({ false, false, false }, { 5, 8 }, 4):equal(plain))
    assert.is_true(dropped({ 4, 5, 8 }, { 5, 8 }, 4):equal(plain))
    assert.is_true(dropped({ 32, false, 8 }, { 5, 8 }, 4):equal(plain))
  end)

  it("stands behind the fused stages, which draw for each element, and does nothing in predictions", function()
    local shape = { 6, 6, 2 }
    for noise, fused in pairs { [false] = true, [{ false, 1, 1, false }] = false } do
      for _, norm in ipairs { false, true } do
        local layers = { L.Conv2D { filters = 4, kernel_size = 2, activation = not norm and "relu" or nil } }
        if norm then layers[2] = L.BatchNormalization() end
        table.insert(layers, L.Dropout { rate = 0.5, noise_shape = noise })
        nets.build(layers, shape)
        local name = norm and "BatchNormalization + Dropout" or "Conv2D relu + Dropout"
        local text = plan(layers, shape, true)
        assert.equal(fused, text:find(name, 1, true) ~= nil, text)
        local x = Tensor.randn { 3, 6, 6, 2, seed = 1 }
        local without = { table.unpack(layers, 1, #layers - 1) }
        assert.is_true(predict(layers, shape, x):equal(predict(without, shape, x)))
      end
    end
  end)
end)

describe("files", function()
  local said = warned(before_each, after_each)

  local function model()
    return lubdub.Sequential { L.Input { 5, 4, 3 }, L.Conv2D { filters = 3, kernel_size = 1 },
      L.BatchNormalization { axis = -3 }, L.LayerNormalization { axis = { 4, -3 } }, L.Softmax { axis = { 2, -1 } },
      L.Dropout { rate = 0.5, noise_shape = { false, 1, 4, 3 } }, L.Softmax { axis = 3 }, L.Flatten(),
      L.Dense { units = 2 }, seed = 1 }
  end

  it("of Keras hold the options in Keras' count of axes, and give them back", function()
    local folder, remove = temporary.folder()
    for _, name in ipairs { "/m.h5", "/m.keras" } do
      local net = model()
      assert(net:save(folder .. name))
      local back = assert(lubdub.load_model(folder .. name))
      for i, layer in ipairs(net.layers) do assert.same(layer:config(), back.layers[i]:config()) end
      local x = ramp { 2, 5, 4, 3 }
      assert.is_true(net:predict(x):equal(back:predict(x)))
    end
    local written = require("lubdub.keras.layer_config").write
    local function config(layer, name)
      layer.name = name
      return written(layer).config
    end
    local null = require("lubdub.keras.json").null
    local dropout = L.Dropout { rate = 0.1, noise_shape = { false, 1, 4, 32 } }
    assert.same({ null, 1, 4, 32 }, config(dropout, "a").noise_shape)
    assert.is_nil(config(L.Dropout { rate = 0.1 }, "a").noise_shape)
    assert.same({ 1, -1 }, config(L.LayerNormalization { axis = { 2, -1 } }, "b").axis)
    assert.equal(2, config(L.BatchNormalization { axis = 3 }, "c").axis)
    assert.equal(-2, config(L.Softmax { axis = -2 }, "d").axis)
    remove()
  end)

  it("that Keras saved hold them", function()
    for _, name in ipairs { "axes.h5", "axes.keras" } do
      local net = assert(lubdub.load_model("spec/golden/" .. name))
      local y = net:predict(ramp { 3, 5, 6, 3 }):totable()
      for i, row in ipairs(golden.saved) do
        for j, value in ipairs(row) do assert.near(value, y[i][j], 1e-5) end
      end
      assert.same({ -3, 3 }, net.layers[3]:config().axis) -- sorted, by Keras
      assert.same({ false, 1, false, 4 }, net.layers[4]:config().noise_shape)
    end
  end)

  it("are warned of where Keras would take several axes for the last", function()
    local folder, remove = temporary.folder()
    local net = lubdub.Sequential { L.Input { 5, 4 }, L.Softmax { axis = { 2, 3 }, name = "over" } }
    assert(net:save(folder .. "/m.keras"))
    assert.same({}, said)
    assert(net:save(folder .. "/m.h5"))
    assert.equal("layer over: Keras reads several axes from .keras files alone, and knows the last one alone in .h5",
      said[1])
    remove()
  end)

  it("of ONNX hold the axes where the values have them", function()
    local read = onnx_reader.read(lubdub.onnx.encode(model()))
    local axes, names = {}, {}
    for _, node in ipairs(read.nodes) do
      if node.axes or node.axis then axes[#axes + 1] = node.axes or node.axis end
      names[#names + 1] = node.op
    end
    -- behind the convolution the channels are first: (N, 3, 5, 4)
    assert.same({ { 2, 1 }, { 2, 1 }, { 2, 1 }, 3 }, axes)
    assert.same({ "Transpose", "Conv", "Mul", "Add", "ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div",
      "Mul", "Add", "ReduceLogSumExp", "Sub", "Exp", "Softmax", "Transpose", "Reshape", "Gemm" }, names)
  end)
end)

describe("mistakes name the layer and its number:", function()
  local function fails(layer, ...)
    local pieces = { ... }
    assert_raises(function() lubdub.Sequential { L.Input { 5, 4 }, L.Dense { units = 4 }, layer } end,
      "Sequential: layer 2 (", table.unpack(pieces))
  end

  it("an axis that is none of a sample's", function()
    for kind, name in pairs { BatchNormalization = "batch_normalization", LayerNormalization = "layer_normalization",
      Softmax = "softmax" } do
      for _, axis in ipairs { 0, 1, 4, -3, 1 << 62 } do
        local text = "%s): %s: axis must be 2 to 3, or -1 to -2, for samples of (5, 4); got %d (1 is the batch)"
        fails(L[kind] { axis = axis }, text:format(name, name, axis))
      end
    end
    fails(L.LayerNormalization { axis = { 2, 1 } }, "got 1 (1 is the batch)")
    fails(L.Softmax { axis = { 2, 7 } }, "got 7 (1 is the batch)")
  end)

  it("an axis twice", function()
    fails(L.LayerNormalization { axis = { 2, 3, 3 } }, "layer_normalization: axis names axis 3 twice")
    fails(L.Softmax { axis = { 2, -2 } }, "softmax: axis names axis 2 twice")
  end)

  it("a noise_shape that cannot be spread", function()
    fails(L.Dropout { rate = 0.5, noise_shape = { false, 1 } },
      "dropout: noise_shape must have 3 sizes, the batch's first, for samples of (5, 4); got (false, 1)")
    fails(L.Dropout { rate = 0.5, noise_shape = { false, 2, 4 } },
      "dropout: noise_shape (false, 2, 4) cannot be spread over samples of (5, 4): size 2 must be 5, 1 or false")
  end)

  it("and in options what is no axis and no size", function()
    assert_raises(function() L.Softmax { axis = {} } end, "Softmax: option 'axis' must have 1 to 8 numbers, got 0")
    assert_raises(function() L.Softmax { axis = { "x" } } end, "Softmax: option 'axis' must be a whole number, got 'x'")
    assert_raises(function() L.LayerNormalization { axis = false } end,
      "LayerNormalization: option 'axis' must be given")
    assert_raises(function() L.BatchNormalization { axis = { 2, 3 } } end,
      "BatchNormalization: option 'axis' must be a whole number, got table")
    for given, message in pairs { [3] = "must be a table of sizes or false, got 3",
      [{ false, 0 }] = "must be in [1, 2147483647], got 0",
      [{ false, 1.5 }] = "must be a whole number or false, got 1.5",
      [{}] = "must have 1 to 8 numbers, got 0", [{ 1, 1, 1, 1, 1, 1, 1, 1, 1 }] = "must have 1 to 8 numbers, got 9" } do
      assert_raises(function() L.Dropout { rate = 0.5, noise_shape = given } end,
        "Dropout: option 'noise_shape' " .. message)
    end
  end)

  it("and weights that were made for another size", function()
    local norm = L.LayerNormalization { axis = { 2, 3 } }
    norm:build({ 5, 4 }, 1)
    assert_raises(function() norm:build({ 5, 3 }, 1) end,
      "LayerNormalization: its gamma has shape (5, 4), but an input of (5, 3) needs (5, 3)")
    local batch = L.BatchNormalization { axis = 2 }
    batch:build({ 5, 4 }, 1)
    batch:build({ 5, 9 }, 1)
    assert_raises(function() batch:build({ 4, 5 }, 1) end, "batch_normalization: input must have 5 channels, got 4")
  end)
end)

it("an option prints as it is given", function()
  assert.equal("Dropout(rate = 0.5, noise_shape = {false, 1, 8})",
    tostring(L.Dropout { rate = 0.5, noise_shape = { false, 1, 8 } }))
  assert.equal("Softmax(axis = {2, -1})", tostring(L.Softmax { axis = { 2, -1 } }))
  assert.equal("Softmax(axis = 3)", tostring(L.Softmax { axis = { 3 } }))
  assert.same({ axis = -1, epsilon = 0.001, center = true, scale = true, beta_initializer = "zeros",
    gamma_initializer = "ones", beta_regularizer = false, gamma_regularizer = false, beta_constraint = false,
    gamma_constraint = false }, L.LayerNormalization():config())
end)
