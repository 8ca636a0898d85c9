--- Writes random models for keras_trains.py: NAME.h5, and NAME.keras after two steps of training, with NAME.json, which
-- says what lubdub predicts then, and after one step more.
-- usage: lua5.4 spec/interop/write_random.lua FOLDER CHAINS GRAPHS     (from the repository's root, after make)
package.path = "lua/?.lua;lua/?/init.lua;spec/?.lua;" .. package.path
package.cpath = "lua/?.so;" .. package.cpath

local lubdub = require "lubdub"
local json = require "dkjson"
local ramp = require "support.ramp"
local random_models = require "interop.random_models"

local folder = assert(arg[1], "usage: write_random.lua FOLDER CHAINS GRAPHS")
local count, graphs = tonumber(arg[2]), tonumber(arg[3])

local function write(name, model, trains)
  local x = ramp { 4, table.unpack(model.input_shape) }
  local y = lubdub.to_categorical({ 1, 2, 3, 1 }, 3)
  for _ = 1, trains and 2 or 0 do model:train_on_batch(x, y) end
  local expected = { input_shape = x:shape(), predictions = model:predict(x):totable() }
  assert(model:save(("%s/%s.h5"):format(folder, name)))
  assert(model:save(("%s/%s.keras"):format(folder, name)))
  if trains then
    model:train_on_batch(x, y)
    expected.next = model:predict(x):totable()
  end
  local file <close> = assert(io.open(("%s/%s.json"):format(folder, name), "w"))
  assert(file:write(json.encode(expected)))
end

for number = 1, count do write("lubdub_" .. number, random_models.sequential(number)) end
for number = 1, graphs do write("lubdub_graph_" .. number, random_models.graph(number)) end
