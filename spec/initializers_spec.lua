-- Initializers: bounds, means, deviations, orthogonality; Keras' formulas are written out here.
local lubdub = require "lubdub"

local layers, initializers, Tensor = lubdub.layers, lubdub.initializers, lubdub.Tensor

-- The kernel of a dense layer (a, b) as a flat list.
local function dense(initializer, a, b, seed)
  local layer = layers.Dense { units = b, kernel_initializer = initializer }
  layer:build({ a }, seed or 1)
  return layer:weights()[1].value, layer
end

local function statistics(tensor)
  local n, sum, square, low, high = tensor:size(), 0, 0, math.huge, -math.huge
  for _, v in ipairs(tensor:reshape { n }:totable()) do
    sum, square, low, high = sum + v, square + v * v, math.min(low, v), math.max(high, v)
  end
  local mean = sum / n
  return { mean = mean, deviation = math.sqrt(square / n - mean * mean), low = low, high = high, n = n }
end

-- The normal distribution cut at two deviations has this share of its deviation.
local CUT = 0.87962566103423978

describe("initializers that scale", function()
  local a, b = 60, 140
  local scales = { glorot = 2 / (a + b), he = 2 / a, lecun = 1 / a }
  for name, variance in pairs(scales) do
    it("are uniform within Keras' bounds: " .. name, function()
      local found, limit = statistics((dense(name .. "_uniform", a, b))), math.sqrt(3 * variance)
      assert.is_true(found.low >= -limit and found.high < limit)
      assert.is_true(found.low < -0.995 * limit and found.high > 0.995 * limit)
      assert.near(math.sqrt(variance), found.deviation, 0.02 * math.sqrt(variance))
      assert.near(0, found.mean, 4 * math.sqrt(variance / found.n))
    end)

    it("are normal with Keras' deviation, cut at two: " .. name, function()
      local found, limit = statistics((dense(name .. "_normal", a, b))), 2 * math.sqrt(variance) / CUT
      assert.is_true(found.low >= -limit and found.high <= limit)
      assert.is_true(found.low < -0.97 * limit and found.high > 0.97 * limit)
      assert.near(math.sqrt(variance), found.deviation, 0.02 * math.sqrt(variance))
      assert.near(0, found.mean, 4 * math.sqrt(variance / found.n))
    end)
  end

  it("count the field of a convolution", function()
    local layer = layers.Conv2D { filters = 32, kernel_size = { 3, 5 }, kernel_initializer = "he_uniform" }
    layer:build({ 9, 9, 8 }, 1)
    local found, limit = statistics(layer:weights()[1].value), math.sqrt(6 / (3 * 5 * 8))
    assert.is_true(found.high < limit and found.high > 0.99 * limit)
    layer = layers.Conv2D { filters = 32, kernel_size = { 3, 5 } }
    layer:build({ 9, 9, 8 }, 1)
    found, limit = statistics(layer:weights()[1].value), math.sqrt(6 / (15 * 8 + 15 * 32))
    assert.is_true(found.high < limit and found.high > 0.99 * limit)
  end)

  it("are all variance_scaling", function()
    for mode, fan in pairs { fan_in = a, fan_out = b, fan_avg = (a + b) / 2 } do
      local limit = math.sqrt(3 * 5 / fan)
      local how = { "variance_scaling", scale = 5, mode = mode, distribution = "uniform" }
      local found = statistics((dense(how, a, b)))
      assert.is_true(found.high < limit and found.high > 0.99 * limit, mode)
      how.distribution = "untruncated_normal"
      found = statistics((dense(how, a, b)))
      assert.near(math.sqrt(5 / fan), found.deviation, 0.02 * math.sqrt(5 / fan))
      assert.is_true(found.high > 2.5 * math.sqrt(5 / fan))
    end
    assert.is_true(dense("glorot_normal", a, b):equal(
      (dense({ "variance_scaling", mode = "fan_avg" }, a, b))))
  end)
end)

describe("plain initializers", function()
  it("fill with one number", function()
    assert.is_true(dense("zeros", 3, 4):equal(Tensor.zeros { 3, 4 }))
    assert.is_true(dense("ones", 3, 4):equal(Tensor.ones { 3, 4 }))
    assert.is_true(dense(initializers.Constant(0.25), 3, 4):equal(Tensor.ones { 3, 4 } * 0.25))
    local layer = layers.Dense { units = 2, bias_initializer = { "constant", value = -1.5 } }
    layer:build({ 3 }, 1)
    assert.same({ -1.5, -1.5 }, layer:weights()[2].value:totable())
  end)

  it("draw from the distributions that options name", function()
    local found = statistics((dense(initializers.RandomUniform { minval = 2, maxval = 3 }, 50, 60)))
    assert.is_true(found.low >= 2 and found.high < 3 and found.low < 2.01 and found.high > 2.99)
    found = statistics((dense("random_uniform", 50, 60)))
    assert.is_true(found.low >= -0.05 and found.high < 0.05 and found.low < -0.0495 and found.high > 0.0495)
    found = statistics((dense(initializers.RandomNormal { mean = 1, stddev = 0.5 }, 80, 90)))
    assert.near(1, found.mean, 0.025)
    assert.near(0.5, found.deviation, 0.015)
    assert.is_true(found.high > 1 + 0.5 * 2.5)
    found = statistics((dense(initializers.TruncatedNormal { mean = 1, stddev = 0.5 }, 80, 90)))
    assert.near(1, found.mean, 0.025)
    assert.near(0.5 * CUT, found.deviation, 0.015)
    assert.is_true(found.high <= 2 and found.low >= 0)
  end)

  it("follow the model's seed, or their own", function()
    assert.is_true(dense("he_normal", 5, 6, 3):equal((dense("he_normal", 5, 6, 3))))
    assert.is_false(dense("he_normal", 5, 6, 3):equal((dense("he_normal", 5, 6, 4))))
    local own = initializers.HeNormal { seed = 7 }
    assert.is_true(dense(own, 5, 6, 3):equal((dense(own, 5, 6, 4))))
    assert.is_false(dense(own, 5, 6):equal((dense(initializers.HeNormal { seed = 8 }, 5, 6))))
  end)
end)

describe("the orthogonal initializer", function()
  it("makes rows or columns orthonormal, whichever are fewer", function()
    for _, shape in ipairs { { 7, 7 }, { 12, 5 }, { 5, 12 }, { 1, 3 }, { 3, 1 }, { 64, 256 } } do
      local q = dense("orthogonal", shape[1], shape[2])
      local least = math.min(shape[1], shape[2])
      local product = shape[1] < shape[2] and q:matmul(q:transpose()) or q:transpose():matmul(q)
      local identity = {}
      for i = 1, least do
        identity[i] = {}
        for j = 1, least do identity[i][j] = i == j and 1 or 0 end
      end
      assert.is_true(product:allclose(Tensor(identity), { atol = 1e-5 }), shape[1] .. "x" .. shape[2])
    end
  end)

  it("takes a convolution's kernel as a matrix, and multiplies by its gain", function()
    local layer = layers.Conv2D { filters = 4, kernel_size = 3, kernel_initializer = initializers.Orthogonal(2) }
    layer:build({ 5, 5, 2 }, 1)
    local q = layer:weights()[1].value:reshape { 18, 4 }
    local product = q:transpose():matmul(q):totable()
    for i = 1, 4 do
      for j = 1, 4 do assert.near(i == j and 4 or 0, product[i][j], 1e-5) end
    end
  end)

  it("is as often of one sign as of the other", function()
    local positive = 0
    for seed = 1, 200 do
      if dense("orthogonal", 2, 2, seed):totable()[1][1] > 0 then positive = positive + 1 end
    end
    assert.is_true(positive > 70 and positive < 130, positive .. " of 200")
  end)

  it("needs two dimensions", function()
    local layer = layers.Dense { units = 2, bias_initializer = "orthogonal" }
    assert.error_matches(function() layer:build({ 3 }, 1) end,
      "Dense: bias: orthogonal needs at least two dimensions, got %(2,%)")
    assert.is_false(layer.built)
  end)
end)

describe("initializers as options", function()
  it("stand in config as they were given, and make the same layer again", function()
    local function config(given)
      return layers.Dense { units = 1, kernel_initializer = given }:config().kernel_initializer
    end
    assert.equal("he_normal", config "HeNormal")
    assert.equal("he_normal", config(initializers.he_normal()))
    assert.same({ "constant", value = 0.5 }, config { "constant", value = 0.5 })
    local how = { "random_normal", mean = 0, stddev = 2, seed = 5 }
    assert.same(how, config(how))
    assert.same(how, config(config(how)))
  end)

  it("print themselves, alone and in their layer", function()
    assert.equal("constant(value = 0.5)", tostring(initializers.Constant(0.5)))
    assert.equal("Dense(units = 1, kernel_initializer = {\"random_normal\", stddev = 2}, bias_initializer = \"ones\")",
      tostring(layers.Dense { units = 1, kernel_initializer = initializers.RandomNormal { stddev = 2 },
        bias_initializer = "ones" }))
    assert.truthy(tostring(initializers):find("GlorotUniform", 1, true))
  end)

  it("say what is wrong", function()
    local function wrong(given, message)
      assert.error_matches(function() layers.Dense { units = 1, kernel_initializer = given } end, message)
    end
    wrong("he", "Dense: option 'kernel_initializer' must be one of glorot_uniform, .*, constant, got 'he'")
    wrong(3, "must be a name, or { name, option = value }, got 3")
    wrong({}, "must be a name, or { name, option = value }, got table")
    wrong({ "constant", vale = 1 }, "kernel_initializer constant: unknown option 'vale'; did you mean 'value'")
    wrong({ "constant", 1 }, "options must be named")
    wrong({ "zeros", value = 1 }, "kernel_initializer zeros: unknown option 'value'")
    wrong({ "random_normal", stddev = -1 }, "option 'stddev' must be at least 0")
    wrong({ "he_normal", seed = 1.5 }, "option 'seed' must be a whole number or false, got 1.5")
    wrong(false, "option 'kernel_initializer' must be given, got false")
    assert.error_matches(function() return initializers.HeNormel end, "there is no 'HeNormel'; there are Constant, ")
    local ok, message = pcall(function() initializers.RandomNormal { stdev = 1 } end)
    assert.is_false(ok)
    assert.matches("spec/initializers_spec.lua:%d+: RandomNormal: unknown option 'stdev'; did you mean 'stddev'",
      message)
  end)
end)

describe("weights that are no kernels", function()
  it("have Keras' fans: the last two sizes, and all before them as a kernel's places", function()
    local function limit(layer, shape, fan)
      layer:build(shape, 1)
      local found, bound = statistics(layer:weights()[1].value), math.sqrt(6 / fan)
      assert.is_true(found.low >= -bound and found.high < bound)
      assert.is_true(found.low < -0.93 * bound and found.high > 0.93 * bound)
    end
    limit(layers.PReLU { alpha_initializer = "he_uniform" }, { 12, 15, 8 }, 12 * 15)
    limit(layers.PReLU { alpha_initializer = "he_uniform", shared_axes = { 2 } }, { 12, 15, 8 }, 15)
    limit(layers.PReLU { alpha_initializer = "he_uniform" }, { 40, 20 }, 40)
    limit(layers.LayerNormalization { gamma_initializer = "he_uniform", axis = { 2, 4 } }, { 30, 2, 20 }, 30)
    limit(layers.LayerNormalization { gamma_initializer = "he_uniform" }, { 300 }, 300)
  end)
end)

describe("BatchNormalization", function()
  it("takes initializers and regularizers of all it has, with Keras' losses and steps", function()
    local golden = require "support.json" "batch_norm_options.json"
    local regularizers = lubdub.regularizers
    local model = lubdub.Sequential {
      layers.Input { 4 },
      layers.BatchNormalization {
        beta_initializer = "ones", gamma_initializer = { "constant", value = 1.5 },
        moving_mean_initializer = { "constant", value = 0.25 },
        moving_variance_initializer = { "constant", value = 2 },
        beta_regularizer = regularizers.L1 { l1 = 0.02 }, gamma_regularizer = regularizers.L2 { l2 = 0.1 },
      },
      layers.Dense { units = 2, kernel_initializer = { "constant", value = 0.5 } },
    }
    model:compile { optimizer = lubdub.optimizers.SGD { learning_rate = 0.1 }, loss = "mse" }
    local x, y = Tensor(golden.x), Tensor(golden.y)
    for _, loss in ipairs(golden.loss) do assert.near(loss, model:train_on_batch(x, y).loss, 1e-6) end
    for i, weight in ipairs(model:get_weights()) do
      assert.is_true(weight:allclose(Tensor(golden.after[i]), { rtol = 1e-5, atol = 1e-6 }), "weight " .. i)
    end
  end)
end)
