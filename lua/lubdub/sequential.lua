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
-- Fields: layers (without the Input), name, seed, built, input_shape and output_shape (of one sample; nil until
-- built), optimizer, loss (as given), metrics (names), trainer, history (of the last fit), stop_training,
-- labels and preprocessing (what a model file carries beside Keras' parts).
-- Without an Input the model is built from the first data that it sees.
-- @classmod lubdub.Sequential
-- @usage
-- local model = lubdub.Sequential {
--   lubdub.layers.Input { 20 }, lubdub.layers.Dense { units = 5, activation = "softmax" }, seed = 1 }
-- model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local evaluate = require "lubdub.evaluate"
local fit_metrics = require "lubdub.fit_metrics"
local on_batch = require "lubdub.on_batch"
local options = require "lubdub.options"
local seeds = require "lubdub.seed"
local summary = require "lubdub.summary"
local warning = require "lubdub.warning"

local Sequential = { __name = "lubdub.Sequential" }
Sequential.__index = Sequential

-- === structure ===

local function is_layer(value)
  return type(value) == "userdata" and (getmetatable(value) or {}).__name == "lubdub.Layer"
end

-- Keras' way from a class name to a layer's: MaxPooling2D, max_pooling2d.
local function snake_case(kind)
  return (kind:gsub("(.)(%u%l+)", "%1_%2"):gsub("(%l)(%u)", "%1_%2"):lower())
end

-- Layers without a name get Keras' (conv2d, conv2d_1, ...), counted within the model.
local function give_names(where, list)
  local taken, counts = {}, {}
  for _, layer in ipairs(list) do
    local name = layer.name
    if name and taken[name] and not rawequal(taken[name], layer) then
      blame("%s: two layers have the name '%s'; names must differ", where, name)
    end
    if name then taken[name] = layer end
  end
  for _, layer in ipairs(list) do
    if not layer.name then
      local prefix = snake_case(layer.kind)
      local name
      repeat
        local count = counts[prefix] or 0
        name = count == 0 and prefix or ("%s_%d"):format(prefix, count)
        counts[prefix] = count + 1
      until not taken[name]
      layer.name, taken[name] = name, layer
    end
  end
end

-- Calls the engine so that its errors point at the user's line.
local function engine(prefix, f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  if type(result) ~= "string" then error(result, 0) end
  blame("%s%s", prefix, result)
end

-- Builds the layers on an input shape; returns the output shape.
local function build_layers(where, list, shape, seed)
  for i, layer in ipairs(list) do
    shape = engine(("%s: layer %d (%s): "):format(where, i, layer.name), layer.build, layer, shape, seeds.mix(seed, i))
  end
  return shape
end

local list_of_layers = {
  __name = "lubdub.Layers",
  __tostring = function(list)
    local lines = {}
    for i, layer in ipairs(list) do lines[i] = ("%3d  %s"):format(i, tostring(layer)) end
    return table.concat(lines, "\n")
  end,
}

-- Takes a list of layers over if it holds together; otherwise raises and leaves the model as it was.
local function restructure(self, where, input_layer, list)
  give_names(where, list)
  local input_shape = self.input_shape
  if input_layer then
    input_layer.name = input_layer.name or "input_layer"
    input_shape = input_layer:config().shape
  end
  local output_shape
  if input_shape and #list > 0 then output_shape = build_layers(where, list, input_shape, self.seed) end
  self.layers, self.input_layer, self.trainer = setmetatable(list, list_of_layers), input_layer, nil
  self.input_shape, self.output_shape = input_shape, output_shape or input_shape
  self.built = output_shape ~= nil
end

local function check_layer(where, i, layer)
  if not is_layer(layer) then
    local hint = type(layer) == "function" and "; call it: layers.Flatten { }" or ""
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
  local self = setmetatable({ name = o.name, layers = {}, built = false, metrics = {}, metric_list = {} }, Sequential)
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

--- A layer by name or by number (from 1; negative ones from the end).
-- @param which
-- @treturn lubdub.Layer
-- @usage print(model:get_layer(1))
function Sequential:get_layer(which)
  local names = {}
  for i, layer in ipairs(self.layers) do
    if layer.name == which or i == which or i - #self.layers - 1 == which then return layer end
    names[i] = layer.name
  end
  blame("get_layer: there is no layer %s; there are: %s", tostring(which), table.concat(names, ", "))
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
  local shape = check.tensor(where, "x", x)
  if not self.built then self:build(table.move(shape, 2, #shape, 1, {})) end
end

-- === training ===

local function new_trainer(self, loss, optimizer)
  return engine("", core.Trainer, { layers = self.layers, input_shape = self.input_shape, loss = loss,
    optimizer = optimizer, seed = self.seed })
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
-- @usage model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
function Sequential:compile(given)
  local o = options.read("compile", given, { optimizer = options.none, loss = false, metrics = false,
    weighted_metrics = false })
  if o.optimizer == nil then blame "compile: option 'optimizer' is missing, for example optimizer = \"adam\"" end
  local optimizer = require("lubdub.optimizers").get("compile", o.optimizer)
  local loss = o.loss and require("lubdub.losses").get("compile", o.loss) or nil
  local list, names = fit_metrics.read("compile", o.metrics, o.weighted_metrics), {}
  for i, entry in ipairs(list) do names[i] = entry.name end
  local trainer = self.built and new_trainer(self, loss, optimizer) or nil
  self.optimizer, self.loss, self.loss_function = optimizer, o.loss or nil, loss
  self.metrics, self.metric_list, self.trainer = names, list, trainer
  warn_of_one_output(self, loss)
end

--- The trainer of a built model, made where there is none.
function Sequential:ensure_trainer()
  self.trainer = self.trainer or new_trainer(self, self.loss_function, self.optimizer)
  return self.trainer
end

--- The shape of one sample's targets: that of the outputs, or without its last axis where the loss takes class numbers.
-- @treturn table
function Sequential:target_shape()
  return self.loss_function and self.loss_function:target_shape(self.output_shape) or self.output_shape
end

Sequential.fit = require "lubdub.fit"
Sequential.evaluate = evaluate.evaluate
Sequential.predict = evaluate.predict
Sequential.train_on_batch = on_batch.train
Sequential.test_on_batch = on_batch.test
Sequential.predict_on_batch = on_batch.predict

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
function Sequential:get_weights()
  local list = {}
  for _, layer in ipairs(each_layer_once(self)) do
    for _, weight in ipairs(layer:weights()) do list[#list + 1] = weight.value end
  end
  return list
end

--- Sets all weights, or none: every shape is checked before, and an interrupt brings the old ones back.
-- @tparam table list of tensors as get_weights gives them
function Sequential:set_weights(list)
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
function Sequential:count_params()
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
function Sequential:count_optimizer_params()
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

--- An independent model with the same layers and copies of the weights; it is not compiled.
-- @treturn lubdub.Sequential
function Sequential:clone()
  local function copy(layer)
    local config = layer:config()
    config.name, config.trainable = layer.name, layer.trainable
    return core.layers[layer.kind](config)
  end
  local copies, list = {}, { self.input_layer }
  for _, layer in ipairs(self.layers) do
    copies[layer] = copies[layer] or copy(layer)
    list[#list + 1] = copies[layer]
  end
  list.name, list.seed = self.name, self.seed
  local model = new(Sequential, list)
  if self.built then model:set_weights(self:get_weights()) end
  model.labels, model.preprocessing = self.labels, self.preprocessing
  return model
end

-- === outside ===

--- Saves the model with labels and preprocessing as a file that Keras opens.
-- @tparam string path ending in .h5 (or .hdf5)
-- @return true, or nil and the reason, "path: ..."
-- @usage assert(model:save "heartbeat.h5")
function Sequential:save(path)
  if type(path) ~= "string" then blame("save: path must be a file name, got %s", type(path)) end
  if not path:find("%.h5$") and not path:find("%.hdf5$") then
    blame("save: path must end in .h5, got '%s'", path)
  end
  if not self.built then blame "save: the model is not built; give it an Input layer, or call model:build" end
  return require("lubdub.keras").save(self, path)
end

--- Prints Keras' summary table; `print(model)` does the same.
-- @tparam ?table given line_length (76), show_trainable (false)
-- @usage model:summary { show_trainable = true }
function Sequential:summary(given) print(summary.text(self, given)) end

function Sequential:__tostring() return summary.text(self) end

Sequential.__mimebundle = summary.mimebundle

return setmetatable(Sequential, { __call = new })
