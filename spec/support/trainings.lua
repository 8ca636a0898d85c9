--- Trainings with much to remember, for the specs of interruptions: each is made anew by name, in this process or in
-- another, and tells all that it ends with as text.
local core = require "lubdub.core"
local lubdub = require "lubdub"

local callbacks, layers, optimizers, Tensor = lubdub.callbacks, lubdub.layers, lubdub.optimizers, lubdub.Tensor
local trainings = {}

local function data(rows, columns, classes, seed)
  local numbers = {}
  for i = 1, rows do numbers[i] = (i * 7 + seed) % classes + 1 end
  local y = lubdub.to_categorical(numbers, classes)
  return Tensor.randn { rows, columns, seed = seed } + y:sum(2):reshape { rows, 1 } * 0.1, y
end

-- Every callback of ours; noise and moving statistics in the model; two slots and one more in the optimizer.
function trainings.callbacks(folder)
  local x, y = data(48, 6, 3, 1)
  local model = lubdub.Sequential { layers.Input { 6 }, layers.GaussianNoise { stddev = 0.2 },
    layers.Dense { units = 8, activation = "relu" }, layers.BatchNormalization(), layers.Dropout { rate = 0.3 },
    layers.Dense { units = 3, activation = "softmax" }, seed = 1 }
  model:compile { optimizer = optimizers.Adam { learning_rate = 0.02, amsgrad = true },
    loss = "categorical_crossentropy", metrics = { "accuracy", "auc" } }
  local stopping = callbacks.EarlyStopping { patience = 9, restore_best_weights = true }
  return model, x, y, { epochs = 14, batch_size = 8, validation_split = 0.25, class_weight = { 1, 2, 0.5 }, seed = 5,
    callbacks = { stopping, callbacks.ReduceLROnPlateau { patience = 1, factor = 0.7 },
      callbacks.ModelCheckpoint { path = folder .. "/best.keras", save_best_only = true },
      callbacks.ModelCheckpoint { path = folder .. "/seven.weights.h5", save_freq = 7, save_weights_only = true },
      callbacks.CSVLogger { path = folder .. "/log.csv", append = true } } },
    function() return { stopping.best, stopping.best_epoch, stopping.wait } end
end

-- A graph with a shared layer, a batch source, a rate by schedule, epochs that are parts of a pass.
function trainings.graph()
  local x, y = data(40, 5, 2, 2)
  local one, two = layers.Input { 5, name = "one" }, layers.Input { 5, name = "two" }
  local shared = layers.Dense { units = 4, activation = "tanh", kernel_regularizer = "l2" }
  local both = layers.Concatenate {} { shared(one), shared(two) }
  local model = lubdub.Model { inputs = { one, two }, seed = 3,
    outputs = layers.Dense { units = 2, activation = "softmax" }(layers.Dropout { rate = 0.2 }(both)) }
  local schedule = optimizers.schedules.CosineDecay { initial_learning_rate = 0.1, decay_steps = 60 }
  model:compile { optimizer = optimizers.SGD { learning_rate = schedule, momentum = 0.9, nesterov = true },
    loss = "categorical_crossentropy" }
  return model, { x, x * 0.5 + 1 }, y, { epochs = 8, batch_size = 6, steps_per_epoch = 3, seed = 2 }
end

-- Rates by LearningRateScheduler, a callback of one's own with a state, a source, and its own seed.
function trainings.own()
  local x, y = data(30, 4, 2, 3)
  local model = lubdub.Sequential { layers.Input { 4 }, layers.Dense { units = 5, trainable = false },
    layers.Dense { units = 6, activation = "relu" }, layers.Dense { units = 2, activation = "softmax" }, seed = 9 }
  model:compile { optimizer = optimizers.RMSprop { learning_rate = 0.01, momentum = 0.5, centered = true },
    loss = "categorical_crossentropy", metrics = { "accuracy" } }
  local sum = { values = {}, last = Tensor.zeros { 2 } }
  function sum:on_epoch_end(epoch, logs)
    self.values[epoch] = logs.loss
    self.last = self.last + logs.loss
    logs.total = self.last[1]
  end
  function sum:state() return { values = self.values, last = self.last, empty = {}, ["not a number"] = 0 / 0 } end
  function sum:restore(state)
    assert(state["not a number"] ~= state["not a number"] and next(state.empty) == nil)
    self.values, self.last = state.values, state.last
  end
  local function source(epoch, seed)
    local noise, first = Tensor.randn { 30, 4, seed = seed + epoch }, 1
    return function()
      if first > 30 then return nil end
      local from = first
      first = first + 10
      return (x + noise * 0.1):slice(1, from, from + 9):contiguous(), y:slice(1, from, from + 9):contiguous()
    end
  end
  return model, source, nil, { epochs = 8, validation_data = { x, y }, validation_freq = 2, callbacks = {
    callbacks.LearningRateScheduler(function(_, rate) return rate * 0.9 end), sum } },
    function() return sum.values end
end

trainings.names = { "callbacks", "graph", "own" }

-- === what it ends with ===

local function exact(value)
  if math.type(value) == "float" then return ("%a"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do parts[i] = tostring(key) .. "=" .. exact(value[key]) end
  return "{" .. table.concat(parts, " ") .. "}"
end

local function digest(tensors)
  local bytes = {}
  for i, tensor in ipairs(tensors) do bytes[i] = tensor:to_bytes() end
  return core.fingerprint.digest(table.concat(bytes))
end

local function file_text(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a" or "none"
end

--- Makes a training and runs it.
-- @tparam string name
-- @tparam string folder for its files
-- @tparam ?function change is given the options of fit
-- @treturn string all that it ends with: weights, the optimizer's memory, history, files, callbacks
-- @return the model
function trainings.run(name, folder, change)
  lubdub.set_seed(11)
  local model, x, y, options, more = trainings[name](folder)
  options.verbose, options.callbacks = 0, options.callbacks or {}
  if change then change(options) end
  local history
  if y then history = model:fit(x, y, options) else history = model:fit(x, options) end
  local state, lines = model.trainer:state(), {}
  local function add(what, value) lines[#lines + 1] = what .. ": " .. exact(value) end
  add("weights", digest(model:get_weights()))
  add("slots", digest(state.slots))
  add("steps", state.iterations)
  add("seed", model.trainer.seed)
  add("rate", model.optimizer.learning_rate)
  add("history", history.history)
  add("epochs", history.epoch)
  add("log", file_text(folder .. "/log.csv"))
  for _, file in ipairs { "/best.keras", "/seven.weights.h5" } do
    local other = trainings[name](folder)
    local found = io.open(folder .. file, "rb")
    if found then
      found:close()
      assert(other:load_weights(folder .. file))
      add(file, digest(other:get_weights()))
    end
  end
  if more then add("more", more()) end
  return table.concat(lines, "\n"), model
end

return trainings
