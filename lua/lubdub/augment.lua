--- Augmentation for training: each epoch sees other versions of the same recordings.
--
--    local augment = lubdub.augment
--    local source = augment.source(train, y_train, {
--      steps = lubdub.preprocessing.steps(mfcc, { duration = 4 }),
--      augment.add_noise { snr_db = { 10, 30 } },
--      augment.time_shift { seconds = 0.2 },
--      augment.time_mask { frames = 20 },
--      augment.mixup { alpha = 0.2 },
--      batch_size = 32,
--    })
--    model:fit(source, { epochs = 50, validation_data = { x_valid, y_valid } })
--
-- Only what is given to `source` is changed: validation and test data stay what they are. What happens to a row is a
-- function of the seed, the epoch and the row alone; not of threads, of the batch size or of other rows (mixup's
-- partners are of the batch). Batches are prepared by a thread beside the training step.
--
-- An augmentation can be heard, too: `augment.pitch_shift { n_steps = 2 } (signal, { sr = 22050 })`.
-- @module lubdub.augment
-- @usage local noisy = lubdub.augment.add_noise { snr_db = 20 } (signal, { sr = sr })
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local options = require "lubdub.options"
local outward = require "lubdub.outward"
local seeds = require "lubdub.seed"

local Tensor = core.Tensor
local augment = {}

-- === augmentations: tables that csrc/lua/augment.c reads ===

local Augmentation = { __name = "lubdub.Augmentation" }
Augmentation.__index = Augmentation

function Augmentation:__tostring()
  local names, parts = {}, {}
  for name in pairs(self.options) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = self.options[name]
    if type(value) == "table" then value = ("{ %g, %g }"):format(value[1], value[2]) end
    parts[i] = ("%s = %s"):format(name, tostring(value))
  end
  return ("%s { %s }"):format(self.name, table.concat(parts, ", "))
end

local function number(where, name, value, low, high)
  if not math.type(value) or value ~= value or value < low or value > high then
    blame("%s: %s must be a number from %g to %g, got %s", where, name, low, high, tostring(value))
  end
  return value
end

local function whole(where, name, value, low, high)
  number(where, name, value, low, high)
  if math.type(value) ~= "integer" then blame("%s: %s must be a whole number, got %s", where, name, tostring(value)) end
  return value
end

-- A range { low, high }, or one number for both.
local function range(where, name, value, least, most)
  local low, high = value, value
  if type(value) == "table" then low, high = value[1], value[2] end
  if value == nil then blame("%s: option '%s' is missing", where, name) end
  number(where, name, low, least, most)
  number(where, name, high, least, most)
  if low > high then blame("%s: %s must be { low, high } with low <= high, got { %g, %g }", where, name, low, high) end
  return low, high
end

local function new(name, kind, o, fields)
  number(name, "p", o.p, 0, 1)
  return setmetatable({ name = name, domain = kind, options = o, fields = fields }, Augmentation)
end

-- An augmentation of the signal whose amount lies in a range.
local function of_signal(name, option, known, least, most, more)
  known.p, known[option] = 1, known[option] or options.none
  return function(given)
    local o = options.read(name, given, known)
    local low, high = range(name, option, o[option], least, most)
    local fields = { kind = name, low = low, high = high, p = o.p }
    if more then more(o, fields) end
    return new(name, "signal", o, fields)
  end
end

local function read_n_fft(name)
  return function(o, fields)
    whole(name, "n_fft", o.n_fft, 4, 1 << 20)
    if o.n_fft % 4 ~= 0 then blame("%s: n_fft must be a multiple of 4, got %d", name, o.n_fft) end
    fields.n_fft = o.n_fft
  end
end

--- White noise, so much weaker than the signal itself.
-- @function add_noise
-- @tparam table given snr_db (dB, a number or { low, high }), p (1: with which probability it happens)
-- @treturn Augmentation
augment.add_noise = of_signal("add_noise", "snr_db", {}, -100, 200)

--- Louder or softer.
-- @function gain
-- @tparam table given db (a number or { low, high }), p (1)
-- @treturn Augmentation
augment.gain = of_signal("gain", "db", {}, -200, 200)

--- Earlier or later, by up to so many seconds.
-- @tparam table given seconds, wrap (false: zeros come in; true: what leaves one end comes in at the other), p (1)
-- @treturn Augmentation
function augment.time_shift(given)
  local o = options.read("time_shift", given, { seconds = options.none, wrap = false, p = 1 })
  if o.seconds == nil then blame "time_shift: option 'seconds' is missing" end
  number("time_shift", "seconds", o.seconds, 0, 1e6)
  if type(o.wrap) ~= "boolean" then blame "time_shift: wrap must be true or false" end
  return new("time_shift", "signal", o,
    { kind = "time_shift", low = -o.seconds, high = o.seconds, wrap = o.wrap, p = o.p })
end

--- Faster or slower at the same pitch; cut, or filled with zeros, to the old length.
-- @function time_stretch
-- @tparam table given rate (a number or { low, high }; 2 is twice as fast), n_fft (2048), p (1)
-- @treturn Augmentation
augment.time_stretch = of_signal("time_stretch", "rate", { n_fft = 2048 }, 0.1, 10, read_n_fft "time_stretch")

--- Higher or lower at the same speed.
-- @function pitch_shift
-- @tparam table given n_steps (semitones, a number or { low, high }), n_fft (2048), p (1)
-- @treturn Augmentation
augment.pitch_shift = of_signal("pitch_shift", "n_steps", { n_fft = 2048 }, -24, 24, read_n_fft "pitch_shift")

local function mask(name, option, frequency)
  return function(given)
    local o = options.read(name, given, { [option] = options.none, count = 1, value = 0, p = 1 })
    if o[option] == nil then blame("%s: option '%s' is missing", name, option) end
    whole(name, option, o[option], 0, 1 << 24)
    whole(name, "count", o.count, 1, 1000)
    local mean = o.value == "mean"
    if not mean then number(name, "value", o.value, -1e30, 1e30) end
    return new(name, "feature", o, { frequency = frequency, most = o[option], count = o.count, mean = mean,
      value = not mean and o.value or nil, p = o.p })
  end
end

--- SpecAugment's time mask: neighbouring frames of the feature are blotted out.
-- @function time_mask
-- @tparam table given frames (a mask covers 0 .. frames of them), count (1: masks), value (0; or "mean": the
-- feature's), p (1)
-- @treturn Augmentation
augment.time_mask = mask("time_mask", "frames", false)

--- SpecAugment's frequency mask: neighbouring coefficients or bands are blotted out.
-- @function frequency_mask
-- @tparam table given bands (a mask covers 0 .. bands of them), count (1: masks), value (0; or "mean": the
-- feature's), p (1)
-- @treturn Augmentation
augment.frequency_mask = mask("frequency_mask", "bands", true)

--- Mixup (Zhang et al. 2018): each row becomes share * itself + (1 - share) * another row of its batch, its target
-- likewise; share is drawn from Beta(alpha, alpha) for every row.
-- @tparam ?table given alpha (0.2), p (1: of each row)
-- @treturn Augmentation
function augment.mixup(given)
  local o = options.read("mixup", given, { alpha = 0.2, p = 1 })
  number("mixup", "alpha", o.alpha, 1e-3, 1e3)
  return new("mixup", "batch", o, { alpha = o.alpha, p = o.p })
end

-- Advances a batch in the making to its end. In Lua, so that it may be interrupted between two steps.
local function finish(preparation)
  while not outward(preparation.advance, preparation) do end
end

--- What an augmentation makes of one signal or feature.
-- @tparam Tensor x (samples,), or for masks (coefficients, frames) or (coefficients, frames, 1)
-- @tparam ?table given sr (Hz; signals need it), seed (0), epoch (1), row (1): what the draws are a function of
-- @treturn Tensor of the same shape
function Augmentation:__call(x, given)
  local o = options.read(self.name, given, { sr = options.none, seed = 0, epoch = 1, row = 1 })
  if self.domain == "batch" then blame("%s: needs a batch; give it to augment.source", self.name) end
  local shape = check.tensor(self.name, "x", x)
  local signal = self.domain == "signal"
  if signal and #shape ~= 1 then
    blame("%s: a signal must be (samples,), got %s", self.name, check.shape_text(shape))
  end
  if not signal and #shape ~= 2 and #shape ~= 3 then
    blame("%s: a feature must be (coefficients, frames), got %s", self.name, check.shape_text(shape))
  end
  if signal and not o.sr then blame("%s: option 'sr' is missing", self.name) end
  check.finite(self.name, "x", x)
  seeds.check(self.name, o.seed)
  whole(self.name, "row", o.row, 1, 1 << 53)
  whole(self.name, "epoch", o.epoch, 1, 1 << 53)
  local out = Tensor.zeros { 1, table.unpack(shape) }
  local preparation <close> = core.augment.Preparation {
    x = x:expand_dims(1), sr = o.sr, first_row = o.row, [signal and "augmentations" or "masks"] = { self.fields },
  }
  preparation:begin({ 1 }, seeds.mix(o.seed, 0), o.epoch, out)
  finish(preparation)
  return out:reshape(shape)
end

-- === mixup's draws ===

-- Uniform numbers in (0, 1), a stream per key.
local function stream(...)
  local key, drawn = 0, 0
  for _, word in ipairs { ... } do key = seeds.mix(key, word) end
  return function()
    drawn = drawn + 1
    return (seeds.mix(key, drawn) + 0.5) / 4294967296
  end
end

-- Gamma(shape, 1) by Marsaglia and Tsang (2000).
local function gamma(uniform, shape)
  if shape < 1 then return gamma(uniform, shape + 1) * uniform() ^ (1 / shape) end
  local d = shape - 1 / 3
  local c = 1 / math.sqrt(9 * d)
  while true do
    local normal = math.sqrt(-2 * math.log(uniform())) * math.cos(2 * math.pi * uniform())
    local v = (1 + c * normal) ^ 3
    if v > 0 and math.log(uniform()) < 0.5 * normal ^ 2 + d - d * v + d * math.log(v) then return d * v end
  end
end

local function beta(uniform, alpha)
  local a, b = gamma(uniform, alpha), gamma(uniform, alpha)
  if a + b == 0 then return uniform() < 0.5 and 0 or 1 end -- both too small for a double
  return a / (a + b)
end

-- Partners (a permutation of the batch) and shares of its rows.
local function draw_mix(fields, seed, epoch, batch, rows)
  local partners = require("lubdub.random").RandomState(seeds.mix(seeds.mix(seed, epoch), batch)):permutation(#rows)
  local shares = {}
  for i, row in ipairs(rows) do
    local uniform = stream(seed, epoch, row, 0x6D6978)
    shares[i] = uniform() < fields.p and beta(uniform, fields.alpha) or 1
  end
  return partners, shares
end

-- === the source ===

local known = { plan = false, steps = false, sr = false, sample_weight = false, batch_size = 32, shuffle = true,
  seed = false, background = true }

-- Options and the augmentations by domain.
local function read(given)
  local named, lists = {}, { signal = {}, feature = {}, batch = {} }
  if type(given) ~= "table" then blame("augment.source: options must be a table, got %s", type(given)) end
  for name, value in pairs(given) do
    if math.type(name) ~= "integer" then named[name] = value end
  end
  local last
  for i, augmentation in ipairs(given) do
    if getmetatable(augmentation) ~= Augmentation then
      blame("augment.source: augmentation %d must be one of lubdub.augment's, such as augment.gain { db = 3 }, got %s",
        i, type(augmentation))
    end
    local order = ({ signal = 1, feature = 2, batch = 3 })[augmentation.domain]
    if last and order < last[1] then
      blame("augment.source: %s comes after %s: those of the signal come first, then masks, then mixup",
        augmentation.name, last[2])
    end
    last = { order, augmentation.name }
    local list = lists[augmentation.domain]
    list[#list + 1] = augmentation.fields
  end
  local o = options.read("augment.source", named, known)
  whole("augment.source", "batch_size", o.batch_size, 1, 1 << 30)
  if o.seed then seeds.check("augment.source", o.seed) end
  if o.plan and o.steps then blame "augment.source: give plan or steps, not both" end
  if #lists.batch > 1 then blame "augment.source: mixup is given twice" end
  return o, lists
end

-- The steps after the feature, as the core takes them.
local function row_steps(rest, row_shape)
  local size, list = 1, {}
  for _, n in ipairs(row_shape) do size = size * n end
  for i, step in ipairs(rest) do
    if step.name == "scale" then
      list[i] = { kind = "scale", by = step.options.by }
    elseif step.name == "standardize" then
      local per = step.options and step.options.per or "clip"
      list[i] = { kind = "standardize", size = per == "clip" and size or size // row_shape[1] }
    else
      local scaler = require("lubdub.standard_scaler").of_step(step.options)
      local mean, scale = scaler:spread(table.move(row_shape, 1, #row_shape, 2, { 1 }))
      list[i] = { kind = "affine", mean = mean, scale = scale }
    end
  end
  return list
end

-- The signals of clips (or of a tensor of them), as the steps load and treat them.
local function load_signals(x, steps)
  local preprocessing = require "lubdub.preprocessing"
  local load = preprocessing.parts(steps)
  if require("lubdub.dataset").is(x) then
    steps = require "lubdub.dataset.duration".of_steps("augment.source", x, steps)
  elseif Tensor.is(x) then
    local rows = {}
    if #x:shape() ~= 2 then
      blame("augment.source: signals must be (n, samples), got %s", check.shape_text(x:shape()))
    end
    for i = 1, #x do rows[i] = { audio = x[i], samplerate = load.sr } end
    x = rows
  end
  local signals, errors = preprocessing.signals(steps, x)
  local row, reason = next(errors)
  if row then
    for i, text in pairs(errors) do
      if i < row then row, reason = i, text end
    end
    blame("augment.source: row %d: %s", row, reason)
  end
  return signals
end

-- What the core needs, but augmentations: x, plan, sr; and the steps after the feature.
local function read_data(x, o, lists)
  if o.steps then
    local load, plan, rest = require("lubdub.preprocessing").parts(o.steps)
    return { x = load_signals(x, o.steps), plan = plan, sr = load.sr }, rest
  end
  local shape = check.tensor("augment.source", "x", x)
  local signals = o.plan or #lists.signal > 0
  local sr = o.plan and type(o.plan) == "userdata" and o.plan.sr or o.sr or nil
  if o.plan and type(o.plan) ~= "userdata" then
    blame("augment.source: plan must be a feature plan such as lubdub.MFCC{}, got %s", type(o.plan))
  end
  if signals and #shape ~= 2 then
    blame("augment.source: signals must be (n, samples), got %s", check.shape_text(shape))
  end
  if #shape < 2 then blame("augment.source: x must be (n, ...), got %s", check.shape_text(shape)) end
  if #lists.signal > 0 and not sr then blame "augment.source: option 'sr' is missing" end
  check.finite("augment.source", "x", x)
  return { x = x, plan = o.plan or nil, sr = sr }, {}
end

local function check_targets(name, t, n)
  if t == nil or t == false then return nil end
  local shape = check.tensor("augment.source", name, t)
  if shape[1] ~= n then blame("augment.source: x has %d rows and %s has %d", n, name, shape[1]) end
  check.finite("augment.source", name, t)
  return t
end

local Source = { __name = "lubdub.AugmentedSource" }
Source.__index = Source

function Source:__tostring()
  return ("batch source: %d rows in batches of %d%s, %d augmentations"):format(self.rows, self.batch_size,
    self.shuffle and ", shuffled" or "", self.augmentations)
end

-- The first `count` rows of a buffer.
local function head(buffer, count)
  return buffer:shape()[1] == count and buffer or buffer:slice(1, 1, count)
end

local function mixed(t, partners, shares, out)
  if not t then return nil end
  out = out or Tensor.zeros(t:shape())
  core.augment.mix(t, partners, shares, out)
  return out
end

--- The batches of an epoch, for `fit`. A batch is good until the next one.
-- @tparam integer epoch from 1
-- @tparam integer seed the fit's; the source's own takes its place
-- @treturn function an iterator of x, y, weights
function Source:__call(epoch, seed)
  seed = self.seed or seed
  local recipe, size, n = self.recipe, self.batch_size, self.rows
  local preparation, row_shape = self.idle, self.row_shape
  self.idle = nil
  preparation = preparation or core.augment.Preparation(recipe)
  local order = self.shuffle and require("lubdub.random").RandomState(seeds.mix(seed, epoch)):permutation(n)
  local function buffer() return Tensor.zeros { math.min(size, n), table.unpack(row_shape) } end
  local buffers, third = { buffer(), self.steps > 1 and buffer() or nil }, self.mix and buffer()
  local rows, batch = {}, 0

  -- Begins batch `at`, in the buffer that batch at - 2 had.
  local function begin(at)
    local first, last = (at - 1) * size + 1, math.min(at * size, n)
    local list = {}
    for i = first, last do list[#list + 1] = order and order[i] or i end
    rows[at] = list
    preparation:begin(list, seeds.mix(seed, 0), epoch, head(buffers[(at - 1) % 2 + 1], #list))
  end

  local function next_batch()
    if batch == self.steps then return nil end
    if batch == 0 then begin(1) end
    batch = batch + 1
    finish(preparation)
    local list = rows[batch]
    rows[batch] = nil
    local x = head(buffers[(batch - 1) % 2 + 1], #list)
    if batch < self.steps then begin(batch + 1) end
    local y, w = self.y and self.y:take(list), self.w and self.w:take(list)
    if not self.mix then return x, y, w end
    local partners, shares = draw_mix(self.mix, seed, epoch, batch, list)
    return mixed(x, partners, shares, head(third, #list)), mixed(y, partners, shares), mixed(w, partners, shares)
  end

  -- An epoch that went to its end leaves its preparation to the next one.
  local closing = setmetatable({}, { __close = function()
    if batch == self.steps then self.idle = preparation else preparation:close() end
  end })
  return next_batch, nil, nil, closing
end

--- A batch source for `model:fit` that augments rows anew in every epoch.
-- @param x what the rows are made of: a data set or list of clips, with `steps`; a Tensor of signals (n, samples),
-- with `plan` or `steps`, or with neither for a net that takes signals; or a Tensor of features (n, ...)
-- @tparam Tensor y targets (n, ...)
-- @tparam table given the augmentations in order (those of the signal, then masks, then mixup), and: plan
-- (lubdub.MFCC {...}) or steps (of lubdub.preprocessing; what they do after the feature is done before masks), sr (of
-- signals without a plan), batch_size (32), shuffle (true), sample_weight (n), seed (false: the fit's), background
-- (true: batches are prepared beside the training step; the result is the same)
-- @treturn table the source, with the field `steps`: batches per epoch
function augment.source(x, y, given)
  local o, lists = read(given)
  local recipe, rest = read_data(x, o, lists)
  local n = recipe.x:shape()[1]
  recipe.augmentations, recipe.masks, recipe.background = lists.signal, lists.feature, o.background
  local probe, row_shape = outward(core.augment.Preparation, recipe) -- raises what does not fit together
  probe:close()
  if #lists.feature > 0 and (#row_shape < 2 or #row_shape > 3) then
    blame("augment.source: masks need features (n, coefficients, frames, ...), got rows of %s",
      check.shape_text(row_shape))
  end
  recipe.steps = row_steps(rest, row_shape)
  return setmetatable({
    recipe = recipe, row_shape = row_shape, rows = n, batch_size = o.batch_size, steps = math.ceil(n / o.batch_size),
    y = check_targets("y", y, n), w = check_targets("sample_weight", o.sample_weight, n),
    shuffle = o.shuffle, seed = o.seed, mix = lists.batch[1], augmentations = #given,
  }, Source)
end

return augment
