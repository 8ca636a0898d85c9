-- lubdub's side of bench/engine.lua. It reads "train 128" or "predict 1", a line each, does it over and over for a few
-- milliseconds, and answers with the seconds of one run.
--   lua5.4 bench/contestant.lua NET THREADS      NET: notebook, batchnorm or lstm
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"
local L = lubdub.layers

local CLASSES, LEAST = 5, 0.005
local net, threads = arg[1], math.tointeger(arg[2])
local shapes = { notebook = { 40, 173, 1 }, batchnorm = { 40, 173, 1 }, lstm = { 173, 40 } }
lubdub.set_num_threads(threads)

local stacks = {}

function stacks.notebook(add)
  for _, block in ipairs { { 16, 0.2 }, { 32, 0.2 }, { 128, 0.5 } } do
    add(L.Conv2D { filters = block[1], kernel_size = 2, activation = "relu" })
    add(L.MaxPooling2D {})
    add(L.Dropout { rate = block[2] })
  end
  add(L.GlobalAveragePooling2D())
end

function stacks.batchnorm(add)
  for _, filters in ipairs { 32, 64, 128 } do
    add(L.Conv2D { filters = filters, kernel_size = 3, padding = "same" })
    add(L.BatchNormalization {})
    add(L.Activation { activation = "relu" })
    add(L.MaxPooling2D {})
    add(L.Dropout { rate = 0.2 })
  end
  add(L.GlobalAveragePooling2D())
end

function stacks.lstm(add) add(L.LSTM { units = 64 }) end

local list = { L.Input(shapes[net]) }
stacks[net](function(layer) list[#list + 1] = layer end)
list[#list + 1] = L.Dense { units = CLASSES, activation = "softmax" }
local model = lubdub.Sequential(list)
model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
model:ensure_trainer()
local trainer = model.trainer

local batches = {}
local function batch_of(n)
  if not batches[n] then
    local classes, shape = {}, { n, table.unpack(shapes[net]) }
    shape.seed = n
    for i = 1, n do classes[i] = i % CLASSES + 1 end
    batches[n] = { lubdub.Tensor.randn(shape), lubdub.to_categorical(classes, CLASSES) }
  end
  return batches[n][1], batches[n][2]
end

io.stdout:setvbuf "line"
for line in io.lines() do
  local what, count = line:match "^(%a+) (%d+)$"
  local x, y = batch_of(math.tointeger(count))
  local times, started = 0, lubdub.clock()
  repeat
    if what == "train" then
      trainer:begin_step(x, y)
      while not trainer:advance() do end
    else
      model:predict(x, { batch_size = x:shape(1), verbose = 0 })
    end
    times = times + 1
  until lubdub.clock() - started >= LEAST
  print(("%.9f"):format((lubdub.clock() - started) / times))
end
