--- What makes a training that training: a list of { name, text } of the model, the data and the options of fit, by
-- which BackupAndRestore tells whether a backup is of the training that begins. What may differ is left out: how
-- many epochs there are, names of layers, verbose, and what the weights are.
-- @module lubdub.callbacks.settings
local core = require "lubdub.core"
local batches = require "lubdub.batches"
local check = require "lubdub.check"

local settings = {}

-- Addresses are others in every run.
local function text_of(value)
  if math.type(value) == "float" then return ("%.17g"):format(value) end
  return (tostring(value):gsub("%f[%a]([a-z]+): 0x%x+", "a %1"))
end

-- === the model ===

local function layer_text(layer, inputs)
  local text, name = text_of(layer), layer.name or ""
  local parts = { text:sub(-#name - 2) == "  " .. name and text:sub(1, -#name - 3) or text }
  for _, weight in ipairs(layer:weight_shapes()) do
    parts[#parts + 1] = ("%s %s"):format(weight.name, check.shape_text(weight.shape):gsub("^%(n, ", "("))
  end
  if not layer.trainable then parts[#parts + 1] = "not trainable" end
  if inputs then parts[#parts + 1] = "inputs " .. table.concat(inputs, " ") end
  return table.concat(parts, ", ")
end

local function add_model(add, model)
  local network = model.network
  for i, shape in ipairs(model.input_shapes) do add("input " .. i, check.shape_text(shape, true)) end
  for i, layer in ipairs(network.layers) do
    add("layer " .. i, layer_text(layer, network.inputs and network.inputs[i]))
  end
  if network.outputs then add("the outputs", table.concat(network.outputs, " ")) end
end

local function add_compiled(add, model)
  local optimizer, options = model.optimizer, {}
  for name, value in pairs(optimizer:config()) do
    if name ~= "learning_rate" then options[#options + 1] = ("%s = %s"):format(name, text_of(value)) end
  end
  table.sort(options)
  add("the optimizer", ("%s(%s)"):format(optimizer.kind, table.concat(options, ", ")))
  add("the schedule", optimizer.schedule and text_of(optimizer.schedule) or "none")
  add("the loss", text_of(model.loss))
  add("the list of metrics", table.concat(model.metrics, ", "))
end

-- === the data ===

-- A tensor's shape and a hash of its numbers.
local function tensor_text(tensor)
  local job <close> = core.fingerprint.Contents { { audio = tensor:contiguous(), samplerate = 0 } }
  while not job:advance() do end
  return ("%s with contents %016x"):format(check.shape_text(tensor:shape()):gsub("^%(n, ", "("), (job:result(1)))
end

local function add_data(add, name, data)
  if batches.is_source(data) then return add(name, "a batch source") end
  for i, part in ipairs { "x", "y", "sample weights" } do
    local value = data[i]
    if core.Tensor.is(value) then value = { value } end
    for k, tensor in ipairs(value or {}) do
      add(("%s %s%s"):format(name, part, #value > 1 and ("[%d]"):format(k) or ""), tensor_text(tensor))
    end
  end
end

-- === fit ===

local fit_options = { "batch_size", "shuffle", "steps_per_epoch", "validation_steps", "validation_batch_size",
  "validation_freq", "initial_epoch" }

local function callback_text(callback)
  local class = (getmetatable(callback) or {}).__name
  if type(class) ~= "string" or not class:find "^lubdub%.callbacks%." then return callback.kind or "a table" end
  return (text_of(callback):gsub("verbose = [^,)]*,? ?", ""):gsub(", %)", ")"))
end

--- The settings of a training.
-- @tparam table training model, options (of fit), data ({ x, y, weights } or a batch source), validation (the same,
-- or false), callbacks (a list: those that are kept)
-- @treturn table a list of { name, text }
function settings.of(training)
  local list = {}
  local function add(name, text) list[#list + 1] = { name, text } end
  add_model(add, training.model)
  add_compiled(add, training.model)
  for _, name in ipairs(fit_options) do
    local value = training.options[name]
    if type(value) == "table" then value = "{" .. table.concat(value, ", ") .. "}" end
    add("fit's option " .. name, value and text_of(value) or "none")
  end
  for i, callback in ipairs(training.callbacks) do
    if callback.kind ~= "History" then add("callback " .. i, callback_text(callback)) end -- fit adds it itself
  end
  add_data(add, "training", training.data)
  if training.validation then add_data(add, "validation", training.validation) end
  return list
end

--- The first difference of two lists of settings as text; nil where they are the same.
function settings.difference(there, here)
  local function index(list)
    local texts = {}
    for _, entry in ipairs(list) do texts[entry[1]] = entry[2] end
    return texts
  end
  local texts_there, texts_here = index(there), index(here)
  for _, list in ipairs { here, there } do
    for _, entry in ipairs(list) do
      local name = entry[1]
      local a, b = texts_there[name] or "missing", texts_here[name] or "missing"
      if a ~= b then return ("%s is %s there and %s here"):format(name, a, b) end
    end
  end
end

return settings
