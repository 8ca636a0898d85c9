--- Models for ONNX Runtime and all else that reads ONNX (https://onnx.ai): phones, browsers, C++ and C# programs.
--
--    model:to_onnx "heart.onnx"
--
-- The graph predicts what the model does: layers that only train (dropout, noise) are left out. Inputs and outputs
-- have lubdub's shapes, (batch, height, width, channels), any number of samples, float32, and the names of their
-- layers. Layers that are called twice have their weights once. The operators are those of operator set 13.
-- The model's labels and preprocessing, which readers must do themselves, stand in metadata_props as JSON, under the
-- keys "labels" and "preprocessing".
-- @module lubdub.onnx
-- @usage
-- local model = assert(lubdub.load_model "heartbeat.h5")
-- assert(model:to_onnx "heartbeat.onnx")         -- the same as lubdub.onnx.save(model, "heartbeat.onnx")
-- local bytes = lubdub.onnx.encode(model)        -- without a file
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local builder = require "lubdub.onnx.builder"
local json = require "lubdub.keras.json"
local layers = require "lubdub.onnx.layers"
local protobuf = require "lubdub.onnx.protobuf"

local onnx = {}

local IR_VERSION, OPERATOR_SET = 7, 13 -- of 2020: what reads ONNX at all reads these
local LIMIT = 2 ^ 31 - 1               -- no reader of protobuf takes more

local function check_model(where, model)
  if type(model) ~= "table" or not model.to_onnx then
    blame("%s: expected a model, got %s", where, type(model))
  end
  if not model.built then
    blame("%s: the model is not built; give it an Input layer, or call model:build", where)
  end
end

local function check_layers(model)
  local problems, seen = {}, {}
  for _, tensor in ipairs(model.calls) do
    local layer = tensor.layer
    local problem = layer.kind ~= "Input" and not seen[layer] and layers.problem(layer)
    if problem then problems[#problems + 1] = ("%s (layer %s)"):format(problem, layer.name) end
    seen[layer] = true
  end
  if #problems > 0 then blame("to_onnx: ONNX has no %s", table.concat(problems, ", no ")) end
end

-- Tensors as nested lists, for JSON.
local function plain(value)
  if core.Tensor.is(value) then return value:totable() end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, element in pairs(value) do copy[key] = plain(element) end
  return copy
end

local function add_metadata(message, model)
  for _, key in ipairs { "labels", "preprocessing" } do
    if model[key] then
      local entry = protobuf.message()
      entry:text(1, key)
      entry:text(2, json.encode(plain(model[key])))
      message:message(14, entry)
    end
  end
end

local function graph_of(model)
  local b, values, inputs, outputs = builder.new(), {}, {}, {}
  for i, input in ipairs(model.inputs) do
    inputs[i] = b:input(input.layer.name, input.shape)
    values[input] = inputs[i]
  end
  for _, tensor in ipairs(model.calls) do
    local layer = tensor.layer
    if layer.kind ~= "Input" then
      local reads = {}
      for k, input in ipairs(tensor.inputs) do reads[k] = values[input] end
      b.scope = layer.name
      values[tensor] = layers.makers[layer.kind](b, { layer = layer, config = layer:config(), inputs = reads,
        shape = tensor.shape })
    end
  end
  for i, output in ipairs(model.outputs) do outputs[i] = b:output(values[output], output.layer.name) end
  return b:graph(model.name, inputs, outputs)
end

--- The bytes of a model's ONNX file.
-- @tparam lubdub.Model model built
-- @treturn string
-- @raise where ONNX has no operators for a layer: all such layers are named
function onnx.encode(model)
  check_model("onnx.encode", model)
  check_layers(model)
  local message, operators = protobuf.message(), protobuf.message()
  message:integer(1, IR_VERSION)
  message:text(2, "lubdub")
  message:text(3, require("lubdub")._VERSION)
  message:message(7, graph_of(model))
  operators:text(1, "")
  operators:integer(2, OPERATOR_SET)
  message:message(8, operators)
  add_metadata(message, model)
  if message.size > LIMIT then
    blame("to_onnx: the model takes %.1f GB, and ONNX files hold 2 at most", message.size / 1e9)
  end
  return message:encode()
end

--- Writes a model as an ONNX file, whole or not at all: beside the file under `path`.part, then renamed.
-- @tparam lubdub.Model model built
-- @tparam string path
-- @treturn[1] boolean true
-- @return[2] nil
-- @treturn[2] string "path: reason"
-- @raise where ONNX has no operators for a layer: all such layers are named
function onnx.save(model, path)
  check_model("onnx.save", model)
  if type(path) ~= "string" then blame("onnx.save: path must be a file name, got %s", type(path)) end
  return core.write_aside(path, onnx.encode(model))
end

return onnx
