-- The engine against a float64 model of its layers, and its fast stages against the reference path.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local float64 = require "support.float64"
local lists = require "support.lists"
local nets = require "support.nets"
local rows, relative_difference = lists.rows, lists.relative_difference

describe("gradients", function()
  for seed = 1, 40 do
    it("agree with central differences in float64, random net " .. seed, function()
      local layers, shape, classes = nets.random_net(seed, seed % 2 == 0)
      local x, y, w = nets.batch(3, shape, classes, seed)
      local gradients, loss, outputs = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local model, step = float64.model(layers), { seed = seed, iterations = 0 }
      local xs, ys, ws = rows(x), rows(y), w:totable()
      assert.near(float64.loss(model, xs, shape, ys, ws, step), loss, 1e-5 * math.max(1, math.abs(loss)))
      for n, sample in ipairs(xs) do
        step.sample = n - 1
        assert.is_true(relative_difference(outputs[n]:totable(), float64.predict(model, sample, shape, step)) < 1e-5)
      end
      local expected = float64.gradients(model, xs, shape, ys, ws, step)
      for i, list in ipairs(expected) do
        for j, g in ipairs(list) do
          local difference = relative_difference(float64.flat(gradients[i][j]:totable()), g)
          assert.is_true(difference < 1e-4, ("%s weight %d: %g"):format(layers[i], j, difference))
        end
      end
    end)
  end
end)

describe("fast stages", function()
  it("do what the reference path does, over random nets", function()
    for seed = 1, 300 do
      local layers, shape, classes = nets.random_net(seed + 1000, true)
      local x, y, w = nets.batch(1 + seed % 5, shape, classes, seed)
      local fast, fast_loss, fast_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local slow, slow_loss, slow_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
      assert.near(slow_loss, fast_loss, 1e-5 * math.max(1, slow_loss), "loss of net " .. seed)
      assert.is_true(fast_outputs:allclose(slow_outputs, { rtol = 1e-4, atol = 1e-5 }), "outputs of net " .. seed)
      for i, list in ipairs(slow) do
        for j, g in ipairs(list) do
          local difference = relative_difference(float64.flat(fast[i][j]:totable()), float64.flat(g:totable()))
          assert.is_true(difference < 1e-4, ("net %d, %s weight %d: %g"):format(seed, layers[i], j, difference))
        end
      end
    end
  end)

  it("are what the plan of the notebook's net is made of", function()
    local L = core.layers
    local layers = {
      L.Input { 40, 173, 1 }, L.Conv2D { filters = 16, kernel_size = 2, activation = "relu" }, L.MaxPooling2D {},
      L.Dropout { rate = 0.2 }, L.GlobalAveragePooling2D(), L.Dense { units = 5, activation = "softmax" },
    }
    nets.build(layers, { 40, 173, 1 })
    local text = tostring(core.Trainer { layers = layers, input_shape = { 40, 173, 1 } })
    assert.truthy(text:find("Conv2D relu + MaxPooling2D + Dropout", 1, true))
  end)
end)

describe("batch normalization", function()
  local L = core.layers

  local function net()
    return {
      L.Conv2D { filters = 3, kernel_size = 3, padding = "same", use_bias = false }, L.BatchNormalization {},
      L.Activation { activation = "relu" }, L.MaxPooling2D {},
      L.Conv2D { filters = 5, kernel_size = 2, use_bias = false },
      L.BatchNormalization { momentum = 0.8, epsilon = 1e-2, scale = false },
      L.GlobalAveragePooling2D(), L.BatchNormalization { center = false },
      L.Dense { units = 3, activation = "softmax" },
    }
  end

  it("trains and predicts as Keras does, moving statistics and folding included", function()
    local golden = require "support.json" "batch_norm.json"
    local layers, shape, at = net(), { 7, 9, 2 }, 0
    nets.build(layers, shape)
    local function tensor(values, sizes) return lubdub.Tensor(values):reshape(sizes) end
    for _, layer in ipairs(layers) do
      local list = {}
      for j = 1, #layer:weights() do list[j] = tensor(golden.before[at + j], golden.shapes[at + j]) end
      at = at + #list
      layer:set_weights(list)
    end
    local x, y = tensor(golden.x, { 11, 7, 9, 2 }), tensor(golden.y, { 11, 3 })
    local trainer = core.Trainer {
      layers = layers, input_shape = shape, loss = "categorical_crossentropy",
      optimizer = core.optimizers.SGD { learning_rate = 0.1 },
    }
    assert.truthy(tostring(trainer):find("BatchNormalization relu + Activation + MaxPooling2D", 1, true))
    for i, part in ipairs { { 1, 8 }, { 9, 11 }, { 1, 8 } } do
      trainer:begin_step(x:slice(1, part[1], part[2]), y:slice(1, part[1], part[2]))
      assert.near(golden.loss[i], nets.run(trainer), 1e-5)
    end
    at = 0
    for _, layer in ipairs(layers) do
      for _, weight in ipairs(layer:weights()) do
        at = at + 1
        local expected = tensor(golden.after[at], golden.shapes[at])
        assert.is_true(weight.value:allclose(expected, { rtol = 2e-5, atol = 1e-6 }), tostring(layer) .. weight.name)
      end
    end
    for _, reference in ipairs { false, true } do
      local predictor = core.Trainer { layers = layers, input_shape = shape, reference = reference }
      predictor:begin_predict(x)
      nets.run(predictor)
      assert.is_true(predictor:outputs():allclose(tensor(golden.predictions, { 11, 3 }), { atol = 1e-5, rtol = 1e-5 }))
    end
  end)

  it("has the gradients of a float64 model, also where windows of the pool leave a rest", function()
    for seed = 1, 6 do
      local layers = {
        L.Conv2D { filters = 4, kernel_size = 2, use_bias = false }, L.BatchNormalization { center = seed % 2 == 0 },
        L.Activation { activation = "relu" }, L.MaxPooling2D { pool_size = { 2, seed % 3 + 1 } },
        L.Dropout { rate = 0.3 },
        L.Flatten(), L.BatchNormalization { scale = seed % 3 > 0 }, L.Dense { units = 3, activation = "softmax" },
      }
      local shape = { 6 + seed % 2, 8, 1 }
      nets.build(layers, shape, seed)
      local x, y, w = nets.batch(5, shape, 3, seed)
      x = x + 5
      local gradients = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local expected = float64.gradients(float64.model(layers), rows(x), shape, rows(y), w:totable(),
        { seed = seed, iterations = 0 })
      for i, list in ipairs(expected) do
        for j, g in ipairs(list) do
          if layers[i]:weights()[j].trainable then
            local difference = relative_difference(float64.flat(gradients[i][j]:totable()), g)
            assert.is_true(difference < 2e-4, ("net %d, %s weight %d: %g"):format(seed, layers[i], j, difference))
          end
        end
      end
    end
  end)

  it("gives the same bits for any number of threads", function()
    local function train()
      local layers, shape = net(), { 12, 20, 2 }
      nets.build(layers, shape, 3)
      local trainer = core.Trainer {
        layers = layers, input_shape = shape, loss = "categorical_crossentropy", optimizer = core.optimizers.Adam {},
      }
      return nets.after_four_steps(layers, shape, trainer)
    end
    nets.check_threads(train)
  end)

  it("that is frozen normalizes by its moving statistics", function()
    local layers, shape = net(), { 12, 20, 2 }
    nets.build(layers, shape, 3)
    for _, layer in ipairs(layers) do layer.trainable = layer.kind ~= "BatchNormalization" end
    local before = nets.weights(layers)
    local trainer = core.Trainer {
      layers = layers, input_shape = shape, loss = "categorical_crossentropy", optimizer = core.optimizers.SGD {},
    }
    local x, y = nets.batch(8, shape, 3, 1)
    trainer:begin_evaluate(x, y)
    local loss = nets.run(trainer)
    trainer:begin_step(x, y)
    assert.near(loss, nets.run(trainer), 1e-5)
    for j, weight in ipairs(layers[2]:weights()) do assert.is_true(weight.value:equal(before[2][j])) end
  end)
end)

describe("a large dense layer", function()
  it("goes through BLAS with the whole batch, and gives the reference's numbers", function()
    local L = core.layers
    local layers = {
      L.Conv2D { filters = 3, kernel_size = 3, activation = "relu" }, L.Flatten(),
      L.Dense { units = 300, activation = "relu" }, L.Dropout { rate = 0.3 },
      L.Dense { units = 260, activation = "tanh" }, L.Dense { units = 4, activation = "softmax" },
    }
    local shape = { 12, 11, 2 }
    nets.build(layers, shape, 3)
    assert.truthy(tostring(core.Trainer { layers = layers, input_shape = shape }):find("BLAS", 1, true))
    local x, y, w = nets.batch(70, shape, 4, 5)
    local fast, fast_loss, fast_outputs = nets.gradients(layers, shape, x, y, w, { seed = 2 })
    local slow, slow_loss, slow_outputs = nets.gradients(layers, shape, x, y, w, { seed = 2, reference = true })
    assert.near(slow_loss, fast_loss, 1e-5)
    assert.is_true(fast_outputs:allclose(slow_outputs, { rtol = 1e-4, atol = 1e-5 }))
    for i, list in ipairs(slow) do
      for j, g in ipairs(list) do
        assert.is_true(relative_difference(float64.flat(fast[i][j]:totable()), float64.flat(g:totable())) < 1e-4)
      end
    end
  end)
end)

describe("training", function()
  local function train(threads, steps)
    local L = core.layers
    local layers = {
      L.Input { 14, 15, 2 }, L.Conv2D { filters = 5, kernel_size = 2, activation = "relu" }, L.MaxPooling2D {},
      L.Dropout { rate = 0.3 }, L.Conv2D { filters = 18, kernel_size = 3, padding = "same", activation = "relu" },
      L.GlobalAveragePooling2D(), L.Dense { units = 3, activation = "softmax" },
    }
    nets.build(layers, { 14, 15, 2 }, 9)
    lubdub.set_num_threads(threads)
    local trainer = core.Trainer {
      layers = layers, input_shape = { 14, 15, 2 }, loss = "categorical_crossentropy", seed = 4,
      optimizer = core.optimizers.Adam {},
    }
    for step = 1, steps do
      local x, y, w = nets.batch(step % 3 == 0 and 7 or 37, { 14, 15, 2 }, 3, step)
      trainer:begin_step(x, y, w)
      nets.run(trainer)
    end
    lubdub.set_num_threads(0)
    return nets.weights(layers), trainer, layers
  end

  it("gives the same bits for 1, 2, 3 and 4 threads", function()
    local expected = train(1, 8)
    for threads = 2, 4 do
      for i, list in ipairs((train(threads, 8))) do
        for j, weight in ipairs(list) do assert.is_true(weight:equal(expected[i][j]), threads .. " threads") end
      end
    end
  end)

  it("allocates nothing in a steady step", function()
    local _, trainer, _ = train(2, 3)
    local x, y = nets.batch(37, { 14, 15, 2 }, 3, 1)
    local before = trainer:allocations()
    for _ = 1, 5 do
      trainer:begin_step(x, y)
      nets.run(trainer)
    end
    assert.equal(before, trainer:allocations())
  end)

  it("changes no weight before a step's last call", function()
    local _, trainer, layers = train(1, 1)
    local before = nets.weights(layers)
    local x, y = nets.batch(64, { 14, 15, 2 }, 3, 1)
    trainer:begin_step(x, y)
    trainer:begin_step(x, y) -- as after an interrupt: the first one is forgotten
    for i, list in ipairs(before) do
      for j, weight in ipairs(list) do assert.is_true(weight:equal(layers[i]:weights()[j].value)) end
    end
    nets.run(trainer)
    assert.equal(2, trainer.iterations)
  end)

  it("goes on from a state as if it had never stopped", function()
    local _, trainer, layers = train(2, 3)
    local weights, state = nets.weights(layers), trainer:state()
    local x, y = nets.batch(37, { 14, 15, 2 }, 3, 77)
    local function go_on(t)
      t:begin_step(x, y)
      nets.run(t)
      return nets.weights(layers)
    end
    local expected = go_on(trainer)
    nets.set_weights(layers, weights)
    local other = core.Trainer {
      layers = layers, input_shape = { 14, 15, 2 }, loss = "categorical_crossentropy", seed = 4,
      optimizer = core.optimizers.Adam {},
    }
    other:set_state(state)
    for i, list in ipairs(go_on(other)) do
      for j, weight in ipairs(list) do assert.is_true(weight:equal(expected[i][j])) end
    end
  end)

  it("leaves frozen layers as they are", function()
    local _, _, layers = train(1, 1)
    layers[2].trainable = false
    local before = nets.weights(layers)
    local trainer = core.Trainer {
      layers = layers, input_shape = { 14, 15, 2 }, loss = "categorical_crossentropy",
      optimizer = core.optimizers.SGD {},
    }
    local x, y = nets.batch(9, { 14, 15, 2 }, 3, 1)
    trainer:begin_step(x, y)
    nets.run(trainer)
    assert.is_true(before[2][1]:equal(layers[2]:weights()[1].value))
    assert.is_false(before[5][1]:equal(layers[5]:weights()[1].value))
  end)

  it("adds the gradients of a layer that stands twice", function()
    local L = core.layers
    local shared = L.Dense { units = 4, activation = "tanh" }
    local layers = { shared, shared, L.Dense { units = 3, activation = "softmax" } }
    nets.build(layers, { 4 })
    local x, y = lubdub.Tensor.randn { 6, 4, seed = 1 }, lubdub.to_categorical({ 1, 2, 3, 1, 2, 3 }, 3)
    local before = shared:weights()[1].value
    local trainer = core.Trainer {
      layers = layers, input_shape = { 4 }, loss = "categorical_crossentropy",
      optimizer = core.optimizers.SGD { learning_rate = 1 },
    }
    -- the float64 model shares the weights through one table
    local model = float64.model(layers)
    model[2].weights = model[1].weights
    local g = float64.gradients(model, x:totable(), { 4 }, y:totable())[1][1]
    trainer:begin_step(x, y)
    nets.run(trainer)
    assert.is_true(relative_difference(float64.flat((before - shared:weights()[1].value):totable()), g) < 1e-4)
  end)
end)

describe("prediction", function()
  it("does not depend on how samples are batched", function()
    local layers, shape = nets.random_net(5, true)
    local x = nets.batch(23, shape, 2, 1)
    local trainer = core.Trainer { layers = layers, input_shape = shape }
    local function predict(part)
      trainer:begin_predict(part)
      while not trainer:advance() do end
      return trainer:outputs():clone()
    end
    local whole = predict(x)
    for i = 1, 23 do assert.is_true(predict(x:slice(1, i, i))[1]:equal(whole[i])) end
  end)
end)

describe("mistakes", function()
  local L = core.layers
  local function fails(pattern, f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    assert.truthy(tostring(message):find(pattern), message)
  end

  it("in options name the layer, the option and the nearest right one", function()
    fails("Conv2D: unknown option 'kernel_sise'; did you mean 'kernel_size'", L.Conv2D,
      { filters = 1, kernel_sise = 2 })
    fails("Conv2D: option 'filters' is missing", L.Conv2D, { kernel_size = 2 })
    fails("Conv2D: option 'filters' must be in", L.Conv2D, { filters = 0, kernel_size = 2 })
    fails("Conv2D: option 'filters' must be a whole number, got 1.5", L.Conv2D, { filters = 1.5, kernel_size = 2 })
    fails("Dropout: option 'rate' must be in %[0, 1%), got 1", L.Dropout, { rate = 1 })
    fails("must be one of linear, relu", L.Dense, { units = 1, activation = "rely" })
    fails("strides and dilation_rate", L.Conv2D, { filters = 1, kernel_size = 2, strides = 2, dilation_rate = 2 })
    fails("Adam: unknown option 'lr'", core.optimizers.Adam, { lr = 1 })
  end)

  it("in shapes say what was expected and what came", function()
    local conv = L.Conv2D { filters = 2, kernel_size = 3 }
    fails("conv2d: input must be %(N, H, W, C%), got %(N, 5, 4%)", conv.build, conv, { 5, 4 })
    fails("a kernel of 3x3 does not fit into an input of 2x9", conv.build, conv, { 2, 9, 1 })
    conv:build({ 6, 6, 3 }, 1)
    fails("conv2d: input must be %(N, H, W, 3%), got %(N, 6, 6, 1%)", conv.build, conv, { 6, 6, 1 })
    local pool = L.MaxPooling2D { pool_size = 5 }
    fails("a pool of 5x5 does not fit", pool.build, pool, { 4, 9, 1 })
    local dense = L.Dense { units = 1 }
    fails("layer 2: Dense is not built", core.Trainer, { layers = { conv, dense }, input_shape = { 6, 6, 3 } })
    local trainer = core.Trainer { layers = { conv }, input_shape = { 6, 6, 3 } }
    local zeros = lubdub.Tensor.zeros
    fails("x must be %(N, 6, 6, 3%), got %(2, 6, 6, 1%)", trainer.begin_predict, trainer, zeros { 2, 6, 6, 1 })
    fails("no loss", trainer.begin_step, trainer, zeros { 2, 6, 6, 3 }, zeros { 2, 4, 4, 2 })
    fails("unknown loss 'categorical_crossentropi'; did you mean 'categorical_crossentropy'", core.Trainer,
      { layers = { conv }, input_shape = { 6, 6, 3 }, loss = "categorical_crossentropi" })
  end)

  it("in weights change nothing", function()
    local dense = L.Dense { units = 2 }
    dense:build({ 3 }, 1)
    local before = dense:weights()
    fails("bias of Dense must have shape %(2,%), got %(3,%)", dense.set_weights, dense,
      { lubdub.Tensor.zeros { 3, 2 }, lubdub.Tensor.zeros { 3 } })
    assert.is_true(dense:weights()[1].value:equal(before[1].value))
  end)
end)
