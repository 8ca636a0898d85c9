-- Random graphs of layers: the fast stages, the reference and float64 agree.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local graphs = require "support.graphs"
local nets = require "support.nets"

local L, Tensor = lubdub.layers, lubdub.Tensor
local SEEDS = tonumber(os.getenv "LUBDUB_GRAPHS") or 150

local function largest(tensor) return tensor:abs():max() end

-- got and expected differ by less than `share` of the largest expected value.
local function near(got, expected, share, what)
  local difference, most = largest(got - expected), largest(expected)
  assert(difference <= share * math.max(most, 1e-2), ("%s: %g of %g"):format(what, difference, most))
end

local function threads_back() core.set_num_threads(2) end

describe("random graphs", function()
  after_each(threads_back)

  it("predict what float64 says", function()
    for seed = 1, SEEDS do
      local model, classes = graphs.random(seed)
      local x = graphs.batch(model, 3, classes, seed)
      near(model:predict(x), Tensor(graphs.run(graphs.plain(model), graphs.samples(x))), 1e-5, "seed " .. seed)
    end
  end)

  it("have the same gradients in fast stages as in the reference, and the loss of float64", function()
    for seed = 1, SEEDS do
      local model, classes = graphs.random(seed)
      local x, y, w = graphs.batch(model, 5, classes, seed)
      local fast, loss = graphs.gradients(model, x, y, w, { seed = seed })
      local plain, again = graphs.gradients(model, x, y, w, { seed = seed, reference = true })
      local exact = graphs.loss(graphs.plain(model), graphs.samples(x), y:totable(), w:totable(),
        { seed = seed, iterations = 0 })
      assert.near(exact, loss, 1e-4 * math.max(1, exact), "seed " .. seed)
      assert.near(exact, again, 1e-4 * math.max(1, exact), "seed " .. seed)
      for i, gradient in ipairs(fast) do near(gradient, plain[i], 1e-4, ("seed %d, weight %d"):format(seed, i)) end
    end
  end)

  it("have the gradients of float64's differences", function()
    for seed = 1, SEEDS // 6 do
      local model, classes = graphs.random(seed)
      local x, y, w = graphs.batch(model, 2, classes, seed)
      local gradients = graphs.gradients(model, x, y, w, { seed = seed })
      local net, xs, ys, ws = graphs.plain(model), graphs.samples(x), y:totable(), w:totable()
      local step, number, next_number = { seed = seed, iterations = 0 }, 0, nets.random(seed)
      local by_layer = {}
      for i, node in ipairs(net.nodes) do by_layer[model.network.layers[i]] = node.layer end
      for _, layer in ipairs(model.layers) do
        local plain = by_layer[layer]
        for j, weight in ipairs(layer:weights()) do
          number = number + 1
          local values = plain.weights[j]
          local at, h = next_number(1, #values), 1e-6
          local value = values[at]
          if weight.trainable then
            values[at] = value + h
            local above = graphs.loss(net, xs, ys, ws, step)
            values[at] = value - h
            local below = graphs.loss(net, xs, ys, ws, step)
            values[at] = value
            local got = gradients[number]:reshape { -1 }[at]
            local most = largest(gradients[number])
            assert.near((above - below) / (2 * h), got, 2e-4 * math.max(most, 0.05),
              ("seed %d: %s of %s"):format(seed, weight.name, layer.name))
          end
        end
      end
    end
  end)

  it("give the same bits for any number of threads", function()
    for seed = 1, 12 do
      local model, classes = graphs.random(seed)
      local x, y, w = graphs.batch(model, 19, classes, seed)
      local expected, asked
      for threads = 1, 4 do
        core.set_num_threads(threads)
        local got = graphs.gradients(model, x, y, w, { seed = seed })
        local gradient = model:gradient(x, { output = 1 })
        gradient = type(gradient) == "table" and gradient[1] or gradient
        expected, asked = expected or got, asked or gradient
        for i, one in ipairs(got) do assert.equal(0, largest(one - expected[i])) end
        assert.equal(0, largest(gradient - asked))
      end
    end
  end)

  it("have gradients of any layer's output: fast, reference and float64", function()
    local checked = 0
    for seed = 1, SEEDS // 3 do
      local model, classes = graphs.random(seed)
      local x = graphs.batch(model, 2, classes, seed)
      local next_number = nets.random(seed)
      local layer = next_number(0, #model.network.layers - 1) -- 0: the inputs
      local before, unit = layer < #model.network.layers and next_number(1, 2) == 1, next_number(1, classes)
      local answers = {}
      for i, reference in ipairs { false, true } do
        local trainer = graphs.trainer(model, { reference = reference })
        trainer:begin_gradient(x, Tensor { unit, unit }, layer > 0 and layer or nil, before)
        nets.run(trainer)
        answers[i] = trainer:gradient()
      end
      local what = ("seed %d, layer %d"):format(seed, layer)
      for k, gradient in ipairs(answers[1].gradients) do near(gradient, answers[2].gradients[k], 1e-4, what) end
      near(answers[1].scores, answers[2].scores, 1e-4, what)
      if layer > 0 then near(answers[1].values, answers[2].values, 1e-4, what) end

      local net, xs = graphs.plain(model), graphs.samples(x)
      local values = layer > 0 and graphs.samples({ answers[1].values })[1] or xs[1]
      local given = layer > 0 and { node = layer, values = values } or nil
      if before then net.nodes[#net.nodes].layer.config.activation = "linear" end
      for _ = 1, 4 do
        local n = next_number(1, 2)
        local at, h = next_number(1, #values[n]), 1e-5
        local value = values[n][at]
        local function at_distance(d)
          values[n][at] = value + d
          local score = graphs.run(net, xs, nil, given)[n][unit]
          values[n][at] = value
          return score
        end
        local here = at_distance(0)
        local right, left = (at_distance(h) - here) / h, (here - at_distance(-h)) / h
        local gradient = answers[1].gradients[1]
        local got, tolerance = gradient:reshape { 2, -1 }[n][at], 3e-4 * math.max(largest(gradient), 0.05)
        if math.abs(right - left) < tolerance then -- else a tie of maxima, or a bend
          assert.near((right + left) / 2, got, tolerance, what)
          checked = checked + 1
        end
      end
    end
    assert.is_true(checked > SEEDS)
  end)
end)

describe("the planner", function()
  local function kinds(trainer)
    local list = {}
    for line in tostring(trainer):gmatch "\n%s*%d+%s+([^\n]*)" do list[#list + 1] = line:gsub(" %->.*", "") end
    return table.concat(list, "; ")
  end

  local function plan(outputs, x, options)
    local model = lubdub.Model { inputs = x, outputs = outputs }
    return kinds(core.Trainer {
      layers = model.network.layers, inputs = model.network.inputs, outputs = model.network.outputs,
      input_shapes = model.network.input_shapes, loss = options and options.loss,
    })
  end

  local x, conv, norm, relu, pool
  before_each(function()
    x = L.Input { 8, 8, 1 }
    conv = L.Conv2D { filters = 4, kernel_size = 3 }(x)
    norm = L.BatchNormalization()(conv)
    relu = L.ReLU()(norm)
    pool = L.MaxPooling2D()(relu)
  end)

  it("fuses what one layer alone reads, wherever it stands", function()
    assert.equal("conv: Conv2D relu + BatchNormalization + ReLU + MaxPooling2D; reference: GlobalMaxPooling2D",
      plan(L.GlobalMaxPooling2D()(pool), x))
    local other = L.Conv2D { filters = 2, kernel_size = 3 }(x)
    assert.equal(2, select(2, plan({ pool, other }, x):gsub("conv: ", "")))
  end)

  it("fuses across nothing that others read", function()
    local function count(what, outputs) return select(2, plan(outputs, x):gsub(what, "")) end
    for _, tapped in ipairs { conv, norm, relu } do
      assert.equal(1, count("BatchNormalization", { pool, tapped }))
      assert.is_nil(plan({ pool, tapped }, x):find("Conv2D relu + BatchNormalization + ReLU + MaxPooling2D", 1, true))
      local sum = L.Concatenate()({ L.Flatten()(pool), L.Flatten()(tapped) })
      local model = lubdub.Model { inputs = x, outputs = sum }
      local data = nets.batch(3, { 8, 8, 1 }, 2, 1)
      local net = graphs.plain(model)
      near(model:predict(data), Tensor(graphs.run(net, graphs.samples { data })), 1e-5, "tapped")
    end
    assert.equal("conv: Conv2D; reference: BatchNormalization; reference: ReLU; window pool: MaxPooling2D",
      (plan({ conv, norm, relu, pool }, x)))
    assert.equal("conv: Conv2D; reference: Add", plan(L.Add()({ conv, conv }), x))
  end)

  it("refuses what is no graph", function()
    local dense = core.layers.Dense { units = 2 }
    dense:build { 2 }
    local function refused(pattern, options)
      options.layers, options.input_shapes = { dense, dense }, { { 2 } }
      local ok, message = pcall(core.Trainer, options)
      assert(not ok and message:find(pattern), message)
    end
    refused("layer 1: input 1 is no earlier layer", { inputs = { { 2 }, { 1 } } })
    refused("layer 1: input 1 is no earlier layer", { inputs = { { -2 }, { 1 } } })
    refused("layer 2: 1 to 32 inputs expected, got 0", { inputs = { { -1 } } })
    refused("output 1 is no layer", { inputs = { { -1 }, { 1 } }, outputs = { 3 } })
    refused("at least one output", { inputs = { { -1 }, { 1 } }, outputs = {} })
    refused("a model trains with one output, and this one has 2", { inputs = { { -1 }, { -1 } }, outputs = { 1, 2 },
      loss = "mse" })
    refused("whose only output is its last layer's", { inputs = { { -1 }, { 1 } }, outputs = { 1 }, loss = "mse" })
  end)
end)

describe("a steady step of a graph", function()
  it("allocates nothing", function()
    local model, classes = graphs.random(7)
    local x, y, w = graphs.batch(model, 16, classes, 1)
    local trainer = graphs.trainer(model)
    local function step()
      trainer:begin_step(x, y, w)
      nets.run(trainer)
    end
    step()
    local before = trainer:allocations()
    for _ = 1, 5 do step() end
    assert.equal(before, (trainer:allocations()))
  end)
end)

describe("10,000 layers", function()
  local function works(model)
    local x = nets.batch(2, { 4 }, 2, 1)
    model:compile { optimizer = "sgd", loss = "mse" }
    model:train_on_batch(x, x)
    assert.same({ 2, 4 }, model:predict(x):shape())
    assert.same({ 2, 4 }, (model:gradient(x)):shape())
    assert.is_truthy(tostring(model):find "Total params")
    assert.equal(#model.layers, #model:clone().layers)
    assert.is_truthy(#tostring(model.trainer) > 10000)
  end

  it("in a chain", function()
    local x = L.Input { 4 }
    local y = x
    for _ = 1, 10000 do y = L.Dense { units = 4, kernel_initializer = "orthogonal" }(y) end
    works(lubdub.Model { inputs = x, outputs = y })
  end)

  it("in a graph", function()
    local x = L.Input { 4 }
    local y, before = L.Flatten()(x), x
    for _ = 1, 5000 do
      local dense = L.Dense { units = 4, kernel_initializer = "zeros" }(y)
      y, before = L.Average()({ dense, before }), y
    end
    works(lubdub.Model { inputs = x, outputs = y })
  end)
end)
