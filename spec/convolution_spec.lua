-- The convolution stage's ways of computing (rows, one channel, Winograd's tiles) against the reference path.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local lists = require "support.lists"
local nets = require "support.nets"
local L = core.layers

-- The largest difference between two tensors, over the largest value of the second.
local function relative_difference(got, expected)
  return lists.relative_difference(lists.of(got), lists.of(expected), 1e-6)
end

local predict = nets.predict

-- Layers that the stage takes whole: channels 1 to 70, any size, pools that leave rests.
local function random_layers(seed)
  local next_number = nets.random(seed)
  local size, channels = next_number(1, 3), next_number(1, 3) == 1 and 1 or next_number(1, 70)
  local shape = { next_number(4, 12), next_number(4, 29), channels }
  local list = {
    L.Conv2D {
      filters = next_number(1, 70), kernel_size = next_number(1, 4) == 1 and { size, next_number(1, 3) } or size,
      padding = next_number(1, 2) == 1 and "same" or "valid", use_bias = next_number(1, 4) > 1,
      activation = next_number(1, 3) > 1 and "relu" or "linear",
    },
  }
  local now = list[1]:output_shape(shape)
  local pool = ({ { 2, 2 }, { 2, 2 }, { 1, 2 }, { 2, 1 }, { 3, 2 } })[next_number(1, 8)]
  if pool and pool[1] <= now[1] and pool[2] <= now[2] then list[2] = L.MaxPooling2D { pool_size = pool } end
  if next_number(1, 2) == 1 then list[#list + 1] = L.Dropout { rate = 0.3 } end
  return list, shape
end

describe("a convolution with what follows it", function()
  it("predicts what the reference path does, over random shapes", function()
    for seed = 1, 150 do
      local layers, shape = random_layers(seed)
      nets.stir(layers, shape, seed)
      local x = lubdub.Tensor.randn { 2, shape[1], shape[2], shape[3], seed = seed }
      local got, expected = predict(layers, shape, x), predict(layers, shape, x, true)
      assert.is_true(relative_difference(got, expected) < 5e-6, ("seed %d, %s"):format(seed, layers[1]))
    end
  end)

  -- One sample, which 1 to 4 threads share, and the same one in a batch of two.
  local function check_shared(layers, shape, seed)
    nets.stir(layers, shape, seed)
    local x = lubdub.Tensor.randn { 2, shape[1], shape[2], shape[3], seed = seed }
    local both = predict(layers, shape, x)
    for threads = 1, 4 do
      lubdub.set_num_threads(threads)
      local alone = predict(layers, shape, (x:slice(1, 2, 2)))
      lubdub.set_num_threads(0)
      assert.is_true(alone:equal((both:slice(1, 2, 2))), ("seed %d, %d threads, %s"):format(seed, threads, layers[1]))
    end
  end

  it("gives the same bits where threads share a single sample", function()
    for seed = 1, 60 do
      local layers, shape = random_layers(seed + 900)
      layers[#layers + 1] = L.GlobalAveragePooling2D {}
      check_shared(layers, { shape[1] + 10, shape[2] + 10, shape[3] }, seed) -- enough work to be shared
    end
  end)

  it("gives the same bits where threads share a row behind pairs of them", function()
    for rows = 2, 11 do
      local layers = { L.Conv2D { filters = 9, kernel_size = 2, activation = "relu" }, L.MaxPooling2D {} }
      check_shared(layers, { 2 * rows + 1, 60 + rows, 20 }, rows)
    end
  end)

  it("folds a normalization behind it into the weights, whichever way it takes", function()
    for seed = 1, 12 do
      local shape = { 5 + seed % 4, 9 + seed % 3, seed % 3 == 0 and 1 or 7 + seed }
      local layers = { L.Conv2D { filters = 9 + 2 * seed, kernel_size = 2 + seed % 2, padding = "same" },
        L.BatchNormalization {}, L.Activation { activation = "relu" } }
      if seed % 4 > 0 then layers[4] = L.MaxPooling2D {} end
      nets.stir(layers, shape, seed)
      local weights = layers[2]:weights()
      weights[4] = weights[4].value * weights[4].value + 0.5 -- a variance
      for i = 1, 3 do weights[i] = weights[i].value end
      layers[2]:set_weights(weights)
      local x = lubdub.Tensor.randn { 2, shape[1], shape[2], shape[3], seed = seed }
      assert.is_true(relative_difference(predict(layers, shape, x), predict(layers, shape, x, true)) < 1e-5, seed)
    end
  end)

  it("has the reference path's gradients, over random shapes", function()
    for seed = 1, 120 do
      local layers, shape = random_layers(seed + 500)
      layers[#layers + 1] = L.Conv2D { filters = 3, kernel_size = 1 } -- so that the input's gradient is wanted
      if seed % 2 == 0 then table.insert(layers, 1, L.Dropout { rate = 0.2 }) end -- then ties need not be kept
      table.insert(layers, 1, L.Conv2D { filters = shape[3], kernel_size = 1 })
      layers[#layers + 1] = L.GlobalAveragePooling2D {}
      layers[#layers + 1] = L.Dense { units = 3, activation = "softmax" }
      nets.stir(layers, shape, seed)
      local x, y, w = nets.batch(2, shape, 3, seed)
      local fast = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local slow = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
      for i, list in ipairs(slow) do
        for j, g in ipairs(list) do
          local difference = relative_difference(fast[i][j], g)
          assert.is_true(difference < 1e-4, ("seed %d, %s weight %d: %g"):format(seed, layers[i], j, difference))
        end
      end
    end
  end)

  it("has the reference path's gradients in nets of several", function()
    for seed = 1, 120 do
      local layers, shape = nets.conv_blocks(seed)
      local x, y, w = nets.batch(2, shape, 3, seed)
      local fast, loss = nets.gradients(layers, shape, x, y, w, { seed = seed })
      local slow, expected = nets.gradients(layers, shape, x, y, w, { seed = seed, reference = true })
      assert.near(expected, loss, 1e-5 * math.max(1, expected), "seed " .. seed)
      for i, list in ipairs(slow) do
        for j, g in ipairs(list) do
          local difference = (fast[i][j] - g):abs():max()
          assert.is_true(difference <= 2e-4 * math.max(g:abs():max(), 1e-3),
            ("seed %d, %s weight %d: %g"):format(seed, layers[i], j, difference))
        end
      end
    end
  end)

  -- As silence does: patches that are equal side by side, next to others that are not. The image is a dense layer's
  -- weights, so that its bias tells where the gradient went. Dropout of whole channels leaves them equal.
  it("finds the ties of equal patches where gradients go back, behind dropout of whole channels too", function()
    local image = lubdub.Tensor.randn { 9, 21, 8, seed = 5 }:totable()
    for i = 1, 9 do
      for j = 1, 21 do image[i][j] = image[i > 4 and 5 or i][j > 6 and j < 17 and 7 or j] end
    end
    for rate = 0, 0.5, 0.5 do
      local layers = { L.Dense { units = 9 * 21 * 8 }, L.Reshape { target_shape = { 9, 21, 8 } },
        L.Dropout { rate = rate, noise_shape = { false, 1, 1, false } },
        L.Conv2D { filters = 16, kernel_size = 2 }, L.MaxPooling2D {}, L.Flatten {},
        L.Dense { units = 2, activation = "softmax" } }
      if rate == 0 then table.remove(layers, 3) end
      nets.build(layers, { 1 }, 3)
      layers[1]:set_weights { lubdub.Tensor(image):reshape { 1, -1 }, lubdub.Tensor.zeros { 9 * 21 * 8 } }
      local x, y = lubdub.Tensor { { 1 } }, lubdub.Tensor { { 1, 0 } }
      local fast = nets.gradients(layers, { 1 }, x, y, nil, { seed = 1 })
      local slow = nets.gradients(layers, { 1 }, x, y, nil, { seed = 1, reference = true })
      assert.is_true(relative_difference(fast[1][2], slow[1][2]) < 1e-5)
    end
  end)

  it("gives a tie's gradient to the first of the window", function()
    local layers = { L.Conv2D { filters = 8, kernel_size = 2 }, L.MaxPooling2D {}, L.Flatten {},
      L.Dense { units = 2, activation = "softmax" } }
    local shape = { 5, 5, 8 }
    nets.stir(layers, shape, 3)
    local x = lubdub.Tensor.ones { 1, 5, 5, 8 } * 0.75 -- every output is the same
    local y = lubdub.Tensor { { 1, 0 } }
    local fast = nets.gradients(layers, shape, x, y, nil, { seed = 1 })
    local slow = nets.gradients(layers, shape, x, y, nil, { seed = 1, reference = true })
    assert.is_true(relative_difference(fast[1][1], slow[1][1]) < 1e-5)
  end)

  -- Tiles of 2x2 windows carry it to all four; a last odd row or column has windows of its own.
  it("lets no NaN be lost, and keeps the windows of other tiles clean of it", function()
    for _, case in ipairs { { 1, 2, 1 }, { 8, 2, 2 }, { 20, 3, 1 } } do
      local channels, size, edge = table.unpack(case)
      local layers, shape = { L.Conv2D { filters = 11, kernel_size = size, activation = "relu" }, L.MaxPooling2D {} },
        { 12, 15, channels }
      nets.stir(layers, shape, 4)
      local x = lubdub.Tensor.randn { 1, 12, 15, channels, seed = 2 }
      local values = x:totable()
      values[1][4][5][1] = 0 / 0
      local got = predict(layers, shape, lubdub.Tensor(values)):totable()[1]
      local expected = predict(layers, shape, lubdub.Tensor(values), true):totable()[1]
      local function tile(i, count) return i == count and count % 2 == 1 and i + count or (i - 1) // edge end
      local touched = {}
      local function each(visit)
        for i, row in ipairs(expected) do
          for j, pixel in ipairs(row) do
            local key = tile(i, #expected) .. " " .. tile(j, #row)
            for c, value in ipairs(pixel) do visit(key .. " " .. c, value, got[i][j][c]) end
          end
        end
      end
      each(function(key, value) touched[key] = touched[key] or value ~= value end)
      each(function(key, value, ours)
        if value ~= value then assert.is_true(ours ~= ours) end
        if not touched[key] then assert.near(value, ours, 1e-5) end
      end)
    end
  end)
end)
