--- Batch sources: where `fit` gets its batches from.
-- A source is a function of (epoch, seed) that returns an iterator of x, y, sample weights (or no weights):
-- augmentation, mixup, data larger than memory. `fit` wraps a pair of tensors as one. The batches of an
-- epoch are a function of (seed, epoch) alone, so that a resumed training sees the same ones.
-- A source may also be a callable table with a field `steps`, the number of batches per epoch.
-- @module lubdub.batches
local Tensor = require("lubdub.core").Tensor
local mix = require("lubdub.seed").mix

local batches = {}

--- How many rows a tensor has, or each of a list of them.
function batches.rows(x) return (type(x) == "table" and x[1] or x):shape(1) end

-- What `make` gives for a tensor, for a list of them: then it gives lists.
local function for_each(make)
  return function(x)
    if type(x) ~= "table" then return make(x) end
    local parts = {}
    for i, tensor in ipairs(x) do parts[i] = make(tensor) end
    return function(...)
      local list = {}
      for i, part in ipairs(parts) do list[i] = part(...) end
      return list
    end
  end
end

-- Gathers rows into buffers that are used again and again; the last, smaller batch has its own.
local gatherer = for_each(function(tensor)
  if not tensor then return function() end end
  local shape, buffers = tensor:shape(), {}
  return function(rows)
    local n = #rows
    local buffer = buffers[n]
    if not buffer then
      buffer = Tensor.zeros(table.move(shape, 2, #shape, 2, { n }))
      buffers[n] = buffer
    end
    return tensor:take(rows, { out = buffer })
  end
end)

local slicer = for_each(function(tensor)
  if not tensor then return function() end end
  return function(first, last) return tensor:slice(1, first, last) end
end)

--- The rows from `first` to `last` of a tensor, or of each of a list.
function batches.slice(x, first, last) return slicer(x)(first, last) end

-- The source of shuffled batches: pass p goes through the rows in the order of seed mix(seed, p).
local function shuffled(x, y, w, n, size)
  local RandomState = require("lubdub.random").RandomState
  local take_x, take_y, take_w = gatherer(x), gatherer(y), gatherer(w)
  local rows, few = {}, {}
  return function(pass, seed)
    local order = RandomState(mix(seed, pass)):permutation(n)
    return function(batch)
      local first, last = (batch - 1) * size + 1, math.min(batch * size, n)
      local list = last - first + 1 == size and rows or few
      table.move(order, first, last, 1, list)
      return take_x(list), take_y(list), take_w(list)
    end
  end
end

local function in_order(x, y, w, n, size)
  local slice_x, slice_y, slice_w = slicer(x), slicer(y), slicer(w)
  return function()
    return function(batch)
      local first, last = (batch - 1) * size + 1, math.min(batch * size, n)
      return slice_x(first, last), slice_y(first, last), slice_w(first, last)
    end
  end
end

--- Wraps tensors as a batch source.
-- With `steps`, an epoch has that many batches and the next epoch goes on where it ended, until a pass over
-- the rows is complete; what is left of a pass at its end makes a shorter epoch, as in Keras.
-- @param x (n, ...), a tensor or a list of them
-- @tparam ?lubdub.Tensor y (n, ...)
-- @tparam ?lubdub.Tensor w (n)
-- @tparam table options `batch_size` (default 32), `shuffle` (default true), `steps` (default: all batches)
-- @treturn table the source, with the field `steps`
function batches.of_tensors(x, y, w, options)
  options = require("lubdub.options").read("batches.of_tensors", options,
    { batch_size = false, shuffle = true, steps = false })
  local n = batches.rows(x)
  local size = options.batch_size or options.steps and math.ceil(n / options.steps) or 32
  local count = math.ceil(n / size)
  local steps = options.steps or count
  local epochs_per_pass = math.ceil(count / steps)
  local start = (options.shuffle and shuffled or in_order)(x, y, w, n, size)

  local function epoch_batches(_, epoch, seed)
    local batch_of = start((epoch - 1) // epochs_per_pass + 1, seed)
    local batch = (epoch - 1) % epochs_per_pass * steps
    local last = math.min(batch + steps, count)
    return function()
      if batch == last then return nil end
      batch = batch + 1
      return batch_of(batch)
    end
  end

  return setmetatable({ steps = steps }, {
    __call = epoch_batches,
    __tostring = function()
      return ("batch source: %d rows in batches of %d%s"):format(n, size, options.shuffle and ", shuffled" or "")
    end,
  })
end

--- Whether `value` can serve as a batch source.
function batches.is_source(value)
  if type(value) == "function" then return true end
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

return batches
