-- Convolutions of all shapes beside PyTorch: does any of them fall off a cliff?
--   lua5.4 bench/shapes.lua [CELLS] [THREADS] [ROUNDS] [SEED]     240, 2, 7, 1
-- A cell is a whole training step (forward, backward, SGD) of convolution + relu + pool + global average + Dense over a
-- small batch. Where it has 8 channels or more, a convolution of one pixel stands in front, so that the gradient of its
-- input is wanted, as it is within a net. The peer runs in one Python process (bench/shapes.py; `make peers`; PYTHON
-- says which interpreter), in the faster of its two layouts. Times are medians of alternating runs; the ratio is
-- PyTorch's over lubdub's. The peer's threads go on spinning for 0.2 s when it has done; lubdub's turns wait for that.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"
local core = require "lubdub.core"
local json = require "dkjson"

local count, threads = tonumber(arg[1]) or 240, tonumber(arg[2]) or 2
local rounds, seed = tonumber(arg[3]) or 7, tonumber(arg[4]) or 1
local python = os.getenv "PYTHON" or here .. ".peers/bin/python"
lubdub.set_num_threads(threads)
math.randomseed(seed)

-- === cells ===

local function one_of(list) return list[math.random(#list)] end
local function span(size, kernel, stride, dilation, padding)
  if padding == "same" then return (size + stride - 1) // stride end
  return (size - dilation * (kernel - 1) - 1) // stride + 1
end
local function product(list)
  local n = 1
  for _, value in ipairs(list) do n = n * value end
  return n
end

-- The work of one sample's forward pass, in multiply-adds, is near this.
local WORK = 6e6
local wide = { 1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 24, 31, 32, 33, 48, 64, 64, 96, 100, 128, 128, 192, 256, 256 }

-- The sizes behind the convolution and behind the pool; nil where one of them does not fit.
local function measure(cell)
  cell.after = {}
  for i, size in ipairs(cell.sizes) do
    cell.after[i] = span(size, cell.kernel[i], cell.stride, cell.dilation, cell.padding)
    if cell.after[i] < 1 then return nil end
    if cell.pool > 0 and span(cell.after[i], cell.pool, cell.pool_stride, 1, cell.pool_padding) < 1 then return nil end
  end
  return cell
end

local function random_cell()
  local cell = { rank = math.random(5) == 1 and 1 or 2, batch = 16, dilation = 1, stride = 1, groups = 1 }
  local k = math.random(7)
  cell.kernel = {}
  for i = 1, cell.rank do cell.kernel[i] = math.random(8) == 1 and math.random(7) or k end
  cell.kind = cell.rank == 2 and one_of { "conv", "conv", "conv", "conv", "conv", "conv", "depthwise", "separable" }
    or "conv"
  cell.channels, cell.filters = one_of(wide), one_of(wide)
  if math.random(2) == 1 then cell.stride = 2
  elseif math.random(4) == 1 then cell.dilation = 2 end
  if cell.kind == "conv" and math.random(6) == 1 then
    cell.groups = one_of { 2, 3, 4, 8 }
    cell.channels, cell.filters = cell.groups * math.random(24), cell.groups * math.random(24)
  end
  cell.padding = one_of { "same", "valid" }
  cell.pool = one_of { 0, 2, 2, 3 }
  cell.pool_kind, cell.pool_stride, cell.pool_padding = "max", cell.pool, "valid"
  if cell.pool > 0 and math.random(3) == 1 then
    cell.pool_kind, cell.pool_stride = one_of { "max", "average" }, math.random(3)
    cell.pool_padding = one_of { "same", "valid" }
  end
  cell.front = cell.channels >= 8 and 3 or false
  local taps = product(cell.kernel)
  local terms = cell.kind == "conv" and taps * cell.channels * cell.filters // cell.groups
    or taps * cell.channels + (cell.kind == "separable" and cell.channels * cell.filters or 0)
  local pixels = math.max(9, math.min(WORK / terms, 4096, 2e5 / math.max(cell.channels, cell.filters)))
  cell.sizes = {}
  for i = 1, cell.rank do
    local side = cell.rank == 1 and pixels or math.sqrt(pixels)
    cell.sizes[i] = math.max(3, math.floor(side * cell.stride * (0.7 + 0.6 * math.random()) + 0.5))
  end
  return measure(cell) or random_cell()
end

-- Cells that people ask for by name, in front of the random ones.
local function named_cell(t)
  local cell = { rank = 2, batch = 16, kind = "conv", dilation = 1, stride = 1, groups = 1, padding = "same", pool = 0,
    pool_kind = "max", pool_stride = 2, pool_padding = "valid" }
  for name, value in pairs(t) do cell[name] = value end
  cell.front = cell.channels >= 8 and 3 or false
  return measure(cell)
end
local named = {
  { sizes = { 64, 64 }, channels = 1, filters = 32, kernel = { 7, 7 }, stride = 2, pool = 3, pool_padding = "same" },
  { sizes = { 64, 64 }, channels = 3, filters = 64, kernel = { 7, 7 }, stride = 2, pool = 3, pool_padding = "same" },
  { sizes = { 7, 7 }, channels = 256, filters = 256, kernel = { 3, 3 } },
  { sizes = { 14, 14 }, channels = 256, filters = 256, kernel = { 3, 3 }, stride = 2 },
  { sizes = { 14, 14 }, channels = 256, filters = 256, kernel = { 1, 1 } },
  { sizes = { 14, 14 }, channels = 256, filters = 64, kernel = { 1, 1 } },
  { sizes = { 28, 28 }, channels = 64, filters = 128, kernel = { 1, 1 }, stride = 2 },
  { sizes = { 3, 3 }, channels = 128, filters = 128, kernel = { 3, 3 } },
  { sizes = { 28, 28 }, channels = 64, filters = 64, kernel = { 3, 3 }, pool = 2 },
  { sizes = { 14, 14 }, channels = 128, filters = 128, kernel = { 3, 3 } },
  { sizes = { 14, 14 }, channels = 128, filters = 256, kernel = { 3, 3 }, pool = 2 },
  { sizes = { 7, 7 }, channels = 256, filters = 256, kernel = { 3, 3 }, padding = "valid", pool = 2 },
  { sizes = { 28, 28 }, channels = 96, filters = 96, kernel = { 3, 3 }, kind = "depthwise" },
  { sizes = { 28, 28 }, channels = 64, filters = 128, kernel = { 3, 3 }, kind = "separable" },
}

local function cell_text(c)
  local parts = {}
  local function add(...) parts[#parts + 1] = string.format(...) end
  add("%-9s %-8s %3d%s", c.kind, table.concat(c.sizes, "x"), c.channels,
    c.kind == "depthwise" and "     " or ("->%-3d"):format(c.filters))
  add("kernel %-4s", table.concat(c.kernel, "x"))
  if c.stride > 1 then add("stride %d", c.stride) end
  if c.dilation > 1 then add("dilation %d", c.dilation) end
  if c.groups > 1 then add("groups %d", c.groups) end
  add("%s", c.padding)
  if c.pool > 0 then
    add("%s %d", c.pool_kind, c.pool)
    if c.pool_stride ~= c.pool or c.pool_padding ~= "valid" then add("by %d %s", c.pool_stride, c.pool_padding) end
  end
  return table.concat(parts, " ")
end

-- === a cell's net, and the step that is timed ===

local function make_step(c)
  local L, suffix = lubdub.layers, c.rank .. "D"
  local shape = { table.unpack(c.sizes) }
  shape[#shape + 1] = c.front or c.channels
  local list = { L.Input(shape) }
  local function add(layer) list[#list + 1] = layer end
  if c.front then add(L["Conv" .. suffix] { filters = c.channels, kernel_size = 1, activation = "relu" }) end
  local o = { kernel_size = c.kernel, strides = c.stride, dilation_rate = c.dilation, padding = c.padding,
    activation = "relu" }
  if c.kind ~= "depthwise" then o.filters = c.filters end
  if c.kind == "conv" then o.groups = c.groups end
  add(L[({ conv = "Conv", depthwise = "DepthwiseConv", separable = "SeparableConv" })[c.kind] .. suffix](o))
  if c.pool > 0 then
    add(L[(c.pool_kind == "max" and "MaxPooling" or "AveragePooling") .. suffix] { pool_size = c.pool,
      strides = c.pool_stride, padding = c.pool_padding })
  end
  add(L["GlobalAveragePooling" .. suffix]())
  add(L.Dense { units = 5, activation = "softmax" })
  local model = lubdub.Sequential(list)
  model:compile { optimizer = lubdub.optimizers.SGD { learning_rate = 0.01 }, loss = "categorical_crossentropy" }
  model:ensure_trainer()
  local dims, classes = { c.batch, table.unpack(shape) }, {}
  dims.seed = 1
  for i = 1, c.batch do classes[i] = i % 5 + 1 end
  local x, y, trainer = lubdub.Tensor.randn(dims), lubdub.to_categorical(classes, 5), model.trainer
  return function()
    local started = core.clock()
    trainer:begin_step(x, y)
    while not trainer:advance() do end
    return core.clock() - started
  end
end

-- === beside the peer, whose answers come through a file that the pipe's other end writes line by line ===

local answers = os.tmpname()
os.remove(answers)
assert(os.execute("mkfifo " .. answers))
local ask = assert(io.popen(("%s %sbench/shapes.py %d > %s"):format(python, here, threads, answers), "w"))
local answer = assert(io.open(answers))
local function peer(line)
  ask:write(line, "\n")
  ask:flush()
  return (assert(answer:read "l", "the peer has gone"))
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local TURNS = 2
local cells = {}
for i = 1, count do cells[i] = named[i] and named_cell(named[i]) or random_cell() end
print(("%d cells, batch 16, %d threads, %s kernels, medians of %d alternating runs"):format(#cells, threads,
  (lubdub.cpu()), rounds))
local only = tonumber(os.getenv "CELL") -- one cell alone, by its number
for i, c in ipairs(cells) do
  c.number = i
  if not only or only == i then
    peer("net " .. json.encode(c))
    local step, own, other = make_step(c), {}, {}
    for turn = 1, TURNS do
      local upto = rounds * turn // TURNS
      os.execute "sleep 0.25"
      local started = core.clock()
      repeat step() until core.clock() - started > 0.05 -- what slept must come to speed; the peer finds it so
      while #own < upto do own[#own + 1] = step() end
      peer "step"
      while #other < upto do other[#other + 1] = tonumber(peer "step") end
    end
    c.own, c.other = median(own), median(other)
    c.ratio = c.other / c.own
    collectgarbage()
  end
end
ask:close()
answer:close()
os.remove(answers)

table.sort(cells, function(a, b) return (a.ratio or 1e9) < (b.ratio or 1e9) end)
local slower, much, logs, n = 0, 0, 0, 0
print " ratio   lubdub   PyTorch   cell"
for _, c in ipairs(cells) do
  if c.ratio then
    print(("%6.2f %6.2f ms %6.2f ms  #%-3d %s"):format(c.ratio, c.own * 1e3, c.other * 1e3, c.number, cell_text(c)))
    if c.ratio < 1 then slower = slower + 1 end
    if c.ratio < 1 / 1.5 then much = much + 1 end
    n, logs = n + 1, logs + math.log(c.ratio)
  end
end
print(("%d cells: %d slower than PyTorch, %d by more than 1.5 times; geometric mean of the ratios %.2f"):format(n,
  slower, much, math.exp(logs / n)))
