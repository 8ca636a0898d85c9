-- The engine beside its peers, in one run: medians of alternating runs, as ratios.
--   lua5.4 bench/engine.lua [NET] [THREADS] [ROUNDS]     NET: notebook or batchnorm
-- The peers run in one Python process (bench/engine.py; `make peers`); PYTHON says which interpreter.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"
local core = require "lubdub.core"

local net, threads, rounds = arg[1] or "notebook", tonumber(arg[2]) or 2, tonumber(arg[3]) or 15
local python = os.getenv "PYTHON" or here .. ".peers/bin/python"
lubdub.set_num_threads(threads)

local function make_model()
  local L, list = lubdub.layers, { lubdub.layers.Input { 40, 173, 1 } }
  local function add(layer) list[#list + 1] = layer end
  if net == "notebook" then
    for _, block in ipairs { { 16, 0.2 }, { 32, 0.2 }, { 128, 0.5 } } do
      add(L.Conv2D { filters = block[1], kernel_size = 2, activation = "relu" })
      add(L.MaxPooling2D {})
      add(L.Dropout { rate = block[2] })
    end
  else
    for _, filters in ipairs { 32, 64, 128 } do
      add(L.Conv2D { filters = filters, kernel_size = 3, padding = "same" })
      add(L.BatchNormalization {})
      add(L.Activation { activation = "relu" })
      add(L.MaxPooling2D {})
      add(L.Dropout { rate = 0.2 })
    end
  end
  add(L.GlobalAveragePooling2D())
  add(L.Dense { units = 5, activation = "softmax" })
  local model = lubdub.Sequential(list)
  model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
  return model
end

local model = make_model()
model:ensure_trainer()

local batches = {}
local function batch_of(n)
  if not batches[n] then
    local classes = {}
    for i = 1, n do classes[i] = i % 5 + 1 end
    batches[n] = { lubdub.Tensor.randn { n, 40, 173, 1, seed = n }, lubdub.to_categorical(classes, 5) }
  end
  return batches[n][1], batches[n][2]
end

local ours = {}
function ours.train(n)
  local x, y = batch_of(n)
  model.trainer:begin_step(x, y)
  while not model.trainer:advance() do end
end
function ours.predict(n)
  model.trainer:begin_predict((batch_of(n)))
  while not model.trainer:advance() do end
end

-- Python's answers come through a file that the pipe's other end writes line by line.
local answers = os.tmpname()
os.remove(answers)
assert(os.execute("mkfifo " .. answers))
local ask = assert(io.popen(("%s %sbench/engine.py %s %d > %s 2>/dev/null"):format(python, here, net, threads, answers),
  "w"))
local answer = assert(io.open(answers))
local function peer(who, what, n)
  ask:write(who, " ", what, " ", n, "\n")
  ask:flush()
  return tonumber(answer:read "l")
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function compare(what, n, whos)
  local times = { lubdub = {} }
  for _ = 1, 3 do ours[what](n) end
  for _ = 1, rounds do
    local started = core.clock()
    ours[what](n)
    table.insert(times.lubdub, core.clock() - started)
    for _, who in ipairs(whos) do
      times[who] = times[who] or {}
      local seconds = peer(who, what, n)
      if seconds then table.insert(times[who], seconds) end
    end
  end
  local own = median(times.lubdub)
  io.write(("%-8s batch %-4d lubdub %8.2f ms %8.0f/s"):format(what, n, own * 1e3, n / own))
  for _, who in ipairs(whos) do
    if #times[who] > 0 then
      local other = median(times[who])
      io.write(("   %s %8.2f ms, ratio %.2f"):format(who, other * 1e3, other / own))
    else
      io.write("   " .. who .. " is missing")
    end
  end
  io.write "\n"
end

print(("%s net, %d threads, %s kernels, medians of %d alternating runs"):format(net, threads, (lubdub.cpu()), rounds))
compare("train", 128, { "torch", "keras" })
compare("train", 32, { "torch" })
compare("predict", 128, { "torch", "onnx" })
compare("predict", 1, { "torch", "onnx" })
ask:close()
answer:close()
os.remove(answers)
