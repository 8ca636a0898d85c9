-- The stages for windows of any shape against the reference path: convolutions of every kernel, stride, dilation,
-- groups and padding, depthwise and separable ones, and pools. LUBDUB_SHAPES=5000 tries so many shapes; the sample
-- here is seeded.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local float64 = require "support.float64"
local nets = require "support.nets"

local L = core.layers
local CHANNELS = { 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 48, 64 }
local ACTIVATIONS = { "relu", "relu", "linear", "gelu", "tanh", "silu" }

local function one_of(next_number, list) return list[next_number(1, #list)] end

local function random_conv(next_number, rank, channels)
  local kind = rank == 2 and one_of(next_number, { "Conv", "Conv", "Conv", "DepthwiseConv", "SeparableConv" }) or "Conv"
  local o = {
    kernel_size = rank == 1 and next_number(1, 7) or { next_number(1, 7), next_number(1, 7) },
    padding = one_of(next_number, { "same", "valid" }), activation = one_of(next_number, ACTIVATIONS),
    use_bias = next_number(1, 5) > 1,
  }
  if rank == 1 and next_number(1, 3) == 1 then o.padding = "causal" end
  if next_number(1, 2) == 1 then o.strides = next_number(1, 3)
  elseif next_number(1, 2) == 1 then o.dilation_rate = next_number(1, 3) end
  if kind ~= "DepthwiseConv" then o.filters = next_number(1, 12) == 1 and 200 or one_of(next_number, CHANNELS) end
  if kind ~= "Conv" then o.depth_multiplier = next_number(1, 3) end
  local groups = one_of(next_number, { channels, 2, 3, 4 })
  if kind == "Conv" and next_number(1, 3) == 1 and channels % groups == 0 then
    o.groups, o.filters = groups, groups * next_number(1, 5)
  end
  return L[kind .. rank .. "D"](o)
end

local function random_pool(next_number, rank)
  return L[one_of(next_number, { "Max", "Average" }) .. "Pooling" .. rank .. "D"] {
    pool_size = next_number(1, 4), strides = next_number(1, 3), padding = one_of(next_number, { "same", "valid" }),
  }
end

-- A layer in front, so that the gradient of the input is seen too; the layer at hand; perhaps a pool; a classifier.
local function random_net(seed)
  local next_number = nets.random(seed)
  local rank, channels = next_number(1, 4) == 1 and 1 or 2, one_of(next_number, CHANNELS)
  local shape = rank == 1 and { next_number(3, 60), channels } or { next_number(1, 20), next_number(3, 20), channels }
  local layers = { L["Conv" .. rank .. "D"] { filters = channels, kernel_size = 1 }, random_conv(next_number, rank,
    channels) }
  local fits, out = pcall(layers[2].output_shape, layers[2], shape)
  if not fits then return random_net(seed + 100000) end
  local pool = random_pool(next_number, rank)
  if next_number(1, 2) == 1 and pcall(pool.output_shape, pool, out) then layers[3] = pool end
  layers[#layers + 1], layers[#layers + 2] = L.Flatten(), L.Dense { units = 3, activation = "softmax" }
  nets.stir(layers, shape, seed)
  return layers, shape
end

-- The largest difference between two tensors, over the largest value of the second.
local function difference(got, expected)
  local a, b = float64.flat(got:totable()), float64.flat(expected:totable())
  local largest, most = 1e-3, 0
  for i, value in ipairs(b) do
    most = math.max(most, a[i] == a[i] and math.abs(a[i] - value) or math.huge)
    largest = math.max(largest, math.abs(value))
  end
  return most / largest
end

local function same_as_reference(name, layers, shape, samples, seed)
  local x, y, w = nets.batch(samples, shape, 3, seed)
  local fast, fast_loss, fast_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed })
  local slow, slow_loss, slow_outputs = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
  assert.near(slow_loss, fast_loss, 1e-5 * math.max(1, slow_loss), name)
  assert.is_true(difference(fast_outputs, slow_outputs) < 1e-5, name .. ": outputs")
  for i, list in ipairs(slow) do
    for j, g in ipairs(list) do
      local d = difference(fast[i][j], g)
      assert.is_true(d < 1e-4, ("%s, %s weight %d: %g"):format(name, layers[i], j, d))
    end
  end
end

local function large_net()
  return {
    L.Conv2D { filters = 64, kernel_size = 1, activation = "tanh" },
    L.Conv2D { filters = 96, kernel_size = 5, strides = 2, padding = "same", activation = "gelu" },
    L.Conv2D { filters = 160, kernel_size = 3, padding = "same", activation = "relu" },
    L.Conv2D { filters = 128, kernel_size = 1, activation = "relu" },
    L.GlobalAveragePooling2D(), L.Dense { units = 3, activation = "softmax" },
  }
end

local function mixed_net()
  return {
    L.Conv2D { filters = 18, kernel_size = 3, strides = 2, padding = "same", activation = "relu" },
    L.MaxPooling2D { pool_size = 3, strides = 2, padding = "same" },
    L.SeparableConv2D { filters = 17, kernel_size = 3, padding = "same", activation = "silu" },
    L.DepthwiseConv2D { kernel_size = 5, padding = "same", depth_multiplier = 2, activation = "relu" },
    L.Conv2D { filters = 34, kernel_size = 3, groups = 17, dilation_rate = 2, padding = "same" },
    L.AveragePooling2D { pool_size = 3, strides = 1 },
    L.Conv2D { filters = 2, kernel_size = 3, strides = 2 },
    L.Flatten(), L.Dense { units = 3, activation = "softmax" },
  }
end

describe("windows of any shape", function()
  it("give what the reference path gives", function()
    for seed = 1, tonumber(os.getenv "LUBDUB_SHAPES") or 150 do
      local layers, shape = random_net(seed)
      lubdub.set_num_threads(1 + seed % 3)
      same_as_reference(("net %d (%s behind %s)"):format(seed, layers[2], table.concat(shape, "x")), layers, shape,
        1 + seed % 5, seed)
    end
    lubdub.set_num_threads(0)
  end)

  it("with many weights take the batch at once, small images together", function()
    for samples, size in pairs { [1] = 9, [3] = 6, [11] = 7, [40] = 3 } do
      local layers, shape = large_net(), { size, size + 1, 3 }
      nets.stir(layers, shape, size)
      local text = tostring(core.Trainer { layers = layers, input_shape = shape, loss = "categorical_crossentropy" })
      assert.truthy(text:find("window conv (batch): Conv2D", 1, true), text)
      same_as_reference("batch of " .. samples, layers, shape, samples, size)
    end
  end)

  it("plan a separable convolution as two stages, with a softmax behind it too", function()
    local layers = { L.SeparableConv2D { filters = 3, kernel_size = 2, activation = "softmax" } }
    nets.stir(layers, { 2, 2, 5 }, 3)
    local text = tostring(core.Trainer { layers = layers, input_shape = { 2, 2, 5 } })
    assert.truthy(text:find("channelwise: SeparableConv2D", 1, true), text)
    local x = nets.batch(4, { 2, 2, 5 }, 3, 1)
    local outputs = {}
    for i, reference in ipairs { false, true } do
      local trainer = core.Trainer { layers = layers, input_shape = { 2, 2, 5 }, reference = reference }
      trainer:begin_predict(x)
      while not trainer:advance() do end
      outputs[i] = trainer:outputs():clone()
    end
    assert.is_true(difference(outputs[1], outputs[2]) < 1e-5)
  end)

  for name, make in pairs { mixed = mixed_net, large = large_net } do
    it("give the same bits for 1 to 4 threads, and allocate nothing in a steady step: the " .. name .. " net",
      function()
      local function train()
        local layers, shape = make(), { 22, 21, 5 }
        nets.stir(layers, shape, 8)
        local trainer = core.Trainer { layers = layers, input_shape = shape, loss = "categorical_crossentropy",
          optimizer = core.optimizers.SGD { learning_rate = 0.1 } }
        local before
        for step = 1, 4 do
          local x, y = nets.batch(step == 3 and 5 or 19, shape, 3, step)
          trainer:begin_step(x, y)
          nets.run(trainer)
          if step == 1 then before = trainer:allocations() end
        end
        assert.equal(before, trainer:allocations())
        return nets.weights(layers)
      end
      nets.check_threads(train)
    end)
  end

  it("keep NaN, and give a pool's gradient to the first of the largest", function()
    local pool = L.MaxPooling1D { pool_size = 3, strides = 2 }
    local trainer = core.Trainer { layers = { pool }, input_shape = { 5, 1 } }
    trainer:begin_predict(lubdub.Tensor { { { 1 }, { 0 / 0 }, { 2 }, { 3 }, { 2 } } })
    while not trainer:advance() do end
    local out = trainer:outputs():totable()[1]
    assert.is_true(out[1][1] ~= out[1][1])
    assert.equal(3, out[2][1])
    local front = L.Conv1D { filters = 1, kernel_size = 1 }
    local layers = { front, L.MaxPooling1D { pool_size = 3, strides = 1 }, L.Flatten(), L.Dense { units = 2,
      activation = "softmax" } }
    nets.stir(layers, { 4, 2 }, 2)
    front:set_weights { lubdub.Tensor.zeros { 1, 2, 1 }, lubdub.Tensor { 1 } } -- all are equal
    local x, y = lubdub.Tensor { { { 1, 0 }, { 0, 1 }, { 0, 0 }, { 0, 0 } } }, lubdub.Tensor { { 1, 0 } }
    local w = lubdub.Tensor { 1 }
    local g = nets.gradients(layers, { 4, 2 }, x, y, w)
    local expected = nets.gradients(layers, { 4, 2 }, x, y, w, { reference = true })
    for i, value in ipairs(float64.flat(expected[1][1]:totable())) do
      assert.is_true(math.abs(value) > 1e-3)
      assert.near(value, float64.flat(g[1][1]:totable())[i], 1e-6)
    end
  end)
end)
