-- Whole trainings of three small tasks: each reaches what Keras reaches with the same settings
-- (golden/make_learning.py, several seeds each, as here; data and weights come from other random numbers).
local lubdub = require "lubdub"
local golden = require "support.json" "learning.json"
local nets = require "support.nets"

local L = lubdub.layers
local SEEDS = 3

-- Functions that give noise of mean 0 and deviation 1, and numbers between 0 and 1, one after another.
local function sources(seed)
  local next_number, values, at = nets.random(seed), nil, 0
  local function normal()
    if at % 4096 == 0 then values = lubdub.Tensor.randn { 4096, seed = seed + at }:totable() end
    at = at + 1
    return values[(at - 1) % 4096 + 1]
  end
  return normal, function() return next_number(0, 1 << 20) / (1 << 20) end, next_number
end

local tasks = {}

-- Two arms of 1.5 turns each; the second is the first turned by half a turn.
tasks.spirals = {
  rows = 400, epochs = 100, rate = 0.01, classes = 2,
  row = function(normal, uniform, _, class)
    local t = uniform()
    local angle = 3 * math.pi * t + math.pi * (class - 1)
    return { 2 * t * math.cos(angle) + 0.03 * normal(), 2 * t * math.sin(angle) + 0.03 * normal() }
  end,
  net = function()
    return { L.Input { 2 }, L.Dense { units = 32, activation = "tanh" }, L.Dense { units = 32, activation = "tanh" },
      L.Dense { units = 2, activation = "softmax" } }
  end,
}

-- A bar through a random place, in one of four directions, in noise.
local directions = { { 0, 1 }, { 1, 0 }, { 1, 1 }, { 1, -1 } }
tasks.bars = {
  rows = 512, epochs = 15, rate = 0.01, classes = 4,
  row = function(normal, _, next_number, class)
    local image, direction = {}, directions[class]
    for y = 1, 12 do
      image[y] = {}
      for x = 1, 12 do image[y][x] = { 0.5 * normal() } end
    end
    local row, column = next_number(5, 8), next_number(5, 8)
    for k = -3, 3 do
      local pixel = image[row + k * direction[1]][column + k * direction[2]]
      pixel[1] = pixel[1] + 1.5
    end
    return image
  end,
  net = function()
    return { L.Input { 12, 12, 1 }, L.Conv2D { filters = 8, kernel_size = 3, activation = "relu" },
      L.MaxPooling2D { pool_size = 2 }, L.Conv2D { filters = 16, kernel_size = 3, activation = "relu" },
      L.GlobalMaxPooling2D(), L.Dense { units = 4, activation = "softmax" } }
  end,
}

-- 10 steps of noise; the first shows which of 3 symbols is to be remembered.
tasks.memory = {
  rows = 384, epochs = 30, rate = 0.02, classes = 3,
  row = function(normal, _, _, class)
    local steps = {}
    for t = 1, 10 do
      steps[t] = {}
      for c = 1, 3 do steps[t][c] = 0.3 * normal() + (t == 1 and c == class and 1 or 0) end
    end
    return steps
  end,
  net = function() return { L.Input { 10, 3 }, L.LSTM { units = 16 }, L.Dense { units = 3,
    activation = "softmax" } } end,
}

local function data(task, n, seed)
  local normal, uniform, next_number = sources(seed)
  local x, y = {}, {}
  for i = 1, n do
    y[i] = (i - 1) % task.classes + 1
    x[i] = task.row(normal, uniform, next_number, y[i])
  end
  return lubdub.Tensor(x), lubdub.to_categorical(y, task.classes)
end

local function accuracy(task, seed)
  local x, y = data(task, task.rows, seed)
  local x_test, y_test = data(task, 240, seed + 50)
  lubdub.set_seed(seed)
  local model = lubdub.Sequential(task.net())
  model:compile { optimizer = lubdub.optimizers.Adam { learning_rate = task.rate },
    loss = "categorical_crossentropy", metrics = { "accuracy" } }
  model:fit(x, y, { batch_size = 32, epochs = task.epochs, verbose = 0, seed = seed })
  return model:evaluate(x_test, y_test, { verbose = 0 }).accuracy
end

local function middle(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

describe("training reaches Keras' accuracy", function()
  for name, task in pairs(tasks) do
    it("on the task " .. name, function()
      local reached = {}
      for seed = 1, SEEDS do reached[seed] = accuracy(task, seed) end
      assert.is_true(middle(reached) >= middle(golden[name]) - 0.02,
        ("%g, Keras %g"):format(middle(reached), middle(golden[name])))
      assert.is_true(middle(reached) > 0.9)
    end)
  end
end)
