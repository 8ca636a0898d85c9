--- Saves models for onnx_opens.py: random layers of every kind and form, the random models of write_random.lua, and
-- graphs. Beside each NAME.onnx lies a NAME.onnx.json with what lubdub predicts.
-- usage: lua5.4 spec/interop/write_onnx.lua FOLDER LAYERS CHAINS GRAPHS     (from the repository's root, after make)
package.path = "lua/?.lua;lua/?/init.lua;spec/?.lua;" .. package.path
package.cpath = "lua/?.so;" .. package.cpath

local json = require "dkjson"
local nets = require "support.nets"
local ramp = require "support.ramp"
local onnx_models = require "interop.onnx_models"
local random_models = require "interop.random_models"

local folder = assert(arg[1], "usage: write_onnx.lua FOLDER LAYERS CHAINS GRAPHS")
local layers, chains, graphs = tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])

local function as_list(value, single) return single and { value } or value end

local function write(name, model)
  local x, shapes = {}, {}
  for i, shape in ipairs(model.input_shapes) do
    x[i] = ramp { 4, table.unpack(shape) }
    shapes[i] = x[i]:shape()
  end
  local predicted, outputs = as_list(model:predict(#x == 1 and x[1] or x), #model.outputs == 1), {}
  for i, output in ipairs(predicted) do outputs[i] = output:totable() end
  local path = ("%s/%s.onnx"):format(folder, name)
  assert(model:to_onnx(path))
  local file <close> = assert(io.open(path .. ".json", "w"))
  assert(file:write(json.encode { inputs = shapes, outputs = outputs, labels = model.labels }))
end

for _, kind in ipairs(onnx_models.kinds) do
  for number = 1, layers do
    local model = onnx_models.layer(kind, nets.random(number * 31 + #kind))
    write(("%s_%d"):format(kind, number), model)
  end
end
for name, make in pairs(onnx_models.graphs) do write(name, make()) end
for number = 1, chains do write("chain_" .. number, (random_models.sequential(number))) end
for number = 1, graphs do write("graph_" .. number, (random_models.graph(number))) end
