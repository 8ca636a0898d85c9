-- LSTM, GRU and Bidirectional: against float64 and Keras, and the fast stage against the reference.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local float64 = require "support.float64"
local json = require "support.json"
local lists = require "support.lists"
local nets = require "support.nets"
local temporary = require "support.temporary"
local L = core.layers
local rows, relative_difference = lists.rows, lists.relative_difference

-- A tensor of the golden files: its shape, and its numbers in one list.
local function tensor(item) return lubdub.Tensor(item.data):reshape(item.shape) end

-- A random LSTM or GRU; `usual` keeps to what the fast stage takes.
local function random_cell(next_number, usual, sequences, backwards)
  local activations = { "tanh", usual and "tanh" or "elu", "relu", false, "sigmoid" }
  local options = {
    units = next_number(1, usual and 40 or 6), return_sequences = sequences, go_backwards = backwards,
    use_bias = next_number(1, 4) > 1, dropout = next_number(1, 3) == 1 and 0.4 or 0,
    activation = next_number(1, 3) == 1 and activations[next_number(1, 5)] or nil,
    recurrent_activation = ({ "tanh", "hard_sigmoid", "keras2_hard_sigmoid", usual and "sigmoid" })[next_number(1, 8)],
  }
  if next_number(1, 2) == 1 then return L.LSTM(options) end
  options.reset_after = usual or next_number(1, 2) == 1
  return L.GRU(options)
end

local function random_layer(next_number, usual, sequences)
  if next_number(1, 2) == 1 then return random_cell(next_number, usual, sequences, next_number(1, 3) == 1) end
  return L.Bidirectional {
    random_cell(next_number, usual, sequences, false),
    merge_mode = ({ "concat", "sum", "mul", "ave" })[next_number(1, 4)],
  }
end

-- Recurrent layers behind (steps, features), then a dense softmax; weights that are not too tame, but over many steps
-- small enough that linear and relu ones do not grow without end.
local function random_net(seed, usual)
  local next_number = nets.random(seed)
  local shape = { next_number(1, usual and 20 or 6), next_number(1, usual and 30 or 4) }
  local layers, depth = {}, next_number(1, 2)
  for i = 1, depth do
    local sequences = i < depth or next_number(1, 3) == 1
    layers[i] = random_layer(next_number, usual, sequences)
    if i == depth and sequences then layers[#layers + 1] = L.Flatten() end
  end
  local classes = next_number(2, 4)
  layers[#layers + 1] = L.Dense { units = classes, activation = "softmax" }
  nets.build(layers, shape, seed)
  for i, layer in ipairs(layers) do
    local weights = {}
    for j, weight in ipairs(layer:weights()) do
      local noise = lubdub.Tensor.randn { weight.value:size(), seed = seed * 100 + 10 * i + j } * 0.2
      weights[j] = (weight.value + noise:reshape(weight.value:shape())) * (usual and 0.6 or 1)
    end
    layer:set_weights(weights)
  end
  return layers, shape, classes
end

local function batch(n, shape, classes, seed)
  local x = lubdub.Tensor.randn { n, shape[1], shape[2], seed = seed }
  local y, w, next_number = {}, {}, nets.random(seed)
  for i = 1, n do
    y[i], w[i] = next_number(1, classes), next_number(1, 20) / 10
  end
  return x, lubdub.to_categorical(y, classes), lubdub.Tensor(w)
end

describe("gradients through time", function()
  for seed = 1, 40 do
    it("agree with central differences in float64, random net " .. seed, function()
      local layers, shape, classes = random_net(seed, false)
      local x, y, w = batch(2, shape, classes, seed)
      local gradients, loss, outputs = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
      local model, step = float64.model(layers), { seed = seed, iterations = 0 }
      local xs, ys, ws = rows(x), rows(y), w:totable()
      assert.near(float64.loss(model, xs, shape, ys, ws, step), loss, 1e-5 * math.max(1, math.abs(loss)))
      for n, sample in ipairs(xs) do
        step.sample = n - 1
        assert.is_true(relative_difference(outputs[n]:totable(), float64.predict(model, sample, shape, step)) < 1e-5)
      end
      for i, list in ipairs(float64.gradients(model, xs, shape, ys, ws, step)) do
        for j, g in ipairs(list) do
          local difference = relative_difference(float64.flat(gradients[i][j]:totable()), g)
          assert.is_true(difference < 1e-4, ("%s weight %d: %g"):format(layers[i], j, difference))
        end
      end
    end)
  end
end)

-- The largest relative difference of the gradients of two runs, and which weight has it.
local function gradient_difference(layers, got, expected)
  local most, where = 0, ""
  for i, list in ipairs(expected) do
    for j, g in ipairs(list) do
      local difference = relative_difference(float64.flat(got[i][j]:totable()), float64.flat(g:totable()))
      if difference > most then most, where = difference, ("%s weight %d"):format(layers[i], j) end
    end
  end
  return most, where
end

describe("the recurrent stage", function()
  it("does what the reference path does, over random nets", function()
    for seed = 1, 150 do
      local layers, shape, classes = random_net(seed + 5000, true)
      local n = ({ 1, 2, 5, 16, 17, 35 })[1 + seed % 6]
      local x, y, w = batch(n, shape, classes, seed)
      local plan = tostring(core.Trainer { layers = layers, input_shape = shape })
      assert.truthy(plan:find("recurrent", 1, true), plan)
      local fast, fast_loss, fast_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local slow, slow_loss, slow_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
      assert.near(slow_loss, fast_loss, 1e-5 * math.max(1, slow_loss), "loss of net " .. seed)
      assert.is_true(fast_outputs:allclose(slow_outputs, { rtol = 1e-4, atol = 1e-5 }), "outputs of net " .. seed)
      local difference, where = gradient_difference(layers, fast, slow)
      assert.is_true(difference < 1e-4, ("net %d, %s: %g"):format(seed, where, difference))
    end
  end)
end)

describe("the gates' functions", function()
  -- a GRU whose z is 0 after one step gives the activation of what comes in
  local function values(activation, x)
    local layer = L.GRU { units = 1, activation = activation, recurrent_activation = "linear" }
    layer:build({ 1, 1 }, 1)
    layer:set_weights {
      lubdub.Tensor { { 0, 0, 1 } }, lubdub.Tensor { { 0, 0, 0 } }, lubdub.Tensor { { 0, 0, 0 }, { 0, 0, 0 } },
    }
    local trainer = core.Trainer { layers = { layer }, input_shape = { 1, 1 } }
    trainer:begin_predict(x:reshape { #x, 1, 1 })
    nets.run(trainer)
    return float64.flat(trainer:outputs():totable())
  end
  local exact = {
    tanh = function(x)
      local e = math.exp(-2 * math.abs(x))
      local t = math.abs(x) < 1e-2 and math.abs(x) - math.abs(x) ^ 3 / 3 + 2 * math.abs(x) ^ 5 / 15 or (1 - e) / (1 + e)
      return x < 0 and -t or t
    end,
    sigmoid = function(x) return 1 / (1 + math.exp(-x)) end,
  }

  for name, f in pairs(exact) do
    it(("%s is right to the last bits of a float"):format(name), function()
      local points = {}
      for i = -3000, 3000 do points[#points + 1] = i / 100 * 2.9 end
      for i = 1, 2000 do points[#points + 1] = (i % 2 * 2 - 1) * math.exp(-i / 100) end
      local x = lubdub.Tensor(points)
      local got = values(name, x)
      for i, point in ipairs(x:totable()) do
        local expected = f(point)
        assert.is_true(math.abs(got[i] - expected) <= 3e-7 * math.abs(expected),
          ("%s(%.9g) = %.9g, not %.9g"):format(name, point, got[i], expected))
      end
    end)

    it(name .. " stays in its bounds, and NaN stays NaN", function()
      local got = values(name, lubdub.Tensor { -3e38, -1e3, 0, 1e3, 3e38, 0 / 0 })
      assert.near(name == "tanh" and -1 or 0, got[1], 1e-37)
      assert.equal(got[1], got[2])
      assert.equal(name == "tanh" and 0 or 0.5, got[3])
      assert.equal(1, got[4])
      assert.equal(1, got[5])
      assert.is_true(got[6] ~= got[6])
    end)
  end
end)

describe("Keras' numbers in float64", function()
  local golden = json "recurrent.json"

  local function make(item)
    local kind, options, wrapper = item[1], item[2], item[3]
    local layer = L[kind](options)
    return wrapper and L.Bidirectional { layer, merge_mode = wrapper.merge_mode } or layer
  end

  for number, case in ipairs(golden.layers) do
    for _, reference in ipairs { false, true } do
      local names = {}
      for i, item in ipairs(case.layers) do names[i] = tostring(make(item)) end
      it(("%s%s, net %d"):format(table.concat(names, " -> "), reference and ", reference" or "", number), function()
        local layers, x = {}, tensor(case.x)
        local shape = { x:shape(2), x:shape(3) }
        for i, item in ipairs(case.layers) do layers[i] = make(item) end
        nets.build(layers, shape)
        local next_weight = 0
        for _, layer in ipairs(layers) do
          local values = {}
          for j = 1, #layer:weights() do
            next_weight = next_weight + 1
            values[j] = tensor(case.weights[next_weight])
          end
          layer:set_weights(values)
        end
        assert.equal(#case.weights, next_weight)
        local before = nets.weights(layers)
        local trainer = core.Trainer {
          layers = layers, input_shape = shape, loss = "mse", reference = reference,
          optimizer = core.optimizers.SGD { learning_rate = 1 },
        }
        trainer:begin_step(x, tensor(case.target))
        assert.near(case.loss, nets.run(trainer), 1e-6)
        local outputs = float64.flat(trainer:outputs():totable())
        assert.is_true(relative_difference(outputs, case.y.data) < 1e-5)
        next_weight = 0
        for i, layer in ipairs(layers) do
          for j, weight in ipairs(layer:weights()) do
            next_weight = next_weight + 1
            local gradient = float64.flat((before[i][j] - weight.value):totable())
            local difference = relative_difference(gradient, case.gradients[next_weight].data)
            assert.is_true(difference < 1e-4, ("%s of %s: %g"):format(weight.name, layer, difference))
          end
        end
      end)
    end
  end

  it("are met by a model that Keras saved, and by what we make of it", function()
    local x, y = tensor(golden.model.x), tensor(golden.model.y)
    local warned = {}
    lubdub.on_warning(function(message) warned[#warned + 1] = message end)
    local model = assert(lubdub.load_model "spec/golden/recurrent_model.h5")
    lubdub.on_warning(nil)
    assert.same({}, warned)
    assert.is_true(model:predict(x):allclose(y, { rtol = 0, atol = 1e-6 }))
    local texts = {}
    for i, layer in ipairs(model.layers) do texts[i] = tostring(layer):gsub("%)  .*", ")") end
    assert.equal("Bidirectional(layer = LSTM { units = 4, dropout = 0.25, return_sequences = true })", texts[1])
    local backward = "backward_layer = GRU { units = 3, return_sequences = true, go_backwards = true }"
    assert.truthy(texts[4]:find(backward, 1, true))
    local folder, remove = temporary.folder()
    assert(model:save(folder .. "/again.h5"))
    local again = assert(lubdub.load_model(folder .. "/again.h5"))
    remove()
    assert.is_true(again:predict(x):equal(model:predict(x)))
    for i, layer in ipairs(again.layers) do assert.equal(tostring(model.layers[i]), tostring(layer)) end
  end)

  it("on a memory task: what comes first must be known at the end", function()
    local task = golden.memory
    local function data(n, seed)
      local next_number, x, y = nets.random(seed), {}, {}
      for i = 1, n do
        x[i] = {}
        for t = 1, task.steps do
          local symbol, row = next_number(1, task.classes), {}
          for c = 1, task.classes do row[c] = c == symbol and 1 or 0 end
          row[task.classes + 1] = t == 1 and 1 or 0
          x[i][t] = row
          y[i] = y[i] or symbol
        end
      end
      return lubdub.Tensor(x), lubdub.to_categorical(y, task.classes)
    end
    local x, y = data(task.train, 1)
    local validation = { data(task.valid, 2) }
    local ours, theirs = {}, task.val_accuracy -- medians: now and then one run of either gets stuck
    for seed = 1, 5 do
      lubdub.set_seed(seed)
      local model = lubdub.Sequential {
        L.Input { task.steps, task.classes + 1 }, L.LSTM { units = task.units },
        L.Dense { units = task.classes, activation = "softmax" },
      }
      model:compile {
        optimizer = lubdub.optimizers.Adam { learning_rate = task.learning_rate }, loss = "categorical_crossentropy",
        metrics = { "accuracy" },
      }
      local history = model:fit(x, y, {
        batch_size = task.batch_size, epochs = task.epochs, validation_data = validation, verbose = 0, seed = seed,
      })
      ours[seed] = history.history.val_accuracy[task.epochs]
    end
    table.sort(ours)
    table.sort(theirs)
    assert.is_true(ours[3] >= theirs[3] - 0.005, table.concat(ours, ", "))
  end)
end)

describe("training through time", function()
  local function train(threads, reference)
    local layers = {
      L.Input { 19, 7 }, L.Bidirectional { L.LSTM { units = 9, return_sequences = true, dropout = 0.2 } },
      L.GRU { units = 18, return_sequences = true }, L.LSTM { units = 5, go_backwards = true },
      L.Dense { units = 3, activation = "softmax" },
    }
    nets.build(layers, { 19, 7 }, 9)
    lubdub.set_num_threads(threads)
    local trainer = core.Trainer {
      layers = layers, input_shape = { 19, 7 }, loss = "categorical_crossentropy", seed = 4,
      optimizer = core.optimizers.Adam {}, reference = reference,
    }
    for step = 1, 5 do
      local x, y, w = batch(step % 3 == 0 and 7 or 70, { 19, 7 }, 3, step)
      trainer:begin_step(x, y, w)
      nets.run(trainer)
    end
    lubdub.set_num_threads(0)
    return nets.weights(layers), trainer
  end

  it("gives the same bits for 1, 2, 3 and 4 threads, with and without the fast stage", function()
    for _, reference in ipairs { false, true } do
      local expected = train(1, reference)
      for threads = 2, 4 do
        for i, list in ipairs((train(threads, reference))) do
          for j, weight in ipairs(list) do assert.is_true(weight:equal(expected[i][j]), threads .. " threads") end
        end
      end
    end
  end)

  it("allocates nothing in a steady step", function()
    local _, trainer = train(2)
    local x, y = batch(70, { 19, 7 }, 3, 1)
    local before = trainer:allocations()
    for _ = 1, 3 do
      trainer:begin_step(x, y)
      nets.run(trainer)
    end
    assert.equal(before, trainer:allocations())
  end)

  it("does large layers in parts, to the same bits", function()
    local layers, shape = { L.LSTM { units = 160 }, L.Dense { units = 3, activation = "softmax" } }, { 130, 33 }
    nets.build(layers, shape, 2)
    local x, y, w = batch(90, shape, 3, 1)
    local calls = {}
    local function gradients(threads)
      lubdub.set_num_threads(threads)
      local before = nets.weights(layers)
      local trainer = core.Trainer {
        layers = layers, input_shape = shape, loss = "categorical_crossentropy",
        optimizer = core.optimizers.SGD { learning_rate = 1 },
      }
      trainer:begin_step(x, y, w)
      calls[threads] = 1
      while not trainer:advance() do calls[threads] = calls[threads] + 1 end
      local after = nets.weights(layers)
      nets.set_weights(layers, before)
      lubdub.set_num_threads(0)
      return after
    end
    local one, three = gradients(1), gradients(3)
    for i, list in ipairs(one) do
      for j, weight in ipairs(list) do assert.is_true(weight:equal(three[i][j])) end
    end
    assert.is_true(calls[1] > 1)
  end)

  it("does not depend on how samples are batched in prediction", function()
    local layers, shape = random_net(5003, true)
    local trainer, x = core.Trainer { layers = layers, input_shape = shape }, batch(23, shape, 2, 1)
    local function predict(part)
      trainer:begin_predict(part)
      while not trainer:advance() do end
      return trainer:outputs():clone()
    end
    local whole = predict(x)
    for i = 1, 23 do assert.is_true(predict(x:slice(1, i, i))[1]:equal(whole[i])) end
  end)
end)

describe("a recurrent layer", function()
  it("begins with Keras' weights: orthogonal rows, zeros, ones for the forget gate", function()
    local lstm = L.LSTM { units = 6 }
    lstm:build({ 5, 3 }, 7)
    local weights = lstm:weights()
    assert.same({ "kernel", "recurrent_kernel", "bias" }, { weights[1].name, weights[2].name, weights[3].name })
    assert.same({ 3, 24 }, weights[1].value:shape())
    assert.same({ 6, 24 }, weights[2].value:shape())
    local U, identity = weights[2].value, {}
    for i = 1, 6 do
      identity[i] = {}
      for j = 1, 6 do identity[i][j] = i == j and 1 or 0 end
    end
    assert.is_true(U:matmul(U:transpose()):allclose(lubdub.Tensor(identity), { rtol = 0, atol = 1e-5 }))
    for i, value in ipairs(weights[3].value:totable()) do assert.equal((i > 6 and i <= 12) and 1 or 0, value) end
    local plain = L.LSTM { units = 6, unit_forget_bias = false, bias_initializer = "ones", use_bias = true }
    plain:build({ 5, 3 }, 7)
    for _, value in ipairs(plain:weights()[3].value:totable()) do assert.equal(1, value) end
    local gru = L.GRU { units = 2 }
    gru:build({ 5, 3 }, 7)
    assert.same({ 2, 6 }, gru:weights()[3].value:shape())
    local both = L.Bidirectional(L.LSTM { units = 2 })
    assert.same({ 4 }, both:build({ 5, 3 }, 7))
    assert.equal(6, #both:weights())
    assert.equal("backward_bias", both:weights()[6].name)
    assert.same({ 0, 0, 1, 1, 0, 0, 0, 0 }, both:weights()[6].value:totable())
    assert.is_false(both:weights()[1].value:equal(both:weights()[4].value))
  end)

  it("prints itself, and its config makes it again", function()
    local layer = L.Bidirectional { L.GRU { units = 3, reset_after = false }, merge_mode = "ave" }
    assert.equal('Bidirectional(layer = GRU { units = 3, reset_after = false }, merge_mode = "ave")', tostring(layer))
    local config = layer:config()
    assert.equal("GRU(units = 3, reset_after = false)", tostring(config.layer))
    assert.equal(tostring(layer), tostring(L.Bidirectional(config)))
    assert.equal(tostring(L.LSTM { units = 4 }), tostring(L.LSTM(L.LSTM({ units = 4 }):config())))
  end)

  local function fails(pattern, f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    assert.truthy(tostring(message):find(pattern), message)
  end

  it("refuses what it does not do", function()
    fails("LSTM: option 'units' is missing", L.LSTM, {})
    fails("LSTM: option 'units' must be in", L.LSTM, { units = 0 })
    fails("LSTM: recurrent_dropout is not supported, only 0; dropout is", L.LSTM,
      { units = 1, recurrent_dropout = 0.1 })
    fails("GRU: return_state is not supported", L.GRU, { units = 1, return_state = true })
    fails("GRU: stateful is not supported", L.GRU, { units = 1, stateful = true })
    fails("GRU: the activation 'softmax' is not supported in it", L.GRU, { units = 1, activation = "softmax" })
    fails("GRU: option 'dropout' must be in %[0, 1%)", L.GRU, { units = 1, dropout = 1 })
    fails("LSTM: unknown option 'reset_after'", L.LSTM, { units = 1, reset_after = true })
    fails("GRU: unknown option 'return_sequence'; did you mean 'return_sequences'", L.GRU,
      { units = 1, return_sequence = true })
    fails("Bidirectional: option 'layer' is missing", L.Bidirectional, {})
    fails("Bidirectional: option 'layer' must be a layer, got 3", L.Bidirectional, { layer = 3 })
    fails("Bidirectional: layer must be an LSTM or a GRU, got Dense", L.Bidirectional, L.Dense { units = 1 })
    fails("must be one of concat, sum, mul, ave, got 'min'", L.Bidirectional,
      { L.GRU { units = 1 }, merge_mode = "min" })
    fails("option 'merge_mode' must be given", L.Bidirectional, { L.GRU { units = 1 }, merge_mode = false })
    fails("layer must not have go_backwards", L.Bidirectional, L.GRU { units = 1, go_backwards = true })
    fails("backward_layer must have go_backwards", L.Bidirectional,
      { L.GRU { units = 1 }, backward_layer = L.GRU { units = 1 } })
    fails("the same units", L.Bidirectional,
      { L.GRU { units = 1 }, backward_layer = L.GRU { units = 2, go_backwards = true } })
    fails("must be trainable; give trainable = false to Bidirectional itself", L.Bidirectional,
      L.GRU { units = 1, trainable = false })
    fails("Bidirectional: layer must be an LSTM or a GRU, got Input", L.Bidirectional, L.Input { 3 })
  end)

  it("refuses shapes that do not fit", function()
    local lstm = L.LSTM { units = 2 }
    fails("lstm: input must be %(N, steps, features%), got %(N, 5%)", lstm.build, lstm, { 5 })
    fails("lstm: input must be %(N, steps, features%), got %(N, 4, 5, 1%)", lstm.build, lstm, { 4, 5, 1 })
    lstm:build({ 5, 3 }, 1)
    fails("lstm: input must be %(N, steps, 3%), got %(N, 5, 4%)", lstm.build, lstm, { 5, 4 })
    assert.same({ 2 }, lstm:build({ 9, 3 }, 1)) -- another length is fine
    local both = L.Bidirectional(L.GRU { units = 2 })
    fails("bidirectional: input must be", both.build, both, { 5 })
    local model = { L.LSTM { units = 2 }, L.LSTM { units = 2 } }
    model[1]:build({ 5, 3 }, 1)
    model[2]:build({ 5, 2 }, 1)
    fails("layer 2: lstm: input must be %(N, steps, features%), got %(N, 2%)", core.Trainer,
      { layers = model, input_shape = { 5, 3 } })
  end)
end)
