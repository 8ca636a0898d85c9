-- Training a recurrent net, 40 MFCC x 173 frames into LSTM 64 and Dense 5: milliseconds per step.
--   lua5.4 bench/recurrent.lua [batch] [threads] [rounds]
-- bench/recurrent.py runs this and Keras in turns; "serve" as the first argument is for it: a line
-- "LAYER BATCH STEPS" on the standard input is answered with the milliseconds of a step.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"
local layers = lubdub.layers

local STEPS, FEATURES, UNITS, CLASSES = 173, 40, 64, 5

local kinds = {
  lstm = function() return layers.LSTM { units = UNITS } end,
  gru = function() return layers.GRU { units = UNITS } end,
  bidirectional = function() return layers.Bidirectional(layers.LSTM { units = UNITS }) end,
}

local models = {}
local function model_of(kind)
  if models[kind] then return models[kind] end
  local model = lubdub.Sequential {
    layers.Input { STEPS, FEATURES }, kinds[kind](), layers.Dense { units = CLASSES, activation = "softmax" },
  }
  model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
  models[kind] = model
  return model
end

-- Milliseconds of one of `count` training steps, as fit does them.
local function milliseconds(kind, batch, count)
  local rows, classes = batch * count, {}
  local x = lubdub.Tensor.randn { rows, STEPS, FEATURES, seed = 1 }
  for i = 1, rows do classes[i] = 1 + i % CLASSES end
  local y, model = lubdub.to_categorical(classes, CLASSES), model_of(kind)
  local started = lubdub.clock()
  model:fit(x, y, { batch_size = batch, epochs = 1, verbose = 0, shuffle = false })
  return 1000 * (lubdub.clock() - started) / count
end

if arg[1] == "serve" then
  lubdub.set_num_threads(tonumber(arg[2]))
  io.stdout:setvbuf "line"
  for line in io.lines() do
    local kind, batch, count = line:match "(%a+) (%d+) (%d+)"
    print(milliseconds(kind, math.tointeger(batch), math.tointeger(count)))
  end
  return
end

local batch, threads, rounds = tonumber(arg[1]) or 128, tonumber(arg[2]) or 2, tonumber(arg[3]) or 9
lubdub.set_num_threads(threads)
for _, kind in ipairs { "lstm", "gru", "bidirectional" } do
  local times = {}
  for i = 1, rounds do times[i] = milliseconds(kind, batch, 4) end
  table.sort(times)
  print(("%-13s batch %d, %d threads: %.1f ms per step"):format(kind, batch, threads, times[rounds // 2 + 1]))
end
