--- Model: a graph of layers, from its inputs to its outputs.
--
--    local x = layers.Input { 40, 173, 1 }
--    local shortcut = layers.Conv2D { filters = 8, kernel_size = 1 }(x)
--    local y = layers.Conv2D { filters = 8, kernel_size = 3, padding = "same", activation = "relu" }(x)
--    y = layers.Add()({ y, shortcut })
--    local model = lubdub.Model { inputs = x, outputs = y }
--
-- `inputs` and `outputs` are symbolic tensors (lubdub.graph) or lists of them; with `outputs =
-- other:get_layer("conv2d_1").output` and `inputs = other.inputs` a model shares the layers of another. With several
-- inputs, fit, evaluate and predict take a list of tensors; with several outputs, predict gives one, and the model
-- does not train.
-- What a model can do, and its fields: lubdub.model. `layers` holds its inputs too, in Keras' order: by depth.
-- @classmod lubdub.Model
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local hidden = lubdub.layers.Dense { units = 8, activation = "relu" } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Add()({ input, hidden }) }
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local give_names = require "lubdub.layer_names"
local graph = require "lubdub.graph"
local options = require "lubdub.options"
local seeds = require "lubdub.seed"
local Base = require "lubdub.model"

local Model = { __name = "lubdub.Model", __tostring = Base.__tostring, __call = Base.__call,
  __mimebundle = Base.__mimebundle }
Model.__index = Model

local function read_inputs(given)
  local inputs, seen = graph.tensors("Model: inputs", given), {}
  for _, tensor in ipairs(inputs) do
    if tensor.layer.kind ~= "Input" then
      blame("Model: inputs must come from layers.Input, got %s", tostring(tensor))
    end
    if seen[tensor] then blame("Model: the input %s is given twice", tostring(tensor)) end
    seen[tensor] = true
  end
  return inputs, seen
end

-- Every Input that the outputs need must be given.
local function check_connected(order, given)
  for i = #order, 1, -1 do
    local tensor = order[i]
    for _, input in ipairs(tensor.inputs) do
      if input.layer.kind == "Input" and not given[input] then
        blame("Model: the graph is disconnected: %s needs the input %s, which is not among inputs", tostring(tensor),
          tostring(input))
      end
    end
  end
  for _, tensor in ipairs(order) do
    if tensor.layer.kind == "Input" and not given[tensor] then
      blame("Model: the graph is disconnected: the output %s is an input that is not among inputs", tostring(tensor))
    end
  end
end

-- The layers, each once; inputs that nothing needs come last but for the layers of depth 0, as in Keras.
local function layers_of(order, depth, inputs)
  local list, seen = {}, {}
  local function add(tensor)
    if not seen[tensor.layer] then
      seen[tensor.layer] = true
      list[#list + 1] = tensor.layer
    end
  end
  for _, tensor in ipairs(order) do
    if depth[tensor] > 0 then add(tensor) end
  end
  for _, input in ipairs(inputs) do
    if not depth[input] then add(input) end
  end
  for _, tensor in ipairs(order) do add(tensor) end
  return list
end

-- In the order in which they were called, as Keras counts them.
local function name_layers(order, inputs)
  local calls = table.move(order, 1, #order, 1, {})
  table.move(inputs, 1, #inputs, #calls + 1, calls)
  table.sort(calls, function(a, b) return a.number < b.number end)
  local list = {}
  for i, tensor in ipairs(calls) do list[i] = tensor.layer end
  give_names("Model", list)
end

-- What the engine is given: calls of layers with the numbers of what they read. Inputs are none, unless they are
-- outputs.
local function network_of(order, inputs, outputs)
  local number, is_output = {}, {}
  local network = { layers = {}, inputs = {}, outputs = {}, input_shapes = {} }
  for k, input in ipairs(inputs) do
    number[input], network.input_shapes[k] = -k, input.shape
  end
  for _, output in ipairs(outputs) do is_output[output] = true end
  local calls = {}
  for _, tensor in ipairs(order) do
    local is_input = tensor.layer.kind == "Input"
    if not is_input or is_output[tensor] then
      local reads = {}
      for k, input in ipairs(is_input and { tensor } or tensor.inputs) do reads[k] = number[input] end
      calls[#calls + 1] = tensor
      network.layers[#calls], network.inputs[#calls] = tensor.layer, reads
      if not is_input then number[tensor] = #calls else is_output[tensor] = #calls end
    end
  end
  local place = {}
  for k, output in ipairs(outputs) do
    local node = math.type(is_output[output]) and is_output[output] or number[output]
    for j, known in ipairs(network.outputs) do
      if known == node then place[k] = j end
    end
    if not place[k] then
      network.outputs[#network.outputs + 1] = node
      place[k] = #network.outputs
    end
  end
  return network, calls, place
end

local function build_layers(calls, seed)
  for i, tensor in ipairs(calls) do
    local layer, shapes = tensor.layer, graph.shapes(#tensor.inputs > 0 and tensor.inputs or { tensor })
    graph.engine(("Model: layer %s: "):format(layer.name), layer.build, layer, shapes, seeds.mix(seed, i))
  end
end

local function new(_, given)
  local o = options.read("Model", given, { inputs = options.none, outputs = options.none, name = "functional",
    seed = options.none })
  for _, name in ipairs { "inputs", "outputs" } do
    if o[name] == nil then blame("Model: option '%s' is missing: Model { inputs = x, outputs = y }", name) end
  end
  local inputs, given_inputs = read_inputs(o.inputs)
  local outputs = graph.tensors("Model: outputs", o.outputs)
  local order, depth = graph.sorted(outputs)
  check_connected(order, given_inputs)
  name_layers(order, inputs)
  local self = setmetatable(Base.fields(o.name), Model)
  self.seed = o.seed and seeds.check("Model", o.seed) or seeds.next()
  local network, calls, places = network_of(order, inputs, outputs)
  build_layers(calls, self.seed)
  self:take_structure { layers = layers_of(order, depth, inputs), network = network, calls = calls, depth = depth,
    inputs = inputs, outputs = outputs, output_places = places }
  return self
end

--- Checks a shape that the model was built for when it was made.
-- @tparam table shape of one sample, without the batch axis
function Model:build(shape)
  check.sample_shape("build", "shape", { 0, table.unpack(shape) }, self.input_shapes[1])
end

--- An independent model with copies of the layers and the weights; it is not compiled.
-- @treturn lubdub.Model
function Model:clone()
  local copies, tensors = {}, {}
  local function copied(layer)
    copies[layer] = copies[layer] or Base.copy_layer(layer)
    return copies[layer]
  end
  local inputs, outputs = {}, {}
  for i, input in ipairs(self.inputs) do
    inputs[i] = graph.of_input(copied(input.layer))
    tensors[input] = inputs[i]
  end
  for _, tensor in ipairs(self.calls) do
    if tensor.layer.kind ~= "Input" then
      local reads = {}
      for k, input in ipairs(tensor.inputs) do reads[k] = tensors[input] end
      tensors[tensor] = graph.note(copied(tensor.layer), reads, tensor.shape)
    end
  end
  for k, output in ipairs(self.outputs) do outputs[k] = tensors[output] end
  local model = new(Model, { inputs = inputs, outputs = outputs, name = self.name, seed = self.seed })
  model:set_weights(self:get_weights())
  model.labels, model.preprocessing = self.labels, self.preprocessing
  return model
end

return setmetatable(Model, { __index = Base, __call = new })
