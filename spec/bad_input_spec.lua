-- What strangers try with a network, and what they are told.
local lubdub = require "lubdub"
local L, Tensor = lubdub.layers, lubdub.Tensor

local function fails(pattern, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(pattern, 1, true), tostring(message))
end

local function small()
  return lubdub.Sequential { L.Input { 3 }, L.Dense { units = 2, activation = "softmax" } }
end

describe("a model of layers that do not fit", function()
  it("names the layer and its number", function()
    fails("layer 2 (max_pooling2d): max_pooling2d: a pool of 5x5 does not fit into an input of 3x3", lubdub.Sequential,
      { L.Input { 4, 4, 1 }, L.Conv2D { filters = 2, kernel_size = 2 }, L.MaxPooling2D { pool_size = 5 } })
    fails("layer 1 (odd): conv2d: 3 channels cannot be divided into 2 groups", lubdub.Sequential,
      { L.Input { 4, 4, 3 }, L.Conv2D { filters = 2, kernel_size = 2, groups = 2, name = "odd" } })
    fails("layer 2 (conv1d_1): conv1d: a kernel of 4 does not fit into an input of 3", lubdub.Sequential,
      { L.Input { 5, 1 }, L.Conv1D { filters = 1, kernel_size = 3 }, L.Conv1D { filters = 1, kernel_size = 4 } })
  end)

  it("is refused for its options alone where they make no sense", function()
    for _, kind in ipairs { "Conv1D", "Conv2D", "SeparableConv2D" } do
      fails(kind .. ": option 'filters' must be in [1,", L[kind], { filters = 0, kernel_size = 2 })
    end
    for _, kind in ipairs { "Dropout", "SpatialDropout1D", "SpatialDropout2D" } do
      for _, rate in ipairs { 1, 1.5, -0.1, 0 / 0, math.huge } do
        fails(kind .. ": option 'rate' must be in [0, 1)", L[kind], { rate = rate })
      end
    end
    fails("MaxPooling2D: option 'pool_size' must be", L.MaxPooling2D, { pool_size = 0 })
  end)
end)

describe("an option of the wrong type", function()
  it("is shown in a word, at the caller's line", function()
    local function told(expected, f)
      local ok, message = pcall(f)
      assert.is_false(ok)
      assert.matches("^[^:]*bad_input_spec.lua:%d+: " .. expected .. "$", message)
    end
    told("Dense: option 'units' must be a whole number, got '3'", function() L.Dense { units = "3" } end)
    told("Dense: option 'units' must be a whole number, got table", function() L.Dense { units = {} } end)
    told("Dense: option 'units' must be a whole number, got lubdub.Tensor", function()
      L.Dense { units = Tensor.ones { 9 } }
    end)
    told("Dropout: option 'rate' must be in %[0, 1%), got NaN", function() L.Dropout { rate = 0 / 0 } end)
    told("Dense: option 'use_bias' must be true or false, got function", function()
      L.Dense { units = 1, use_bias = print }
    end)
    told("Adam: option 'beta_1' must be in %[0, 1%), got 2", function()
      lubdub.optimizers.Adam { beta_1 = 2 }
    end)
  end)
end)

describe("sizes without bounds", function()
  it("are out of memory by name, not the end of the process", function()
    fails("layer 1 (dense): Dense: out of memory", lubdub.Sequential,
      { L.Input { 1000000 }, L.Dense { units = 1000000 } })
    fails("layer 1 (conv2d): Conv2D: out of memory", lubdub.Sequential,
      { L.Input { 4, 4, 100000 }, L.Conv2D { filters = 1000000, kernel_size = 3, padding = "same" } })
    local model = lubdub.Sequential { L.Input { 60000, 3 }, L.Conv1D { filters = 1000000, kernel_size = 1 },
      L.GlobalAveragePooling1D() }
    fails("out of memory", model.predict, model, Tensor.zeros { 1, 60000, 3 })
  end)
end)

describe("no rows", function()
  it("are refused by fit, evaluate and predict", function()
    local model = small()
    model:compile { optimizer = "sgd", loss = "categorical_crossentropy" }
    fails("fit: x has no rows", model.fit, model, Tensor.zeros { 0, 3 }, Tensor.zeros { 0, 2 })
    fails("evaluate: x has no rows", model.evaluate, model, Tensor.zeros { 0, 3 }, Tensor.zeros { 0, 2 })
    fails("predict: x has no rows", model.predict, model, Tensor.zeros { 0, 3 })
  end)
end)

describe("compile", function()
  it("is not needed to predict, but to fit and evaluate", function()
    local model = small()
    assert.same({ 2, 2 }, { model:predict(Tensor.zeros { 2, 3 }):shape(1), model:predict(Tensor.zeros { 2,
      3 }):shape(2) })
    fails("evaluate: the model has no loss", model.evaluate, model, Tensor.zeros { 2, 3 }, Tensor.zeros { 2, 2 })
    fails("fit: the model is not compiled", model.fit, model, Tensor.zeros { 2, 3 }, Tensor.zeros { 2, 2 })
  end)

  it("a second time keeps the weights, and forgets the optimizer's steps", function()
    local model = small()
    local x, y = Tensor.randn { 8, 3, seed = 1 }, lubdub.to_categorical({ 1, 2, 1, 2, 1, 2, 1, 2 }, 2)
    model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
    model:fit(x, y, { epochs = 3, verbose = 0 })
    local before, predicted = model:get_weights(), model:predict(x)
    assert.equal(3, model.trainer.iterations)
    model:compile { optimizer = "sgd", loss = "categorical_crossentropy", metrics = { "accuracy" } }
    for i, weight in ipairs(model:get_weights()) do assert.is_true(weight:equal(before[i])) end
    assert.is_true(model:predict(x):equal(predicted))
    assert.truthy(model:fit(x, y, { verbose = 0 }).history.accuracy)
    assert.equal(1, model.trainer.iterations)
  end)
end)

describe("LUBDUB_CPU", function()
  it("says what it takes, and refuses what the CPU lacks", function()
    local function try(variant)
      local command = "LUBDUB_CPU=%s LUA_PATH='%s' LUA_CPATH='%s' lua5.4 -e '%s' 2>&1"
      local pipe <close> = assert(io.popen(command:format(variant,
        package.path, package.cpath, [[local ok, e = pcall(require, "lubdub.core") print(ok or e)]])))
      return pipe:read "a"
    end
    assert.truthy(try("sse9"):find("LUBDUB_CPU=sse9: expected plain, avx2 or avx512", 1, true))
    local _, here = lubdub.cpu()
    local has = {}
    for _, name in ipairs(here) do has[name] = true end
    for _, name in ipairs { "plain", "avx2", "avx512" } do
      local expected = has[name] and "true" or ("LUBDUB_CPU=%s: this CPU lacks these instructions"):format(name)
      assert.truthy(try(name):find(expected, 1, true))
    end
  end)
end)
