--- What Keras calls what: every layer, optimizer, loss and metric that can be written and read.
-- To add a layer, add an entry to `names.layers`.
-- @module lubdub.keras.names
local objects = require "lubdub.keras.objects"

local names = {}

-- === values whose form differs ===

-- Keras 3 writes functions as { class_name = "function", config = "relu" }, and layers as { class_name = "ReLU" }.
local function read_activation(given)
  if type(given) == "table" then
    given = given.class_name == "function" and given.config or given.class_name
    return type(given) == "string" and given:lower() or given
  end
  return given or "linear"
end

-- option = { write = ours -> JSON (nil: left out), read = JSON -> ours (nil: it cannot be had) }; an option that is not
-- here goes through as it is, with `false` for null.
local initializer = { write = objects.write_initializer, read = objects.read_initializer }
local regularizer = { write = objects.write_regularizer, read = objects.read_regularizer, training = true }
local flags = { use_bias = true, return_sequences = true, return_state = true, go_backwards = true, stateful = true,
  unroll = true, unit_forget_bias = true, reset_after = true } -- false is not null
local flag = { write = function(ours) return ours end, read = function(given) return given end }
local activation = { write = function(ours) return ours or "linear" end, read = read_activation }
names.values = setmetatable({
  activation = activation,
  recurrent_activation = activation,
  recurrent_dropout = {
    write = function(ours) return ours end,
    read = function(given) return given == 0 and given or nil end,
    training = true,
  },
}, {
  __index = function(_, option)
    return flags[option] and flag or option:find "_initializer$" and initializer
      or option:find "_regularizer$" and regularizer or nil
  end,
})

-- === layers ===

local weighted = { "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
  "bias_constraint" }

-- What LSTM and GRU have, and one more option of each.
local function recurrent(own)
  return {
    options = { "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer",
      "recurrent_initializer", "bias_initializer", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
      "dropout", "recurrent_dropout", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", own },
    training = { "activity_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint" },
    free = { "seed", "implementation", "time_major", "zero_output_for_mask", "use_cudnn" },
  }
end

-- kind = {
--   layers: which options are layers themselves, and what their names in a file begin with;
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
      "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer" },
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
    options = { "units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
      "bias_regularizer" },
    training = weighted,
  },
  Dropout = { options = { "rate" }, free = { "seed" } },
  Activation = { options = { "activation" } },
  LSTM = recurrent "unit_forget_bias",
  GRU = recurrent "reset_after",
  Bidirectional = {
    options = { "merge_mode", "layer", "backward_layer" },
    layers = { layer = "forward_", backward_layer = "backward_" },
  },
}

--- kind of every class name that a file may hold; inputs are "InputLayer".
names.kind_of = { InputLayer = "InputLayer" }
for kind, entry in pairs(names.layers) do
  names.kind_of[kind] = kind
  for _, alias in ipairs(entry.aliases or {}) do names.kind_of[alias] = kind end
end

-- === what training_config holds ===

local clipping = { "weight_decay", "clipnorm", "clipvalue", "global_clipnorm" }
local function optimizer(...) return { options = table.move(clipping, 1, #clipping, select("#", ...) + 1, { ... }) } end

--- kind = { options = in the order in which they are written }.
names.optimizers = {
  Adam = optimizer("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad"),
  AdamW = optimizer("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad"),
  SGD = optimizer("learning_rate", "momentum", "nesterov"),
  RMSprop = optimizer("learning_rate", "rho", "momentum", "epsilon", "centered"),
}

--- What any optimizer of Keras may do and none of ours does, where it is set.
names.optimizer_extras = { "decay", "use_ema", "gradient_accumulation_steps" }

return names
