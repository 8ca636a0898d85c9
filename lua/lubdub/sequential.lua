--- Sequential: a model that is a chain of layers.
--
--    local model = lubdub.Sequential {
--      layers.Input { 40, 173, 1 },
--      layers.Conv2D { filters = 16, kernel_size = 2, activation = "relu" },
--      ...
--      seed = 1, name = "hearts",          -- both may be left out
--    }
--    model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
--    model:fit(x, y, { epochs = 20 })
--
-- What a model can do, and its fields: lubdub.model. `layers` is without the Input, as in Keras.
-- Without an Input the model is built from the first data that it sees.
-- @classmod lubdub.Sequential
-- @usage
-- local model = lubdub.Sequential {
--   lubdub.layers.Input { 20 }, lubdub.layers.Dense { units = 5, activation = "softmax" }, seed = 1 }
-- model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local give_names = require "lubdub.layer_names"
local graph = require "lubdub.graph"
local options = require "lubdub.options"
local seeds = require "lubdub.seed"
local Model = require "lubdub.model"

local Sequential = { __name = "lubdub.Sequential", __tostring = Model.__tostring, __call = Model.__call,
  __mimebundle = Model.__mimebundle }
Sequential.__index = Sequential

-- === structure ===

-- The layers called one on the other, from the Input on; as far as a list of former calls is the same, they are taken
-- from there, so that a layer's first call in a model that grows stays the model's.
local function call_layers(where, list, input_layer, former, seed)
  local before, calls, same = graph.of_input(input_layer), {}, true
  for i, layer in ipairs(list) do
    local shape = graph.engine(("%s: layer %d (%s): "):format(where, i, layer.name), layer.build, layer, before.shape,
      seeds.mix(seed, i))
    local known = former[i]
    same = same and known and known.layer == layer and known.inputs[1] == before
    before = same and known or graph.note(layer, { before }, shape)
    calls[i] = before
  end
  return calls
end

-- Takes a list of layers over if it holds together; otherwise raises and leaves the model as it was.
local function restructure(self, where, input_layer, list)
  give_names(where, list)
  local structure = { layers = list }
  if input_layer then
    input_layer.name = input_layer.name or "input_layer"
    if #list > 0 then
      local calls = call_layers(where, list, input_layer, self.calls or {}, self.seed)
      structure.calls, structure.inputs, structure.outputs = calls, { graph.of_input(input_layer) }, { calls[#calls] }
      structure.network = { layers = list, input_shape = structure.inputs[1].shape }
      structure.output_places = { 1 }
    end
  end
  self.input_layer = input_layer
  self:take_structure(structure)
  if input_layer and not self.built then
    self.input_shape = input_layer:config().shape
    self.output_shape = self.input_shape
  end
end

local function check_layer(where, i, layer)
  if not graph.is_layer(layer) then
    local hint = type(layer) == "function" and "; call it: layers.Flatten { }"
      or graph.is_symbolic(layer) and "; a graph of layers is a lubdub.Model { inputs = x, outputs = y }" or ""
    blame("%s: layer %d must be a layer, got %s%s", where, i, type(layer), hint)
  end
  if layer.kind == "Input" and i > 1 then blame("%s: an Input can only be the first layer, not number %d", where, i) end
end

local function new(_, given)
  if given ~= nil and type(given) ~= "table" then
    blame("Sequential: expected a table of layers, got %s", type(given))
  end
  local list, named = {}, {}
  for key, value in pairs(given or {}) do
    if math.type(key) ~= "integer" then named[key] = value end
  end
  local o = options.read("Sequential", named, { name = "sequential", seed = options.none })
  local input_layer
  for i, layer in ipairs(given or {}) do
    check_layer("Sequential", i, layer)
    if layer.kind == "Input" then input_layer = layer else list[#list + 1] = layer end
  end
  local self = setmetatable(Model.fields(o.name), Sequential)
  self.seed = o.seed and seeds.check("Sequential", o.seed) or seeds.next()
  restructure(self, "Sequential", input_layer, list)
  return self
end

--- Adds a layer at the end. The optimizer's memory of earlier steps is lost.
-- @tparam lubdub.Layer layer
-- @usage model:add(lubdub.layers.Softmax())
function Sequential:add(layer)
  local list = table.move(self.layers, 1, #self.layers, 1, {})
  check_layer("add", #list + (self.input_layer and 2 or 1), layer)
  if layer.kind == "Input" then
    restructure(self, "add", layer, list)
  else
    list[#list + 1] = layer
    restructure(self, "add", self.input_layer, list)
  end
end

--- Takes the last layer away.
-- @treturn lubdub.Layer the layer
function Sequential:pop()
  local list = table.move(self.layers, 1, #self.layers, 1, {})
  if #list == 0 then blame "pop: the model has no layers" end
  local layer = table.remove(list)
  restructure(self, "pop", self.input_layer, list)
  return layer
end

--- Creates the weights for samples of this shape; fit and predict do so themselves.
-- @tparam table shape of one sample, without the batch axis
function Sequential:build(shape)
  if #self.layers == 0 then blame "build: the model has no layers" end
  if self.input_shape then
    check.sample_shape("build", "shape", { 0, table.unpack(shape) }, self.input_shape)
  end
  if self.built then return end
  restructure(self, "build", self.input_layer or core.layers.Input { table.unpack(shape) }, self.layers)
end

--- Builds from data where that has not been done.
-- @tparam string where the asking function's name
-- @tparam lubdub.Tensor x
function Sequential:build_for(where, x)
  if #self.layers == 0 then blame("%s: the model has no layers", where) end
  local only = type(x) == "table" and #x == 1 and core.Tensor.is(x[1])
  local shape = check.tensor(where, "x", only and x[1] or x)
  if not self.built then self:build(table.move(shape, 2, #shape, 1, {})) end
end

--- An independent model with the same layers and copies of the weights; it is not compiled.
-- @treturn lubdub.Sequential
function Sequential:clone()
  local copies, list = {}, { self.input_layer }
  for _, layer in ipairs(self.layers) do
    copies[layer] = copies[layer] or Model.copy_layer(layer)
    list[#list + 1] = copies[layer]
  end
  list.name, list.seed = self.name, self.seed
  local model = new(Sequential, list)
  if self.built then model:set_weights(self:get_weights()) end
  model.labels, model.preprocessing = self.labels, self.preprocessing
  return model
end


return setmetatable(Sequential, { __index = Model, __call = new })
