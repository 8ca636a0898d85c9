--- What Keras calls what: every layer, optimizer, loss and metric that can be written and read.
-- To add a layer, add an entry to `names.layers`.
-- @module lubdub.keras.names
local dialect = require "lubdub.keras.dialect"
local json = require "lubdub.keras.json"
local objects = require "lubdub.keras.objects"

local names = {}

-- === values whose form differs ===

-- Layers that stand where a function is named: class = { option = value, its function }.
local layer_functions = {
  ReLU = { { max_value = false, negative_slope = 0, threshold = 0 }, "relu" },
  ELU = { { alpha = 1 }, "elu" },
  Softmax = { { axis = -1 }, "softmax" },
}

-- The function that a layer computes, or what the layer is.
local function layer_function(given)
  local class, config = given.class_name, type(given.config) == "table" and given.config or {}
  local entry = layer_functions[class]
  for option, value in pairs(entry and entry[1] or {}) do
    if (config[option] or value) ~= value then return ("%s with %s = %s"):format(class, option, config[option]) end
  end
  return entry and entry[2] or ("the layer %s"):format(class)
end

-- Keras 3 writes functions as { class_name = "function", config = "relu" }, and layers as { class_name = "ReLU", ... }.
-- What is no name comes out as a description, which no layer takes.
local function read_activation(given, meaning)
  if type(given) == "table" and type(given.class_name) == "string" then
    given = given.class_name == "function" and type(given.config) == "string" and given.config
      or layer_function(given)
  elseif type(given) == "table" then given = "a function of Python's" end
  return dialect.activation(meaning, given or "linear")
end

-- option = { write = ours -> JSON (nil: left out), read = JSON, dialect -> ours (nil: it cannot be had) }; an option
-- that is not here goes through as it is, with `false` for null.
local initializer = { write = objects.write_initializer, read = objects.read_initializer }
local regularizer = { write = objects.write_regularizer, read = objects.read_regularizer, training = true }
local constraint = { write = objects.write_constraint, read = objects.read_constraint, training = true }
local function as_it_is(value) return value end
local boolean = { write = as_it_is, read = as_it_is }

local function axes(step)
  return function(value) return objects.move_axes(value, step) end
end
-- Keras may list an axis that stands alone.
local function one(list) return type(list) == "table" and #list == 1 and list[1] or list end

local activation = { write = function(ours) return ours or "linear" end, read = read_activation }
names.values = setmetatable({
  activation = activation,
  recurrent_activation = activation,
  use_bias = boolean, center = boolean, scale = boolean,
  return_sequences = boolean, return_state = boolean, go_backwards = boolean, stateful = boolean, unroll = boolean,
  unit_forget_bias = boolean, reset_after = boolean,
  recurrent_dropout = { write = as_it_is, training = true,
    read = function(given) return given == 0 and given or nil end },
  -- these two came with later versions of Keras
  groups = { write = function(ours) return ours ~= 1 and ours or nil end, read = as_it_is },
  keepdims = { write = function(ours) return ours or nil end, read = as_it_is },
  -- Keras' own default needs no word; its Nones are JSON's null
  noise_shape = { read = as_it_is,
    write = function(ours)
      if not ours then return nil end
      local list = {}
      for i, size in ipairs(ours) do list[i] = size or json.null end
      return list
    end },
  axis = { write = axes(-1), read = function(given) return axes(1)(one(given)) end },
  shared_axes = { write = function(ours) return ours and axes(-1)(ours) or json.null end,
    read = function(given) return given and axes(1)(type(given) == "table" and given or { given }) end },
}, {
  __index = function(_, option)
    return option:find "_initializer$" and initializer or option:find "_regularizer$" and regularizer
      or option:find "_constraint$" and constraint or nil
  end,
})

-- === layers ===

-- What bears on training alone and is not known here.
local unknown = { "activity_regularizer" }

-- Keras 2's depthwise and separable convolutions write these, and have no such weight.
local no_kernel = { "kernel_initializer", "kernel_regularizer", "kernel_constraint" }

local last = { data_format = "channels_last" }
local written = { "data_format" }

local function conv(rank)
  return {
    aliases = { ("Convolution%dD"):format(rank) },
    options = { "filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "activation", "use_bias",
      "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer", "kernel_constraint",
      "bias_constraint" },
    fixed = { data_format = "channels_last", rank = rank },
    write = written,
    training = unknown,
  }
end

local function pool(short)
  return { aliases = { short }, options = { "pool_size", "strides", "padding" }, fixed = last, write = written }
end

local function global_pool(short)
  return { aliases = { short }, options = { "keepdims" }, fixed = last, write = written }
end

-- What LSTM and GRU have, and one more option of each.
local function recurrent(own)
  return {
    options = { "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer",
      "recurrent_initializer", "bias_initializer", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
      "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
      "return_sequences", "return_state", "go_backwards", "stateful", "unroll", own },
    training = unknown,
    free = { "seed", "implementation", "time_major", "zero_output_for_mask", "use_cudnn" },
  }
end

-- kind = {
--   layers: which options are layers themselves, and what their names in a file begin with;
--   options: what our layer takes, in the order in which Keras writes it; the names are the same;
--   called: options that Keras 2 called otherwise; this name is written, since Keras 3 knows both;
--   fixed: what our layer does in one way only, as Keras calls it; a file that asks for another is refused;
--   write: which of `fixed` is written (the others came with later versions of Keras);
--   training: what bears on training alone; reading it is worth a warning;
--   free: what makes no difference; aliases: other class names in files;
--   always_trainable: whether Keras takes no `trainable` for it.
-- }
names.layers = {
  Conv1D = conv(1),
  Conv2D = conv(2),
  DepthwiseConv2D = {
    options = { "kernel_size", "strides", "padding", "depth_multiplier", "dilation_rate", "activation", "use_bias",
      "depthwise_initializer", "bias_initializer", "depthwise_regularizer", "bias_regularizer",
      "depthwise_constraint", "bias_constraint" },
    fixed = { data_format = "channels_last", groups = 1, rank = 2 },
    write = written,
    training = unknown,
    free = no_kernel,
  },
  SeparableConv2D = {
    aliases = { "SeparableConvolution2D" },
    options = { "filters", "kernel_size", "strides", "padding", "dilation_rate", "depth_multiplier", "activation",
      "use_bias", "depthwise_initializer", "pointwise_initializer", "bias_initializer", "depthwise_regularizer",
      "pointwise_regularizer", "bias_regularizer", "depthwise_constraint", "pointwise_constraint", "bias_constraint" },
    fixed = { data_format = "channels_last", groups = 1, rank = 2 },
    write = written,
    training = unknown,
    free = no_kernel,
  },
  MaxPooling1D = pool "MaxPool1D",
  MaxPooling2D = pool "MaxPool2D",
  AveragePooling1D = pool "AvgPool1D",
  AveragePooling2D = pool "AvgPool2D",
  GlobalAveragePooling1D = global_pool "GlobalAvgPool1D",
  GlobalAveragePooling2D = global_pool "GlobalAvgPool2D",
  GlobalMaxPooling1D = global_pool "GlobalMaxPool1D",
  GlobalMaxPooling2D = global_pool "GlobalMaxPool2D",
  Flatten = { options = {}, fixed = last, write = written },
  Reshape = { options = { "target_shape" } },
  Permute = { options = { "dims" } },
  ZeroPadding1D = { options = { "padding" }, fixed = last },
  ZeroPadding2D = { options = { "padding" }, fixed = last, write = written },
  Cropping1D = { options = { "cropping" } },
  Cropping2D = { options = { "cropping" }, fixed = last, write = written },
  Dense = {
    options = { "units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
      "bias_regularizer", "kernel_constraint", "bias_constraint" },
    training = unknown,
  },
  BatchNormalization = {
    aliases = { "BatchNormalizationV1", "BatchNormalizationV2" },
    options = { "axis", "momentum", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer",
      "moving_mean_initializer", "moving_variance_initializer", "beta_regularizer", "gamma_regularizer",
      "beta_constraint", "gamma_constraint" },
    fixed = { renorm = false, synchronized = false },
    training = unknown,
    free = { "fused", "renorm_momentum", "renorm_clipping" },
  },
  LayerNormalization = {
    options = { "axis", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer", "beta_regularizer",
      "gamma_regularizer", "beta_constraint", "gamma_constraint" },
    fixed = { rms_scaling = false },
    training = unknown,
  },
  Dropout = { options = { "rate", "noise_shape" }, free = { "seed" } },
  SpatialDropout1D = { options = { "rate" }, free = { "seed" }, always_trainable = true },
  SpatialDropout2D = { options = { "rate" }, fixed = last, free = { "seed" }, always_trainable = true },
  GaussianNoise = { options = { "stddev" }, free = { "seed" } },
  Activation = { options = { "activation" } },
  ReLU = { options = { "max_value", "negative_slope", "threshold" } },
  LeakyReLU = { options = { "negative_slope" }, called = { negative_slope = "alpha" } },
  PReLU = {
    options = { "alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes" },
    training = unknown,
  },
  ELU = { options = { "alpha" } },
  Softmax = { options = { "axis" } },
  LSTM = recurrent "unit_forget_bias",
  GRU = recurrent "reset_after",
  Add = { options = {} },
  Subtract = { options = {} },
  Multiply = { options = {} },
  Average = { options = {} },
  Maximum = { options = {} },
  Minimum = { options = {} },
  Concatenate = { options = { "axis" } },
  Bidirectional = {
    options = { "merge_mode", "layer", "backward_layer" },
    layers = { layer = "forward_", backward_layer = "backward_" },
  },
}

--- kind of every class name that a file may hold; inputs are "InputLayer".
names.kind_of = { InputLayer = "InputLayer" }
for class, kind in pairs(dialect.cudnn) do names.kind_of[class] = kind end
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
