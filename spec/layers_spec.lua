-- Every kind of layer: against Keras' values, against central differences of the float64 model; its fast stage, its
-- place in Keras' files, and mistakes.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local dkjson = require "dkjson"
local float64 = require "support.float64"
local lists = require "support.lists"
local nets = require "support.nets"
local ramp = require "support.ramp"

local L, Tensor = core.layers, lubdub.Tensor
local flat, rows, relative_difference = lists.of, lists.rows, lists.relative_difference

local golden
do
  local file <close> = assert(io.open "spec/golden/layers.json")
  golden = dkjson.decode(file:read "a")
end

local function predict(layers, shape, x, options)
  options = options or {}
  local trainer = core.Trainer { layers = layers, input_shape = shape, reference = options.reference }
  trainer:begin_predict(x)
  while not trainer:advance() do end
  return trainer:outputs():clone()
end

-- [Dense, the layer, Flatten, Dense softmax] over `shape`: gradients go through the layer, whatever it is.
local function around(layer, shape)
  return { L.Dense { units = shape[#shape] }, layer, L.Flatten(), L.Dense { units = 3, activation = "softmax" } }
end

local function describe_options(options)
  local parts = {}
  for key, value in pairs(options) do
    parts[#parts + 1] = key .. " = " .. (type(value) == "table" and dkjson.encode(value) or tostring(value))
  end
  table.sort(parts)
  return table.concat(parts, ", ")
end

describe("Keras' values of", function()
  for _, case in ipairs(golden.cases) do
    local what = ("%s { %s } over (%s)"):format(case.kind, describe_options(case.options),
      table.concat(case.shape, ", "))
    it(what, function()
      local layers = around(L[case.kind](case.options), case.shape)
      nets.build(layers, case.shape)
      local k = 0
      for _, layer in ipairs(layers) do
        local weights = {}
        for j, weight in ipairs(layer:weights()) do
          k = k + 1
          weights[j] = ramp(weight.value:shape(), k, golden.scale)
        end
        layer:set_weights(weights)
      end
      local dims = { 2, table.unpack(case.shape) }
      local x, y = ramp(dims), lubdub.to_categorical({ 1, 3 }, 3)
      assert.same(case.out_shape, layers[2]:output_shape(case.shape))

      local outputs = flat(predict({ layers[1], layers[2] }, case.shape, x))
      for i, value in ipairs(case.outputs) do
        assert.near(value, outputs[i], 1e-5 * math.max(1, math.abs(value)))
      end
      if layers[2].kind:find "Drop" or layers[2].kind == "GaussianNoise" then return end -- random while training
      local gradients, n = nets.gradients(layers, case.shape, x, y), 0
      for i = 1, 2 do
        for _, gradient in ipairs(gradients[i]) do
          n = n + 1
          assert.is_true(relative_difference(flat(gradient), case.gradients[n]) < 1e-4, ("weight %d"):format(n))
        end
      end
      assert.equal(#case.gradients, n)
    end)
  end
end)

describe("gradients by central differences, random options:", function()
  local kinds = {}
  for kind in pairs(nets.options) do kinds[#kinds + 1] = kind end
  table.sort(kinds)

  it("no kind of layer is left out", function()
    local known = { Input = true, Flatten = true, LSTM = true, GRU = true, Bidirectional = true,
      BatchNormalization = true, Add = true, Subtract = true, Multiply = true, Average = true, Maximum = true,
      Minimum = true, Concatenate = true }
    for kind in pairs(nets.options) do known[kind] = true end
    for _, kind in ipairs(L.names()) do assert.is_true(known[kind] or kind:find "^Global" ~= nil, kind) end
  end)

  local function check(kind, options, shape, seed)
    local ok, layer = pcall(L[kind], options)
    if not ok or not pcall(layer.output_shape, layer, shape) then return end
    local layers = around(layer, shape)
    -- along the other axes it takes away what a bias adds, whose gradient is then 0 but for rounding
    if kind == "LayerNormalization" then layers[1] = L.Dense { units = shape[#shape], use_bias = false } end
    nets.stir(layers, shape, seed)
    local x, y, w = nets.batch(2, shape, 3, seed)
    local gradients, loss, outputs = nets.gradients(layers, shape, x, y, w, { seed = seed })
    local model, step = float64.model(layers), { seed = seed, iterations = 0 }
    local xs, ys, ws = rows(x), rows(y), w:totable()
    assert.near(float64.loss(model, xs, shape, ys, ws, step), loss, 1e-5 * math.max(1, math.abs(loss)))
    for n, sample in ipairs(xs) do
      step.sample = n - 1
      assert.is_true(relative_difference(outputs[n]:totable(), float64.predict(model, sample, shape, step)) < 1e-5)
    end
    for i, list in ipairs(float64.gradients(model, xs, shape, ys, ws, step)) do
      for j, g in ipairs(list) do
        local difference = relative_difference(flat(gradients[i][j]), g)
        assert.is_true(difference < 1e-4, ("%s over %s, weight %d of layer %d: %g"):format(layer,
          table.concat(shape, "x"), j, i, difference))
      end
    end
    return true
  end

  for _, kind in ipairs(kinds) do
    it(kind, function()
      local count = 0
      for seed = 1, 8 do
        local next_number = nets.random(seed + #kind * 100)
        local two = kind:find "2D$" or (not kind:find "1D$" and seed % 2 == 0)
        local shape = { next_number(3, 6), next_number(2, 4) }
        if two then shape = { next_number(3, 5), next_number(3, 4), next_number(1, 3) } end
        if check(kind, nets.options[kind](next_number, shape), shape, seed) then count = count + 1 end
      end
      assert.is_true(count >= 2)
    end)
  end

  for _, rank in ipairs { 1, 2 } do
    for _, how in ipairs { "Average", "Max" } do
      local kind = ("Global%sPooling%dD"):format(how, rank)
      it(kind, function()
        local shape = rank == 1 and { 5, 3 } or { 3, 4, 2 }
        assert.is_true(check(kind, { keepdims = false }, shape, 3))
        assert.is_true(check(kind, { keepdims = true }, shape, 4))
      end)
    end
  end
end)

describe("activations", function()
  local x = Tensor.arange(-160, 161) / 16

  it("are near their float64 values from -10 to 10, in layers and behind convolutions", function()
    local config = L.Activation { activation = "relu" }:config()
    assert.equal("relu", config.activation)
    for _, name in ipairs { "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "hard_sigmoid", "softplus",
      "softsign", "exponential", "tanh", "sigmoid", "keras2_hard_sigmoid" } do
      local column = x:reshape { 321, 1 }
      local y = flat(predict({ L.Activation { activation = name } }, { 1 }, column))
      local model = { { kind = "Activation", config = { activation = name } } }
      local conv = L.Conv1D { filters = 1, kernel_size = 1, activation = name, kernel_initializer = "ones" }
      conv:build { 321, 1 }
      local behind = flat(predict({ conv }, { 321, 1 }, x:reshape { 1, 321, 1 }))
      for i, value in ipairs(x:totable()) do
        local expected = float64.predict(model, { value }, { 1 })[1]
        assert.near(expected, y[i], 2e-7 * math.max(1, math.abs(expected)), name .. " of " .. value)
        assert.equal(y[i], behind[i])
      end
    end
  end)

  it("keep NaN", function()
    for _, name in ipairs { "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "hard_sigmoid", "softplus",
      "softsign", "exponential", "tanh", "sigmoid", "keras2_hard_sigmoid" } do
      local y = predict({ L.Activation { activation = name } }, { 1 }, Tensor { { 0 / 0 } })
      assert.is_true(y[1][1] ~= y[1][1], name)
    end
  end)

  it("whose gradient needs what went in work in a large dense layer", function()
    for _, name in ipairs { "gelu", "silu", "elu" } do
      local layers = { L.Dense { units = 300, activation = name }, L.Dense { units = 260, activation = name },
        L.Dense { units = 3, activation = "softmax" } }
      nets.build(layers, { 260 }, 4)
      local batch, y, w = nets.batch(70, { 260 }, 3, 8)
      local fast = nets.gradients(layers, { 260 }, batch, y, w)
      local slow = nets.gradients(layers, { 260 }, batch, y, w, { reference = true })
      assert.truthy(tostring(core.Trainer { layers = layers, input_shape = { 260 } }):find("BLAS", 1, true))
      for i, list in ipairs(slow) do
        for j, g in ipairs(list) do assert.is_true(relative_difference(flat(fast[i][j]), flat(g)) < 1e-4) end
      end
    end
  end)
end)

describe("a convolution over time", function()
  it("is fused with what follows it", function()
    local layers = { L.Conv1D { filters = 5, kernel_size = 4, padding = "causal", activation = "relu" },
      L.MaxPooling1D { pool_size = 3 }, L.Dropout { rate = 0.2 }, L.Conv1D { filters = 5, kernel_size = 3 }, L.ReLU(),
      L.MaxPooling1D(), L.GlobalAveragePooling1D() }
    nets.build(layers, { 60, 3 })
    local text = tostring(core.Trainer { layers = layers, input_shape = { 60, 3 } })
    assert.truthy(text:find("Conv1D relu + MaxPooling1D + Dropout", 1, true), text)
    assert.truthy(text:find("Conv1D relu + ReLU + MaxPooling1D", 1, true), text)
  end)

  it("is not where it is strided, dilated, in groups, or the pool overlaps", function()
    for extra, stage in pairs { [{ strides = 2 }] = "window conv", [{ dilation_rate = 2 }] = "window conv",
      [{ groups = 2 }] = "channelwise" } do
      extra.filters, extra.kernel_size = 4, 2
      local layers = { L.Conv1D(extra) }
      nets.build(layers, { 9, 2 })
      local text = tostring(core.Trainer { layers = layers, input_shape = { 9, 2 } })
      assert.truthy(text:find(stage .. ": Conv1D", 1, true), text)
    end
    local layers = { L.Conv1D { filters = 4, kernel_size = 2 }, L.MaxPooling1D { pool_size = 3, strides = 2 } }
    nets.build(layers, { 9, 2 })
    assert.truthy(tostring(core.Trainer { layers = layers, input_shape = { 9, 2 } }):find "window pool: MaxPooling1D")
  end)

  it("that is causal sees nothing of what comes later", function()
    local conv = L.Conv1D { filters = 3, kernel_size = 4, dilation_rate = 2, padding = "causal" }
    conv:build({ 12, 2 }, 5)
    local before = Tensor.randn { 1, 12, 2, seed = 1 }
    local values = before:totable()
    values[1][8][1] = 100
    local a, b = predict({ conv }, { 12, 2 }, before), predict({ conv }, { 12, 2 }, Tensor(values))
    assert.is_true(a[1]:slice(1, 1, 7):equal(b[1]:slice(1, 1, 7)))
    assert.is_false(a[1]:slice(1, 8, 12):equal(b[1]:slice(1, 8, 12)))
  end)
end)

describe("layers that are random while training", function()
  local function train_outputs(layer, shape, x, seed)
    local layers = { layer, L.Flatten(), L.Dense { units = float64.product(shape), kernel_initializer = "zeros" } }
    nets.build(layers, shape)
    local n, eye = float64.product(shape), {}
    for i = 1, n do
      eye[i] = {}
      for j = 1, n do eye[i][j] = i == j and 1 or 0 end
    end
    layers[3]:set_weights { Tensor(eye), Tensor.zeros { n } }
    local trainer = core.Trainer { layers = layers, input_shape = shape, loss = "mse", seed = seed,
      optimizer = core.optimizers.SGD { learning_rate = 0 } }
    trainer:begin_step(x, Tensor.zeros { x:shape(1), n })
    nets.run(trainer)
    return trainer:outputs():clone()
  end

  it("GaussianNoise adds noise of its deviation, another for every sample, the same for the same seed", function()
    local x = Tensor.zeros { 60, 100 }
    local y = train_outputs(L.GaussianNoise { stddev = 0.5 }, { 100 }, x, 3)
    assert.near(0, y:mean(), 0.02)
    assert.near(0.25, (y * y):mean(), 0.02)
    assert.is_false(y[1]:equal(y[2]))
    assert.is_true(y:equal(train_outputs(L.GaussianNoise { stddev = 0.5 }, { 100 }, x, 3)))
    assert.is_false(y:equal(train_outputs(L.GaussianNoise { stddev = 0.5 }, { 100 }, x, 4)))
  end)

  it("SpatialDropout drops whole channels", function()
    local y = train_outputs(L.SpatialDropout1D { rate = 0.25 }, { 6, 8 }, Tensor.ones { 100, 6, 8 }, 1)
    local dropped = 0
    for _, sample in ipairs(y:totable()) do
      for c = 1, 8 do
        for t = 1, 6 do assert.equal(sample[c], sample[(t - 1) * 8 + c]) end
        if sample[c] == 0 then dropped = dropped + 1 else assert.near(4 / 3, sample[c], 1e-6) end
      end
    end
    assert.near(0.25, dropped / 800, 0.05)
  end)
end)

describe("training a net of many kinds", function()
  local shape = { 9, 8, 3 }
  local function train()
    local layers = {
      L.ZeroPadding2D { padding = { { 1, 0 }, { 0, 1 } } }, L.Conv2D { filters = 6, kernel_size = 2, groups = 3 },
      L.LayerNormalization(), L.PReLU { shared_axes = { 2, 3 } }, L.SpatialDropout2D { rate = 0.2 },
      L.DepthwiseConv2D { kernel_size = 3, padding = "same", activation = "gelu" }, L.AveragePooling2D(),
      L.SeparableConv2D { filters = 5, kernel_size = 2, activation = "silu" }, L.Reshape { -1, 5 },
      L.GaussianNoise { stddev = 0.1 }, L.Conv1D { filters = 7, kernel_size = 3, activation = "relu" },
      L.MaxPooling1D(), L.GlobalMaxPooling1D(), L.Dense { units = 3 }, L.Softmax(),
    }
    nets.build(layers, shape, 9)
    local trainer = core.Trainer { layers = layers, input_shape = shape, loss = "categorical_crossentropy", seed = 4,
      optimizer = core.optimizers.Adam {} }
    for step = 1, 4 do
      trainer:begin_step(nets.batch(step % 3 == 0 and 7 or 37, shape, 3, step))
      nets.run(trainer)
    end
    return nets.weights(layers)
  end

  it("gives the same bits for 1, 2, 3 and 4 threads", function() nets.check_threads(train) end)
end)

describe("Keras' files", function()
  for name, expected in pairs(golden.saved) do
    it("that Keras saved hold " .. name, function()
      local model = assert(lubdub.load_model("spec/golden/" .. name .. ".h5"))
      local y = model:predict(ramp(expected.shape)):totable()
      for i, row in ipairs(expected.predictions) do
        for j, value in ipairs(row) do assert.near(value, y[i][j], 1e-5) end
      end
    end)
  end

  it("take every layer, and give it back as it was", function()
    local path = os.tmpname() .. ".h5"
    for i, case in ipairs(golden.cases) do
      local layers = around(L[case.kind](case.options), case.shape)
      table.insert(layers, 1, L.Input { shape = case.shape })
      layers.seed = i
      local model = lubdub.Sequential(layers)
      assert(model:save(path))
      local back = assert(lubdub.load_model(path))
      for k, layer in ipairs(model.layers) do
        assert.same({ layer.kind, layer.name, layer:config() },
          { back.layers[k].kind, back.layers[k].name, back.layers[k]:config() })
      end
      local x = ramp { 2, table.unpack(case.shape) }
      assert.is_true(model:predict(x):equal(back:predict(x)))
    end
    os.remove(path)
  end)
end)

describe("mistakes name the layer:", function()
  local function fails(pattern, f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    assert.truthy(tostring(message):find(pattern, 1, true), message)
  end
  local function misfit(pattern, layer, shape) fails(pattern, layer.output_shape, layer, shape) end

  it("in options", function()
    fails("Conv1D: strides and dilation_rate", L.Conv1D,
      { filters = 1, kernel_size = 2, strides = 2, dilation_rate = 2 })
    fails("Conv2D: 3 filters cannot be divided into 2 groups", L.Conv2D, { filters = 3, kernel_size = 1, groups = 2 })
    fails("Conv2D: option 'padding' must be one of valid, same, got 'causal'", L.Conv2D,
      { filters = 3, kernel_size = 1, padding = "causal" })
    fails("Conv1D: option 'kernel_size' must have 1 numbers, got 2", L.Conv1D, { filters = 1, kernel_size = { 2, 2 } })
    fails("DepthwiseConv2D: option 'depth_multiplier' must be in", L.DepthwiseConv2D,
      { kernel_size = 1, depth_multiplier = 0 })
    fails("Reshape: option 'target_shape' is missing", L.Reshape)
    fails("Reshape: target_shape must have sizes of at least 1, and one -1 at most", L.Reshape, { -1, -1 })
    fails("size 1 of a shape must be a whole number of at least -1, got -2", L.Reshape, { -2, 3 })
    fails("Permute: dims must be the axes 1, 2, ... in any order, got (1, 3)", L.Permute, { 1, 3 })
    fails("ZeroPadding2D: option 'padding' must be a number, or 2 numbers or pairs", L.ZeroPadding2D,
      { padding = { 1, 2, 3 } })
    fails("ZeroPadding2D: option 'padding' must be in [0,", L.ZeroPadding2D, { padding = { { 1, -2 }, 3 } })
    fails("Cropping2D: option 'cropping' must be a whole number, got 'x'", L.Cropping2D, { cropping = { "x", 1 } })
    fails("SpatialDropout1D: option 'rate' must be in [0, 1), got 1", L.SpatialDropout1D, { rate = 1 })
    fails("GaussianNoise: option 'stddev' must be in", L.GaussianNoise, { stddev = -1 })
    fails("PReLU: shared_axes are counted with the batch as axis 1", L.PReLU, { shared_axes = { 1, 2 } })
    fails("ReLU: option 'max_value' must be", L.ReLU, { max_value = -1 })
    fails("must be one of linear, relu", L.Activation, { activation = "mish" })
  end)

  it("in shapes", function()
    local conv = L.Conv1D { filters = 2, kernel_size = 5 }
    misfit("conv1d: input must be (N, T, C), got (N, 5, 4, 1)", conv, { 5, 4, 1 })
    misfit("conv1d: a kernel of 5 does not fit into an input of 4", conv, { 4, 1 })
    conv:build({ 6, 3 }, 1)
    misfit("conv1d: input must be (N, T, 3), got (N, 6, 2)", conv, { 6, 2 })
    misfit("conv2d: 3 channels cannot be divided into 2 groups", L.Conv2D { filters = 2, kernel_size = 1, groups = 2 },
      { 4, 4, 3 })
    misfit("depthwise_conv2d: a kernel of 3x3 does not fit into an input of 2x9", L.DepthwiseConv2D { kernel_size = 3 },
      { 2, 9, 1 })
    misfit("separable_conv2d: input must be (N, H, W, C), got (N, 9)",
      L.SeparableConv2D { filters = 1, kernel_size = 3 }, { 9 })
    misfit("max_pooling1d: a pool of 4 does not fit into an input of 3", L.MaxPooling1D { pool_size = 4 }, { 3, 1 })
    misfit("average_pooling2d: a pool of 2x2 does not fit into an input of 1x5", L.AveragePooling2D(), { 1, 5, 2 })
    misfit("global_max_pooling1d: input must be (N, T, C), got (N, 7)", L.GlobalMaxPooling1D(), { 7 })
    misfit("reshape: an input of (2, 3) has not the size of target_shape (4, -1)", L.Reshape { 4, -1 }, { 2, 3 })
    misfit("permute: input must be of 2 axes beside the batch, got (N, 3)", L.Permute { 2, 1 }, { 3 })
    misfit("zero_padding1d: input must be (N, T, C)", L.ZeroPadding1D(), { 3 })
    misfit("cropping2d: {2, 2} leaves nothing of an axis of 4", L.Cropping2D { cropping = { 2, 0 } }, { 4, 5, 1 })
    misfit("spatial_dropout2d: input must be (N, H, W, C)", L.SpatialDropout2D { rate = 0.1 }, { 4, 5 })
    misfit("prelu: there is no axis 4 to share in an input of 3 axes", L.PReLU { shared_axes = { 4 } }, { 4, 5 })
  end)

  it("with its number in a model", function()
    fails("layer 2 (max_pooling1d)", lubdub.Sequential, { L.Input { 5, 2 }, L.Conv1D { filters = 1, kernel_size = 4 },
      L.MaxPooling1D { pool_size = 3 } })
  end)
end)

describe("activations with an exponential", function()
  local exp, log = math.exp, math.log
  local function sigmoid(x) return 1 / (1 + exp(-x)) end
  -- e^x - 1 and log(1 + u) where x and u may be small (Kahan).
  local function exp_minus_one(x)
    local e = exp(x)
    return e == 1 and x or e - 1 == -1 and -1.0 or (e - 1) * x / log(e)
  end
  local function log_plus_one(u) return 1 + u == 1 and u or log(1 + u) * u / (1 + u - 1) end
  -- Phi(x) by Taylor's series around 0 (Marsaglia 2004), good to 1e-13 of itself from -2 on.
  local function normal(x)
    if x > 9 then return 1.0 end
    local sum, term, i = x, x, 1
    while sum + term ~= sum do
      i = i + 2
      term = term * x * x / i
      sum = sum + term
    end
    return 0.5 + sum * exp(-0.5 * x * x - 0.91893853320467274178)
  end
  local scale, alpha = 1.0507009873554805, 1.6732632423543772
  local exact = {
    tanh = function(x) return exp_minus_one(2 * x) / (exp(2 * x) + 1) end,
    sigmoid = sigmoid,
    silu = function(x) return x * sigmoid(x) end,
    softplus = function(x) return math.max(x, 0) + log_plus_one(exp(-math.abs(x))) end,
    elu = function(x) return x < 0 and exp_minus_one(x) or x end,
    selu = function(x) return scale * (x < 0 and alpha * exp_minus_one(x) or x) end,
    gelu = function(x) return x * normal(x) end,
  }
  local values = { 1e-6, -1e-6, 1e-3, -1e-3, 30, 60, 80, 0 }
  for i = -200, 400 do values[#values + 1] = i / 100 end

  for name, f in pairs(exact) do
    it("are exact to 4e-7 of themselves: " .. name, function()
      local x = Tensor(values):reshape { 1, #values }
      local y = predict({ L.Activation { activation = name } }, { #values }, x):totable()[1]
      for i, given in ipairs(x:totable()[1]) do
        local expected = f(given)
        assert.is_true(math.abs(y[i] - expected) <= 4e-7 * math.abs(expected),
          ("%s(%g) = %.9g, got %.9g"):format(name, given, expected, y[i]))
      end
    end)

    it("keep NaN and go on to infinity: " .. name, function()
      for n = 1, 18 do -- in a register, and in what is left
        local list = {}
        for i = 1, n do list[i] = i == n and 0 / 0 or 1.0 end
        local y = predict({ L.Activation { activation = name } }, { n }, Tensor(list):reshape { 1, n }):totable()[1]
        for i = 1, n do assert.equal(i == n, y[i] ~= y[i]) end
        list[n] = math.huge
        y = predict({ L.Activation { activation = name } }, { n }, Tensor(list):reshape { 1, n }):totable()[1]
        assert.equal((name == "tanh" or name == "sigmoid") and 1 or math.huge, y[n])
      end
    end)
  end
end)
