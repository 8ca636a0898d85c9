-- How near the engine comes to what this machine can do: the notebook net, block by block, against the peak of
-- multiply-adds in registers; then the second thread, and the memory of training.
--   lua5.4 bench/limit.lua [ROUNDS]     LUBDUB_CPU=avx2 shows other kernels
-- "Needed" is less than "dense": tiles of 4x4 outputs take 25 products instead of 64, those of 2x2 where a row is
-- left 9 instead of 16, and the way back follows the gradients that live behind relu, pool and dropout. Times of blocks
-- are CPU time of one thread, the best of ROUNDS, and differences between nets with the block and without; the second
-- thread's gain is in time on the wall.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"
local core = require "lubdub.core"
local L = lubdub.layers

local rounds = tonumber(arg[1]) or 30
local HEIGHT, WIDTH, CLASSES = 40, 173, 5
local blocks = { { filters = 16, rate = 0.2 }, { filters = 32, rate = 0.2 }, { filters = 128, rate = 0.5 } }

local function batch_of(n)
  local classes = {}
  for i = 1, n do classes[i] = i % CLASSES + 1 end
  return lubdub.Tensor.randn { n, HEIGHT, WIDTH, 1, seed = n }, lubdub.to_categorical(classes, CLASSES)
end

-- The first `count` blocks, with the classifier behind them or without.
local function trainer_of(count, classifier)
  local list, shape = {}, { HEIGHT, WIDTH, 1 }
  for i = 1, count do
    list[#list + 1] = L.Conv2D { filters = blocks[i].filters, kernel_size = 2, activation = "relu" }
    list[#list + 1] = L.MaxPooling2D {}
    list[#list + 1] = L.Dropout { rate = blocks[i].rate }
  end
  if classifier then
    list[#list + 1] = L.GlobalAveragePooling2D()
    list[#list + 1] = L.Dense { units = CLASSES, activation = "softmax" }
  end
  for i, layer in ipairs(list) do shape = layer:build(shape, i) end
  return core.Trainer { layers = list, input_shape = { HEIGHT, WIDTH, 1 }, optimizer = core.optimizers.Adam {},
    loss = classifier and "categorical_crossentropy" or nil }
end

local function run(trainer, x, y)
  if y then trainer:begin_step(x, y) else trainer:begin_predict(x) end
  while not trainer:advance() do end
end

-- Seconds of the best of several rounds, by this clock.
local function best(clock, trainer, x, y)
  local least = math.huge
  for _ = 1, rounds do
    local started = clock()
    run(trainer, x, y)
    least = math.min(least, clock() - started)
  end
  return least
end

-- Peak resident memory of this process in MB; it must be asked first, before anything else was allocated.
local function peak_memory()
  local status = io.open "/proc/self/status"
  if not status then return end
  local text <close> = status
  return tonumber(text:read("a"):match "VmHWM:%s*(%d+)") / 1024
end

local x, y = batch_of(128)
local trainer = trainer_of(#blocks, true)
for _ = 1, 3 do run(trainer, x, y) end
local memory, data = peak_memory(), 4 * 128 * (HEIGHT * WIDTH + CLASSES) / 2 ^ 20

-- Millions of operations per sample: dense and needed, there and back.
local function arithmetic()
  local height, width, channels = HEIGHT, WIDTH, 1
  for i, block in ipairs(blocks) do
    local pixels, windows = (height - 1) * (width - 1), (height - 1) // 2 * ((width - 1) // 2)
    local pair = 2e-6 * channels * block.filters
    local prefix = trainer_of(i)
    run(prefix, (x:slice(1, 1, 8)))
    local values, alive = prefix:outputs():reshape { -1 }:totable(), 0
    for _, value in ipairs(values) do alive = alive + (value > 0 and 1 or 0) end
    block.live = alive / #values * (1 - block.rate)
    local rows, columns = (height - 1) // 2, (width - 1) // 2
    local tiles = (rows // 2) * (columns // 2)
    local products = i == 1 and 16 * windows or 25 * tiles + 9 * (windows - 4 * tiles)
    block.forward_dense, block.forward = 4 * pair * pixels, products * pair
    local ways = i == 1 and 1 or 2 -- nobody asks for the gradient of the net's input
    block.backward_dense, block.backward = ways * 4 * pair * pixels, ways * 4 * pair * windows * block.live
    height, width, channels = (height - 1) // 2, (width - 1) // 2, block.filters
  end
end

local peak = core.fma_peak()
local function line(name, dense, needed, seconds)
  local rate = needed * 1e6 / seconds
  print(("%-18s %8.2f MF dense %8.2f MF needed %8.1f us %7.1f GF/s %5.0f %% of the peak"):format(name, dense, needed,
    seconds * 1e6, rate / 1e9, 100 * rate / peak))
end

arithmetic()
print(("%s kernels; multiply-adds in registers: %.1f GF/s on one core"):format((lubdub.cpu()), peak / 1e9))
lubdub.set_num_threads(1)
local predicted, trained = 0, 0
local dense, needed = 0, 0
for i, block in ipairs(blocks) do
  local forward, step = best(os.clock, trainer_of(i), x) / 128, best(os.clock, trainer_of(i, true), x, y) / 128
  line(("block %d, predict"):format(i), block.forward_dense, block.forward, forward - predicted)
  line(("block %d, train"):format(i), block.forward_dense + block.backward_dense, block.forward + block.backward,
    step - trained)
  predicted, trained = forward, step
  dense = dense + block.forward_dense + block.backward_dense
  needed = needed + block.forward + block.backward
end
line("whole step", dense, needed, trained)

for _, case in ipairs { { "train", 128 }, { "train", 32 }, { "predict", 128 }, { "predict", 1 } } do
  local what, n = table.unpack(case)
  local inputs, targets = batch_of(n)
  if what == "predict" then targets = nil end
  local seconds = {}
  for threads = 1, 2 do
    lubdub.set_num_threads(threads)
    seconds[threads] = best(core.clock, trainer, inputs, targets)
  end
  print(("%-8s batch %-4d %8.3f ms on one thread %8.3f ms on two, %.2f times"):format(what, n, seconds[1] * 1e3,
    seconds[2] * 1e3, seconds[1] / seconds[2]))
end
if memory then
  print(("training at batch 128: %.1f MB of peak memory, %.1f MB of them data"):format(memory, data))
end
