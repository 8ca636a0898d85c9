--- What every model can do, be it a chain (lubdub.Sequential) or a graph (lubdub.Model) of layers.
--
-- Fields: layers, name, seed, built, input_shape and output_shape (of one sample; lists of them where there are several
-- inputs or outputs; nil until built), inputs and outputs (lists of symbolic tensors), optimizer, loss (as given),
-- metrics (names), trainer, history (of the last fit), stop_training, labels and preprocessing (what a model file
-- carries beside Keras' parts).
-- A kind of model makes its instances with `fields`, and hands its layers over with `take_structure`.
-- @classmod lubdub.model
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local evaluate = require "lubdub.evaluate"
local fit_metrics = require "lubdub.fit_metrics"
local graph = require "lubdub.graph"
local on_batch = require "lubdub.on_batch"
local options = require "lubdub.options"
local summary = require "lubdub.summary"
local warning = require "lubdub.warning"

local Model = {}

-- === structure ===

--- The fields of a model without layers.
-- @tparam string name
-- @treturn table
function Model.fields(name)
  return { name = name, layers = {}, built = false, metrics = {}, metric_list = {} }
end

local list_of_layers = {
  __name = "lubdub.Layers",
  __tostring = function(list)
    local lines = {}
    for i, layer in ipairs(list) do lines[i] = ("%3d  %s"):format(i, tostring(layer)) end
    return table.concat(lines, "\n")
  end,
}

-- The shapes of symbolic tensors; and the only one, or the list where there are several.
local function shapes_of(tensors)
  local shapes = {}
  for i, tensor in ipairs(tensors) do shapes[i] = tensor.shape end
  return shapes, #shapes == 1 and shapes[1] or shapes
end

--- Takes layers over. Where `inputs` is missing, the model is not built yet.
-- @tparam table structure layers; network (what core.Trainer takes); calls (symbolic tensors, those of network.layers);
-- inputs and outputs (symbolic tensors); output_places (which output of the network each output is); depth (by
-- symbolic tensor: calls to the farthest output)
function Model:take_structure(structure)
  self.layers = setmetatable(structure.layers, list_of_layers)
  self.network, self.calls = structure.network, structure.calls
  self.inputs, self.outputs, self.output_places = structure.inputs, structure.outputs, structure.output_places
  self.depth, self.trainer, self.built = structure.depth, nil, structure.inputs ~= nil
  self.input_shapes, self.output_shapes, self.input_shape, self.output_shape = nil, nil, nil, nil
  if not self.built then return end
  self.input_shapes, self.input_shape = shapes_of(self.inputs)
  self.output_shapes, self.output_shape = shapes_of(self.outputs)
end

--- Models are no layers: this tells so.
function Model.__call()
  blame "a model is not called as a layer is; model:predict takes data, and a larger lubdub.Model calls the layers anew"
end

--- A new layer like another: its kind, options, name, and whether it trains; not its weights.
function Model.copy_layer(layer)
  local config = layer:config()
  config.name, config.trainable = layer.name, layer.trainable
  return core.layers[layer.kind](config)
end

--- A layer by name or by number (from 1; negative ones from the end).
-- @param which
-- @treturn lubdub.Layer
function Model:get_layer(which)
  local names = {}
  for i, layer in ipairs(self.layers) do
    if layer.name == which or i == which or i - #self.layers - 1 == which then return layer end
    names[i] = layer.name
  end
  blame("get_layer: there is no layer %s; there are: %s", tostring(which), table.concat(names, ", "))
end

--- Checks that a model is built for this data.
-- @tparam string where the asking function's name
-- @param x a tensor, or a list of them
function Model:build_for(where, x) check.inputs(where, self, x) end

-- === training ===

local function new_trainer(self, loss, optimizer)
  local given = { loss = loss, optimizer = optimizer, seed = self.seed }
  for name, value in pairs(self.network) do given[name] = value end
  return graph.engine("", core.Trainer, given)
end

-- Of one output these are 0 whatever it says, so that nothing is learned.
local function warn_of_one_output(self, loss)
  local shape = self.output_shape
  if loss and shape and shape[#shape] == 1 and loss.kind:find "CategoricalCrossentropy$" then
    warning.warn(("compile: %s of a single output is always 0; for two classes use binary_crossentropy"):format(
      loss.name), self)
  end
end

--- Makes the model ready for training. What an optimizer learned in an earlier training is forgotten.
-- @tparam table given optimizer ("adam", "sgd", ..., or one of lubdub.optimizers), loss
-- ("categorical_crossentropy", ..., or one of lubdub.losses), metrics ({ "accuracy", "auc", ... }, with objects such as
-- lubdub.metrics.AUC { }, and name = function(y, outputs) that returns the mean over the rows), weighted_metrics
-- (the same; sample and class weights count in them)
function Model:compile(given)
  local o = options.read("compile", given, { optimizer = options.none, loss = false, metrics = false,
    weighted_metrics = false })
  if o.optimizer == nil then blame "compile: option 'optimizer' is missing, for example optimizer = \"adam\"" end
  local optimizer = require("lubdub.optimizers").get("compile", o.optimizer)
  local loss = o.loss and require("lubdub.losses").get("compile", o.loss) or nil
  if loss and self.outputs and #self.outputs > 1 then
    blame("compile: a model trains with one output, and this one has %d; without a loss it predicts", #self.outputs)
  end
  local list, names = fit_metrics.read("compile", o.metrics, o.weighted_metrics), {}
  for i, entry in ipairs(list) do names[i] = entry.name end
  local trainer = self.built and new_trainer(self, loss, optimizer) or nil
  self.optimizer, self.loss, self.loss_function = optimizer, o.loss or nil, loss
  self.metrics, self.metric_list, self.trainer = names, list, trainer
  warn_of_one_output(self, loss)
end

--- The trainer of a built model, made where there is none.
function Model:ensure_trainer()
  self.trainer = self.trainer or new_trainer(self, self.loss_function, self.optimizer)
  return self.trainer
end

--- The shape of one sample's targets: that of the outputs, or without its last axis where the loss takes class numbers.
-- @treturn table
function Model:target_shape()
  return self.loss_function and self.loss_function:target_shape(self.output_shape) or self.output_shape
end

Model.fit = require "lubdub.fit"
Model.evaluate = evaluate.evaluate
Model.predict = evaluate.predict
Model.gradient = require "lubdub.gradient"
Model.train_on_batch = on_batch.train
Model.test_on_batch = on_batch.test
Model.predict_on_batch = on_batch.predict

-- === weights ===

local function each_layer_once(self)
  local seen, list = {}, {}
  for _, layer in ipairs(self.layers) do
    if not seen[layer] then
      seen[layer] = true
      list[#list + 1] = layer
    end
  end
  return list
end

--- Copies of all weights, in Keras' order.
-- @treturn table list of tensors
function Model:get_weights()
  local list = {}
  for _, layer in ipairs(each_layer_once(self)) do
    for _, weight in ipairs(layer:weights()) do list[#list + 1] = weight.value end
  end
  return list
end

--- Sets all weights, or none: every shape is checked before, and an interrupt brings the old ones back.
-- @tparam table list of tensors as get_weights gives them
function Model:set_weights(list)
  if not self.built then blame "set_weights: the model is not built; give it an Input layer, or call model:build" end
  if type(list) ~= "table" then blame("set_weights: expected a list of tensors, got %s", type(list)) end
  local old, parts, used = {}, {}, 0
  for i, layer in ipairs(each_layer_once(self)) do
    local mine, theirs = {}, {}
    for j, weight in ipairs(layer:weights()) do
      used = used + 1
      local given = list[used]
      if given == nil then blame("set_weights: %d tensors are too few", #list) end
      check.tensor("set_weights", ("tensor %d"):format(used), given)
      local expected, got = check.shape_text(weight.value:shape()), check.shape_text(given:shape())
      if expected ~= got then
        blame("set_weights: tensor %d (%s of layer %s) must be %s, got %s", used, weight.name, layer.name, expected,
          got)
      end
      mine[j], theirs[j] = weight.value, given
    end
    old[i], parts[i] = { layer, mine }, { layer, theirs }
  end
  if used ~= #list then blame("set_weights: expected %d tensors, got %d", used, #list) end
  local function set(which)
    for _, part in ipairs(which) do
      if #part[2] > 0 then part[1]:set_weights(part[2]) end
    end
  end
  local guard <close> = setmetatable({}, { __close = function(_, err) -- luacheck: ignore
    if err ~= nil then set(old) end
  end })
  set(parts)
end

--- How many numbers the weights have.
-- @treturn integer all of them
-- @treturn integer those that training changes
function Model:count_params()
  local total, trainable = 0, 0
  for _, layer in ipairs(each_layer_once(self)) do
    local all, some = layer:count_params()
    total, trainable = total + all, trainable + some
  end
  return total, trainable
end

--- How many numbers the optimizer remembers, as Keras counts them: the slots of the weights that train, the
-- number of steps and the rate.
-- @treturn ?integer nil before the first step
function Model:count_optimizer_params()
  if not self.optimizer or not self.trainer or self.trainer.iterations == 0 then return nil end
  local weights = {}
  for _, layer in ipairs(each_layer_once(self)) do
    for _, weight in ipairs(layer:weights()) do weights[#weights + 1] = weight end
  end
  local slots, count = self.trainer:state().slots, 2
  for i, slot in ipairs(slots) do
    if weights[(i - 1) * #weights // #slots + 1].trainable then count = count + slot:size() end
  end
  return count
end

-- === outside ===

local function check_file(self, where, path)
  if type(path) ~= "string" then blame("%s: path must be a file name, got %s", where, type(path)) end
  if not self.built then
    blame("%s: the model is not built; give it an Input layer, or call model:build", where)
  end
end

--- Saves the model with labels and preprocessing as a file that Keras opens.
-- @tparam string path ending in .keras (Keras 3) or .h5 (or .hdf5; every Keras)
-- @tparam ?table given optimizer: whether what the optimizer remembers is saved, for training to go on (default: in
-- .keras files only)
-- @return true, or nil and the reason, "path: ..."
function Model:save(path, given)
  check_file(self, "save", path)
  if not path:find "%.h5$" and not path:find "%.hdf5$" and not path:find "%.keras$" then
    blame("save: path must end in .keras or .h5, got '%s'", path)
  end
  if path:find "%.weights%.h5$" then blame("save: '%s' is a name for model:save_weights", path) end
  return require("lubdub.keras").save(self, path, given)
end

--- Saves the weights alone (lubdub.keras.save_weights).
-- @tparam string path ending in .weights.h5 (Keras 3) or .h5 (Keras 2)
-- @return true, or nil and the reason
function Model:save_weights(path)
  check_file(self, "save_weights", path)
  return require("lubdub.keras").save_weights(self, path)
end

--- Reads weights from any file that Keras or lubdub wrote (lubdub.keras.load_weights).
-- @tparam string path
-- @tparam ?table given by_name, skip_mismatch
-- @return the names of the layers that were read, or nil and the reason
function Model:load_weights(path, given)
  check_file(self, "load_weights", path)
  return require("lubdub.keras").load_weights(self, path, given)
end

--- Writes the model for ONNX Runtime and others that read ONNX (lubdub.onnx). It cannot be loaded again.
-- @tparam string path ending in .onnx
-- @return true, or nil and the reason, "path: ..."
-- @raise where ONNX has no operators for a layer
function Model:to_onnx(path)
  check_file(self, "to_onnx", path)
  if not path:find "%.onnx$" then blame("to_onnx: path must end in .onnx, got '%s'", path) end
  return require("lubdub.onnx").save(self, path)
end

--- Prints Keras' summary table; `print(model)` does the same.
-- @tparam ?table given line_length (76), show_trainable (false)
function Model:summary(given) print(summary.text(self, given)) end

function Model:__tostring() return summary.text(self) end

Model.__mimebundle = summary.mimebundle

return Model
