--- Saves models for keras_opens.py: every layer with every form of its options, compiled and not, and two that
-- Keras itself saved and lubdub read. Beside each NAME.h5 lies a NAME.json with what lubdub predicts.
-- usage: lua5.4 spec/interop/write_models.lua FOLDER     (from the repository's root, after make)
package.path = "lua/?.lua;lua/?/init.lua;spec/?.lua;" .. package.path
package.cpath = "lua/?.so;" .. package.cpath

local lubdub = require "lubdub"
local json = require "dkjson"
local ramp = require "support.ramp"

local folder = assert(arg[1], "usage: write_models.lua FOLDER")
local layers, Sequential = lubdub.layers, lubdub.Sequential

local function write(name, model, format)
  local shape = { 3, table.unpack(model.input_shape) }
  local expected = { input_shape = shape, predictions = model:predict(ramp(shape)):totable() }
  if model.optimizer then expected.optimizer, expected.loss = model.optimizer.kind, model.loss_function.name end
  local path = folder .. "/" .. name
  assert(model:save(path .. (format or ".h5")))
  local file <close> = assert(io.open(path .. ".json", "w"))
  assert(file:write(json.encode(expected)))
end

local function compiled(model, optimizer)
  model:compile { optimizer = optimizer, loss = "categorical_crossentropy", metrics = { "accuracy" } }
  return model
end

local notebook = {
  layers.Input { 40, 173, 1 },
  layers.Conv2D { filters = 16, kernel_size = 2, activation = "relu" },
  layers.MaxPooling2D { pool_size = 2 },
  layers.Dropout { rate = 0.2 },
  layers.Conv2D { filters = 32, kernel_size = 2, activation = "relu" },
  layers.MaxPooling2D { pool_size = 2 },
  layers.Dropout { rate = 0.2 },
  layers.Conv2D { filters = 128, kernel_size = 2, activation = "relu" },
  layers.MaxPooling2D { pool_size = 2 },
  layers.Dropout { rate = 0.5 },
  layers.GlobalAveragePooling2D(),
  layers.Dense { units = 5, activation = "softmax" },
}
lubdub.set_seed(3)
local model = compiled(Sequential(notebook), "adam")
model.labels = { "artifact", "extrahls", "extrastole", "murmur", "sch\u{f6}n" }
model.preprocessing = {
  { name = "mfcc", options = { sr = 22050, n_mfcc = 40, top_db = false } },
  { name = "center", options = { mean = lubdub.Tensor.arange(40) } },
}
write("notebook", model)

write("every_layer", compiled(Sequential {
  layers.Input { 9, 11, 2 },
  layers.Conv2D { filters = 3, kernel_size = { 3, 2 }, strides = { 2, 1 }, padding = "same", activation = "tanh",
    bias_initializer = "ones" },
  layers.Activation { activation = "relu" },
  layers.MaxPooling2D { pool_size = { 2, 3 }, strides = { 1, 2 }, padding = "same" },
  layers.Conv2D { filters = 4, kernel_size = 2, dilation_rate = 2, use_bias = false },
  layers.Activation { activation = "sigmoid" },
  layers.Conv2D { filters = 3, kernel_size = 1, trainable = false },
  layers.Flatten(),
  layers.Dense { units = 7, activation = false, use_bias = false },
  layers.Dense { units = 3, activation = "softmax", kernel_initializer = "glorot_uniform" },
}, lubdub.optimizers.SGD { learning_rate = 0.05 }))

local objects = Sequential {
  layers.Input { 5 },
  layers.Dense { units = 4, activation = "tanh", kernel_initializer = { "random_normal", stddev = 0.3, seed = 2 },
    bias_initializer = lubdub.initializers.Constant(0.25), kernel_regularizer = lubdub.regularizers.L2(0.01),
    kernel_constraint = lubdub.constraints.MaxNorm(0.5), bias_constraint = "non_neg" },
  layers.Dense { units = 3, activation = "softmax", kernel_initializer = lubdub.initializers.Orthogonal(2),
    kernel_regularizer = { "l1_l2", l1 = 0.01, l2 = 0.02 }, bias_regularizer = "l1",
    kernel_constraint = { "min_max_norm", min_value = 0.5, rate = 0.75, axis = { 1, -1 } } },
}
objects:compile {
  optimizer = lubdub.optimizers.AdamW { learning_rate = lubdub.optimizers.schedules.CosineDecay {
    initial_learning_rate = 0.01, decay_steps = 100, warmup_target = 0.1, warmup_steps = 5 }, global_clipnorm = 1.0 },
  loss = lubdub.losses.CategoricalCrossentropy { label_smoothing = 0.1 },
  metrics = { "accuracy", lubdub.metrics.AUC { curve = "PR" }, lubdub.metrics.Precision { class_id = 3 },
    lubdub.metrics.F1Score { average = "macro" } }, weighted_metrics = { "mse" },
}
write("objects", objects)
for _, kind in ipairs { "SGD", "RMSprop", "Adam" } do
  write("optimizer_" .. kind, compiled(Sequential {
    layers.Input { 5 }, layers.Dense { units = 3, activation = "softmax" },
  }, lubdub.optimizers[kind] { weight_decay = 0.01, clipvalue = 1 }))
end

write("uncompiled", Sequential {
  layers.Input { 5 },
  layers.Dense { units = 2, activation = "sigmoid", name = "only" },
})

write("time", Sequential {
  layers.Input { 20, 4 },
  layers.Conv1D { filters = 6, kernel_size = 3, padding = "causal", activation = "gelu" },
  layers.LayerNormalization { epsilon = 1e-4 },
  layers.MaxPooling1D {},
  layers.SpatialDropout1D { rate = 0.2 },
  layers.ZeroPadding1D { padding = { 1, 2 } },
  layers.Conv1D { filters = 4, kernel_size = 2, strides = 2, groups = 2, use_bias = false },
  layers.PReLU { shared_axes = { 2 }, alpha_initializer = "ones" },
  layers.AveragePooling1D { pool_size = 3, strides = 1, padding = "same" },
  layers.Cropping1D { cropping = { 1, 0 } },
  layers.GaussianNoise { stddev = 0.1 },
  layers.Permute { 2, 1 },
  layers.LeakyReLU { negative_slope = 0.15 },
  layers.GlobalMaxPooling1D { keepdims = true },
  layers.Reshape { -1, 5 },
  layers.GlobalAveragePooling1D(),
  layers.Dense { units = 5, activation = "swish" },
  layers.Dense { units = 3 },
  layers.Softmax(),
})

write("images", Sequential {
  layers.Input { 9, 8, 2 },
  layers.ZeroPadding2D { padding = { { 1, 0 }, { 0, 2 } } },
  layers.Conv2D { filters = 4, kernel_size = 2, activation = "leaky_relu" },
  layers.DepthwiseConv2D { kernel_size = 3, padding = "same", depth_multiplier = 2, activation = "relu6" },
  layers.ReLU { max_value = 4, negative_slope = 0.1 },
  layers.SpatialDropout2D { rate = 0.3 },
  layers.AveragePooling2D { padding = "same" },
  layers.SeparableConv2D { filters = 5, kernel_size = 2, activation = "softsign" },
  layers.ELU { alpha = 0.7 },
  layers.Cropping2D { cropping = { { 0, 1 }, { 1, 0 } } },
  layers.PReLU {},
  layers.LayerNormalization { center = false, scale = false },
  layers.GlobalMaxPooling2D { keepdims = true },
  layers.GlobalAveragePooling2D(),
  layers.Dense { units = 4, activation = "hard_sigmoid" },
  layers.Dense { units = 3, activation = "softmax" },
})

for _, name in ipairs { "notebook_net", "every_layer", "layers_1d", "layers_2d" } do
  write("golden_" .. name, assert(lubdub.load_model("spec/golden/" .. name .. ".h5")))
end

write("recurrent", compiled(Sequential {
  layers.Input { 7, 3 },
  layers.Bidirectional { layers.GRU { units = 4, return_sequences = true, dropout = 0.2 }, merge_mode = "sum" },
  layers.Bidirectional(layers.LSTM { units = 5, return_sequences = true, activation = "relu" }),
  layers.Bidirectional {
    layers.LSTM { units = 5, return_sequences = true, recurrent_regularizer = "l1" }, merge_mode = "ave",
    backward_layer = layers.GRU { units = 5, return_sequences = true, reset_after = false, go_backwards = true },
  },
  layers.GRU { units = 3, use_bias = false, return_sequences = true, go_backwards = true, reset_after = false },
  layers.LSTM { units = 4, unit_forget_bias = false, recurrent_initializer = "glorot_uniform" },
  layers.Dense { units = 3, activation = "softmax" },
}, "adam"))

-- Keras reads no list of axes from .h5 files.
write("axes", compiled(Sequential {
  layers.Input { 5, 6, 3 },
  layers.Conv2D { filters = 4, kernel_size = 2 },
  layers.BatchNormalization { axis = 2, momentum = 0.9 },
  layers.LayerNormalization { axis = { 3, -3 }, epsilon = 0.01 },
  layers.Dropout { rate = 0.2, noise_shape = { false, 1, false, 4 } },
  layers.Softmax { axis = 3 },
  layers.BatchNormalization { axis = -2, center = false },
  layers.LayerNormalization { axis = 2, scale = false },
  layers.Softmax { axis = { 2, 4 } },
  layers.LayerNormalization { axis = { 4, 2, 3 } },
  layers.Dropout { rate = 0.3, noise_shape = { 1, 4, 5, 1 } },
  layers.Flatten(),
  layers.Dense { units = 3, activation = "softmax" },
}, "adam"), ".keras")

-- Graphs: a residual net, and one whose layer stands in it twice.
local x = layers.Input { 6, 7, 2 }
local y = layers.BatchNormalization()(layers.Conv2D { filters = 3, kernel_size = 3, padding = "same" }(x))
y = layers.ReLU()(layers.Add()({ y, layers.Conv2D { filters = 3, kernel_size = 1 }(x) }))
y = layers.Concatenate { axis = 2 }({ y, layers.AveragePooling2D { pool_size = { 2, 1 } }(y) })
y = layers.GlobalMaxPooling2D()(y)
write("residual", compiled(lubdub.Model { inputs = x, outputs = layers.Dense { units = 3, activation = "softmax" }(y) },
  "sgd"))

local sequence, dense = layers.Input { 5, 4, name = "sequence" }, layers.Dense { units = 4, activation = "tanh" }
local once = dense(sequence)
local twice = dense(layers.Multiply()({ once, sequence }))
local joined = layers.Average()({ layers.Maximum()({ once, twice }), layers.Subtract()({ twice, sequence }) })
write("shared", lubdub.Model { inputs = sequence, name = "shared",
  outputs = layers.Dense { units = 2 }(layers.LSTM { units = 3 }(layers.Minimum()({ joined, once }))) })
