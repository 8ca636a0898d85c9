--- Digests of random convolutions, for spec/checksum_spec.lua: weights after 3 steps, and what the nets then predict.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local nets = require "support.nets"

local function append(parts, tensor)
  for _, value in ipairs(tensor:reshape { -1 }:totable()) do parts[#parts + 1] = ("<f"):pack(value) end
end

local function digest_of(seed)
  local layers, shape = nets.conv_blocks(seed)
  local trainer = core.Trainer { layers = layers, input_shape = shape, loss = "categorical_crossentropy",
    optimizer = core.optimizers.Adam {}, seed = seed }
  for step = 1, 3 do
    local x, y, w = nets.batch(5, shape, 3, seed + step)
    trainer:begin_step(x, y, w)
    nets.run(trainer)
  end
  local parts = {}
  for _, copies in ipairs(nets.weights(layers)) do
    for _, weight in ipairs(copies) do append(parts, weight) end
  end
  local x = nets.batch(3, shape, 3, seed)
  trainer:begin_predict(x)
  nets.run(trainer)
  local whole = trainer:outputs():clone()
  append(parts, whole)
  for row = 1, 3 do -- the threads share a single sample
    trainer:begin_predict((x:slice(1, row, row)))
    nets.run(trainer)
    assert(trainer:outputs():equal((whole:slice(1, row, row))), "a batch of one differs, seed " .. seed)
  end
  return core.fingerprint.digest(table.concat(parts))
end

for threads = 1, 4 do
  lubdub.set_num_threads(threads)
  for seed = 1, 40 do print("blocks" .. seed, threads, digest_of(seed)) end
end
