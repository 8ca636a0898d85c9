--- Digests of nets that hold every kind of layer, for spec/checksum_spec.lua: of the weights after 3 steps and of what
-- the net then predicts, one line a net and number of threads. The lines without their threads stand in
-- spec/golden/zoo.json. (The batch is one that needs no BLAS: its bits are the machine's.)
local lubdub = require "lubdub"
local core = require "lubdub.core"

local L, Tensor = lubdub.layers, lubdub.Tensor
local batch, classes = 7, 3

-- Layers one behind the other.
local function chain(x, list)
  for _, layer in ipairs(list) do x = layer(x) end
  return x
end

local nets = {}

function nets.windows()
  local x = L.Input { 19, 17, 6 }
  return x, chain(x, {
    L.ZeroPadding2D { padding = { { 1, 0 }, { 0, 2 } } },
    L.Conv2D { filters = 10, kernel_size = 3, padding = "same", activation = "gelu" },
    L.Conv2D { filters = 12, kernel_size = { 3, 2 }, groups = 2, activation = "silu" },
    L.BatchNormalization { momentum = 0.9 },
    L.DepthwiseConv2D { kernel_size = 3, depth_multiplier = 2, padding = "same", activation = "elu" },
    L.SpatialDropout2D { rate = 0.3 },
    L.AveragePooling2D { pool_size = 3, strides = 2, padding = "same" },
    L.SeparableConv2D { filters = 9, kernel_size = 3, dilation_rate = 2, padding = "same", activation = "selu" },
    L.PReLU { shared_axes = { 2, 3 } },
    L.Conv2D { filters = 8, kernel_size = 5, strides = 2, padding = "same", activation = "softplus" },
    L.Cropping2D { cropping = { { 1, 0 }, { 0, 1 } } },
    L.LayerNormalization {},
    L.MaxPooling2D { pool_size = 2, strides = 1 },
    L.LeakyReLU {},
    L.Permute { dims = { 2, 1, 3 } },
    L.GlobalMaxPooling2D {},
    L.Dense { units = classes, activation = "softmax" },
  }), { 19, 17, 6 }, "categorical_crossentropy", lubdub.optimizers.AdamW { clipnorm = 1.0 }
end

function nets.series()
  local x = L.Input { 24, 5 }
  return x, chain(x, {
    L.GaussianNoise { stddev = 0.2 },
    L.ZeroPadding1D { padding = { 1, 2 } },
    L.Conv1D { filters = 9, kernel_size = 4, padding = "causal", dilation_rate = 2, activation = "tanh" },
    L.AveragePooling1D { pool_size = 2, strides = 1, padding = "same" },
    L.SpatialDropout1D { rate = 0.2 },
    L.Cropping1D { cropping = { 1, 1 } },
    L.MaxPooling1D { pool_size = 2 },
    L.Bidirectional { layer = L.LSTM { units = 6, return_sequences = true }, merge_mode = "concat" },
    L.GRU { units = 7, return_sequences = true },
    L.Softmax {},
    L.GRU { units = 5, reset_after = false, go_backwards = true, return_sequences = true },
    L.LSTM { units = 6, activation = "softsign", recurrent_activation = "hard_sigmoid", return_sequences = true },
    L.ELU { alpha = 0.5 },
    L.Flatten {},
    L.Dropout { rate = 0.25 },
    L.Dense { units = classes, activation = "sigmoid" },
  }), { 24, 5 }, "binary_crossentropy", lubdub.optimizers.RMSprop { centered = true, momentum = 0.5 }
end

function nets.branches()
  local x = L.Input { 12, 8 }
  local function conv(from, activation)
    return L.Conv1D { filters = 8, kernel_size = 3, padding = "same", activation = activation } (from)
  end
  local a, b = conv(x, "relu6"), conv(x, "exponential")
  local sum = L.Add {} { x, a, b }
  local product = L.Multiply {} { L.Subtract {} { a, b }, L.Average {} { sum, x } }
  local both = L.Concatenate {} { L.Maximum {} { product, sum }, L.Minimum {} { a, product } }
  local image = L.Reshape { target_shape = { 12, 4, -1 } } (L.ReLU { max_value = 3, negative_slope = 0.1 } (both))
  local y = L.Concatenate {} { L.GlobalAveragePooling2D {} (image), L.GlobalAveragePooling1D {} (both),
    L.GlobalMaxPooling1D {} (L.Activation { activation = "leaky_relu" } (sum)) }
  return x, L.Dense { units = classes } (y), { 12, 8 }, "huber",
    lubdub.optimizers.SGD { momentum = 0.9, nesterov = true, weight_decay = 0.01 }
end

local function digest_of(tensors)
  local parts = {}
  for _, tensor in ipairs(tensors) do
    for _, value in ipairs(tensor:reshape { -1 }:totable()) do parts[#parts + 1] = ("<f"):pack(value) end
  end
  return core.fingerprint.digest(table.concat(parts))
end

local seen = { Input = true }
local function train(net)
  local x, y, shape, loss, optimizer = nets[net]()
  local model = lubdub.Model { inputs = x, outputs = y, seed = 7 }
  for _, layer in ipairs(model.layers) do seen[layer.kind] = true end
  model:compile { optimizer = optimizer, loss = loss }
  local labels = {}
  for i = 1, batch do labels[i] = i % classes + 1 end
  local targets = lubdub.to_categorical(labels, classes)
  for step = 1, 3 do
    model:train_on_batch(Tensor.randn { batch, shape[1], shape[2], shape[3], seed = step }, targets)
  end
  local tensors = model:get_weights()
  tensors[#tensors + 1] = model:predict(Tensor.randn { batch, shape[1], shape[2], shape[3], seed = 99 })
  return digest_of(tensors)
end

for _, net in ipairs { "windows", "series", "branches" } do
  for threads = 1, 4 do
    lubdub.set_num_threads(threads)
    print(net, threads, train(net))
  end
end
for _, kind in ipairs(core.layers.names()) do
  if not seen[kind] then print("no net of the zoo has a " .. kind) end
end
