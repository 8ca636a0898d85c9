--- What Keras calls what: every layer, optimizer, loss and metric that can be written and read.
-- To add a layer, add an entry to `names.layers`.
-- @module lubdub.keras.names
local json = require "lubdub.keras.json"

local names = {}

-- === values whose form differs ===

local initializers = { glorot_uniform = "GlorotUniform", zeros = "Zeros", ones = "Ones" }
local initializer_of = {}
for ours, class in pairs(initializers) do initializer_of[class], initializer_of[ours] = ours, ours end

-- Only what a layer begins with: where we lack one, the weights are in the file anyway, so nil (the default) will do.
-- Keras 2 wrote what it calls GlorotUniform as a VarianceScaling.
local function read_initializer(given)
  if type(given) ~= "table" then return initializer_of[given] end
  local config = given.config or {}
  if given.class_name == "VarianceScaling" and config.mode == "fan_avg" and config.distribution == "uniform"
    and config.scale == 1 then return "glorot_uniform" end
  return initializer_of[given.class_name]
end

local function write_initializer(ours)
  local config = json.object()
  if ours == "glorot_uniform" then json.add(config, "seed", json.null) end
  return json.object("class_name", initializers[ours], "config", config)
end

-- Keras 3 writes functions as { class_name = "function", config = "relu" }, and layers as { class_name = "ReLU" }.
local function read_activation(given)
  if type(given) == "table" then
    given = given.class_name == "function" and given.config or given.class_name
    return type(given) == "string" and given:lower() or given
  end
  return given or "linear"
end

-- option = { write = ours -> JSON, read = JSON -> ours }; an option that is not here goes through as it
-- is, with `false` for null.
names.values = {
  activation = { write = function(ours) return ours or "linear" end, read = read_activation },
  use_bias = { write = function(ours) return ours end, read = function(given) return given end },
  kernel_initializer = { write = write_initializer, read = read_initializer },
  bias_initializer = { write = write_initializer, read = read_initializer },
}

-- === layers ===

local weighted = { "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
  "bias_constraint" }

-- kind = {
--   options: what our layer takes, in the order in which Keras writes it; the names are the same;
--   fixed: what our layer does in one way only, as Keras calls it; a file that asks for another is refused;
--   write: which of `fixed` is written (the others came with later versions of Keras);
--   training: what bears on training alone; reading it is worth a warning;
--   free: what makes no difference; aliases: other class names in files.
-- }
names.layers = {
  Conv2D = {
    aliases = { "Convolution2D" },
    options = { "filters", "kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias",
      "kernel_initializer", "bias_initializer" },
    fixed = { data_format = "channels_last", groups = 1, rank = 2 },
    write = { "data_format" },
    training = weighted,
  },
  MaxPooling2D = {
    aliases = { "MaxPool2D" },
    options = { "pool_size", "strides", "padding" },
    fixed = { data_format = "channels_last" },
    write = { "data_format" },
  },
  GlobalAveragePooling2D = {
    aliases = { "GlobalAvgPool2D" },
    options = {},
    fixed = { data_format = "channels_last", keepdims = false },
    write = { "data_format" },
  },
  Flatten = {
    options = {},
    fixed = { data_format = "channels_last" },
    write = { "data_format" },
  },
  Dense = {
    options = { "units", "activation", "use_bias", "kernel_initializer", "bias_initializer" },
    training = weighted,
  },
  Dropout = { options = { "rate" }, free = { "seed" } },
  Activation = { options = { "activation" } },
}

--- kind of every class name that a file may hold; inputs are "InputLayer".
names.kind_of = { InputLayer = "InputLayer" }
for kind, entry in pairs(names.layers) do
  names.kind_of[kind] = kind
  for _, alias in ipairs(entry.aliases or {}) do names.kind_of[alias] = kind end
end

-- === what training_config holds ===

-- kind = options, as above; fixed: other values cannot be had, and are written.
names.optimizers = {
  Adam = { options = { "learning_rate", "beta_1", "beta_2", "epsilon" }, fixed = { amsgrad = false } },
  SGD = { options = { "learning_rate" }, fixed = { momentum = 0.0, nesterov = false } },
}

--- What any optimizer of Keras may do and none of ours does, where it is set.
names.optimizer_extras = { "weight_decay", "decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema",
  "gradient_accumulation_steps" }

--- The snake_case name of a Keras class: CategoricalCrossentropy -> categorical_crossentropy.
function names.snake(class)
  return (class:gsub("(%l)(%u)", "%1_%2"):lower())
end

--- Metrics that are the same under another name.
names.metrics = { acc = "accuracy", categorical_accuracy = "accuracy" }

return names
