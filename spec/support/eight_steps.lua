--- Digests of all weights after 8 steps of Adam, for spec/checksum_spec.lua: one line a net and number of threads.
-- The lines without their threads stand in spec/golden/eight_steps.json.
local lubdub = require "lubdub"
local core = require "lubdub.core"

local L = lubdub.layers

local nets = {}
function nets.notebook()
  local list = {}
  for _, block in ipairs { { 16, 0.2 }, { 32, 0.2 }, { 128, 0.5 } } do
    list[#list + 1] = L.Conv2D { filters = block[1], kernel_size = 2, activation = "relu" }
    list[#list + 1] = L.MaxPooling2D {}
    list[#list + 1] = L.Dropout { rate = block[2] }
  end
  return list
end
function nets.batchnorm()
  local list = {}
  for _, filters in ipairs { 8, 20 } do
    list[#list + 1] = L.Conv2D { filters = filters, kernel_size = 3, padding = "same" }
    list[#list + 1] = L.BatchNormalization {}
    list[#list + 1] = L.Activation { activation = "relu" }
    list[#list + 1] = L.MaxPooling2D {}
    list[#list + 1] = L.Dropout { rate = 0.2 }
  end
  return list
end

local function digest_of(layers)
  local parts = {}
  for _, layer in ipairs(layers) do
    for _, weight in ipairs(layer:weights()) do
      local flat = weight.value:reshape { -1 }:totable()
      for _, value in ipairs(flat) do parts[#parts + 1] = ("<f"):pack(value) end
    end
  end
  return core.fingerprint.digest(table.concat(parts))
end

local function train(net)
  local layers, shape, batch = nets[net](), { 40, 173, 1 }, 21
  layers[#layers + 1] = L.GlobalAveragePooling2D()
  layers[#layers + 1] = L.Dense { units = 5, activation = "softmax" }
  for i, layer in ipairs(layers) do shape = layer:build(shape, i) end
  local trainer = core.Trainer { layers = layers, input_shape = { 40, 173, 1 }, loss = "categorical_crossentropy",
    optimizer = core.optimizers.Adam {}, seed = 42 }
  local classes = {}
  for i = 1, batch do classes[i] = i % 5 + 1 end
  local y = lubdub.to_categorical(classes, 5)
  for step = 1, 8 do
    trainer:begin_step(lubdub.Tensor.rand { batch, 40, 173, 1, seed = step }, y)
    while not trainer:advance() do end
  end
  return digest_of(layers)
end

for _, net in ipairs { "notebook", "batchnorm" } do
  for threads = 1, 4 do
    lubdub.set_num_threads(threads)
    print(net, threads, train(net))
  end
end
