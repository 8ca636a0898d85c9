--- Features with mean 0 and standard deviation 1: scikit-learn's StandardScaler, fitted on the training set, and
-- standardization of each clip by itself.
--
--    local scaler = lubdub.StandardScaler():fit(x_train)     -- per coefficient: the statistics of axis 2
--    x_train, x_test = scaler:transform(x_train), scaler:transform(x_test)
--    model.preprocessing = lubdub.preprocessing.steps(mfcc, { duration = 4, scaler = scaler })
--
-- A model's file keeps mean and scale, so that a prediction does the same.
-- @module lubdub.standard_scaler
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local options = require "lubdub.options"

local Tensor = core.Tensor
local module = {}

-- Numbers per call into the core.
local BLOCK = 1 << 22

--- @type StandardScaler
-- @field mean Tensor, one number per group; also var and scale (scikit-learn's: 1 where a group is constant)
-- @field count how many numbers each group has seen
-- @field axes the axes whose places have statistics of their own
local Scaler = { __name = "lubdub.StandardScaler" }
Scaler.__index = Scaler

local function read_axes(axis)
  local list = axis == false and {} or type(axis) == "table" and axis or { axis }
  local axes, seen = {}, {}
  for i, value in ipairs(list) do
    if math.type(value) ~= "integer" or value < 2 or value > 8 or seen[value] then
      blame("StandardScaler: axis must be false, an axis from 2 on, or a list of such, got %s", tostring(value))
    end
    axes[i], seen[value] = value, true
  end
  table.sort(axes)
  return axes
end

--- A scaler that knows nothing yet.
-- @tparam ?table given axis (2: every coefficient of (n, n_mfcc, frames, 1), or every column of (n, features), has
-- its own mean and scale; { 2, 3 }: every coefficient of every frame; false: one for all), with_mean (true), with_std
-- (true)
-- @treturn StandardScaler
-- @usage
-- local scaler = lubdub.StandardScaler()
-- local scaled = scaler:fit_transform(x)
function module.StandardScaler(given)
  local o = options.read("StandardScaler", given, { axis = 2, with_mean = true, with_std = true })
  for _, name in ipairs { "with_mean", "with_std" } do
    if type(o[name]) ~= "boolean" then blame("StandardScaler: %s must be true or false", name) end
  end
  return setmetatable({ axes = read_axes(o.axis), with_mean = o.with_mean, with_std = o.with_std, count = 0 }, Scaler)
end

-- The sizes of a tensor's kept axes; raises where they are not those of the fit.
local function kept_sizes(self, where, x)
  local shape, sizes = check.tensor(where, "x", x), {}
  for i, axis in ipairs(self.axes) do
    if axis > #shape then blame("%s: x must have an axis %d, got %s", where, axis, check.shape_text(shape)) end
    sizes[i] = shape[axis]
    if self.sizes and self.sizes[i] ~= sizes[i] then
      blame("%s: axis %d of x must have %d places, as fitted, got %s", where, axis, self.sizes[i],
        check.shape_text(shape))
    end
  end
  return sizes, shape
end

-- Joins the statistics of more numbers to the ones at hand (Chan, Golub, LeVeque 1979).
local function join(self, means, squares, count)
  local before = self.count
  local total = before + count
  for i, mean in ipairs(means) do
    local difference = mean - self.means[i]
    self.means[i] = self.means[i] + difference * count / total
    self.squares[i] = self.squares[i] + squares[i] + difference ^ 2 * before * count / total
  end
  self.count = total
end

-- What the tensors of a fitted scaler are made of: float32, in the shape of the kept axes.
local function settle(self)
  local var, scale, mean = {}, {}, {}
  for i, squares in ipairs(self.squares) do
    local value = squares / self.count
    var[i] = value
    -- scikit-learn's rule for what is rounding noise of a constant
    local noise = self.count * 2 ^ -52 * value + (self.count * self.means[i] * 2 ^ -52) ^ 2
    scale[i] = value <= noise and 1 or math.sqrt(value)
    if not self.with_std then scale[i] = 1 end
    mean[i] = self.with_mean and self.means[i] or 0
  end
  local function shaped(list)
    return Tensor(list):reshape(#self.sizes > 0 and self.sizes or { 1 })
  end
  self.mean, self.var, self.scale = shaped(mean), shaped(var), shaped(scale)
end

--- Learns from more rows, as if they had all been given at once.
-- @tparam Tensor x (n, ...)
-- @treturn StandardScaler itself
function Scaler:partial_fit(x)
  local sizes, shape = kept_sizes(self, "StandardScaler:partial_fit", x)
  check.finite("StandardScaler:partial_fit", "x", x)
  local row = 1
  for i = 2, #shape do row = row * shape[i] end
  if row == 0 then blame("StandardScaler:partial_fit: x is empty: %s", check.shape_text(shape)) end
  local means, squares, count = self.means, self.squares, self.count
  if not means then
    means, squares = {}, {}
    local groups = 1
    for _, size in ipairs(sizes) do groups = groups * size end
    for i = 1, groups do means[i], squares[i] = 0, 0 end
  end
  -- a copy until the end, so that an interruption leaves the old statistics
  local new = { means = table.move(means, 1, #means, 1, {}), squares = table.move(squares, 1, #squares, 1, {}),
    count = count }
  local rows = math.max(1, BLOCK // row)
  for first = 1, shape[1], rows do
    join(new, core.standardize.moments(x:slice(1, first, math.min(first + rows - 1, shape[1])), self.axes))
  end
  self.sizes, self.means, self.squares, self.count = sizes, new.means, new.squares, new.count
  settle(self)
  return self
end

--- Learns mean and scale, and forgets what was learnt before.
-- @tparam Tensor x (n, ...), the training set
-- @treturn StandardScaler itself
function Scaler:fit(x)
  local fresh = module.StandardScaler { axis = self.axes, with_mean = self.with_mean, with_std = self.with_std }
  fresh:partial_fit(x)
  for name, value in pairs(fresh) do self[name] = value end
  return self
end

-- mean and scale with as many dimensions as x.
local function stretched(self, where, x)
  if not self.mean then blame("%s: the scaler is not fitted; call scaler:fit(x) first", where) end
  local _, shape = kept_sizes(self, where, x)
  local target = {}
  for i = 1, #shape do target[i] = 1 end
  for _, axis in ipairs(self.axes) do target[axis] = shape[axis] end
  return self.mean:reshape(target), self.scale:reshape(target)
end

--- (x - mean) / scale, in float32.
-- @tparam Tensor x (n, ...)
-- @treturn Tensor
function Scaler:transform(x)
  local mean, scale = stretched(self, "StandardScaler:transform", x)
  return (x - mean) / scale
end

--- x * scale + mean.
-- @tparam Tensor x (n, ...)
-- @treturn Tensor
function Scaler:inverse_transform(x)
  local mean, scale = stretched(self, "StandardScaler:inverse_transform", x)
  return x * scale + mean
end

--- mean and scale, as large as tensors of a shape.
-- @tparam table shape of what will be transformed
-- @treturn Tensor mean
-- @treturn Tensor scale
function Scaler:spread(shape)
  local full = Tensor.zeros(shape)
  local mean, scale = stretched(self, "StandardScaler:spread", full)
  return full + mean, full + scale
end

--- fit, then transform.
-- @tparam Tensor x (n, ...)
-- @treturn Tensor
function Scaler:fit_transform(x) return self:fit(x):transform(x) end

--- The preprocessing step that does what transform does: data that a model's file can hold.
-- @treturn table { name = "standard_scaler", options = { axis =, mean =, scale = } }
function Scaler:step()
  if not self.mean then blame "StandardScaler:step: the scaler is not fitted; call scaler:fit(x) first" end
  return { name = "standard_scaler", options = { axis = table.move(self.axes, 1, #self.axes, 1, {}), mean = self.mean,
    scale = self.scale } }
end

function Scaler:__tostring()
  local axes = #self.axes == 0 and "one for all" or "per place of axis " .. table.concat(self.axes, ", ")
  return ("StandardScaler (%s): %s"):format(axes, self.mean
    and ("fitted on %d numbers per group"):format(self.count) or "not fitted")
end

--- The scaler of a step.
-- @tparam table given axis, mean, scale
-- @treturn StandardScaler
function module.of_step(given)
  local o = options.read("standard_scaler", given, { axis = 2, mean = options.none, scale = options.none })
  for _, name in ipairs { "mean", "scale" } do
    if not Tensor.is(o[name]) then blame("standard_scaler: %s must be a Tensor, got %s", name, type(o[name])) end
  end
  local axes = read_axes(o.axis)
  local sizes = #axes > 0 and o.mean:shape() or {}
  if #sizes ~= #axes or check.shape_text(o.mean:shape()) ~= check.shape_text(o.scale:shape()) then
    blame("standard_scaler: mean and scale must have one size for each of %d axes, got %s and %s", #axes,
      check.shape_text(o.mean:shape()), check.shape_text(o.scale:shape()))
  end
  return setmetatable({ axes = axes, sizes = sizes, mean = o.mean, scale = o.scale }, Scaler)
end

--- Whether `value` is a StandardScaler.
function module.is(value) return getmetatable(value) == Scaler end

local per_axes = { clip = 1, coefficient = 2 }

--- Raises an error unless `given` are options of `standardize`.
-- @treturn integer how many axes keep statistics of their own
function module.check_options(given)
  local o = options.read("standardize", given, { per = "clip" })
  if not per_axes[o.per] then blame('standardize: per must be "clip" or "coefficient", got %s', tostring(o.per)) end
  return per_axes[o.per]
end

--- Standardizes every clip by itself.
-- @tparam Tensor x (n, ...)
-- @tparam ?table given per ("clip": one mean and deviation for each row; "coefficient": for each coefficient of each
-- row, over its frames)
-- @treturn Tensor where all numbers of a group are equal, zeros
function module.standardize(x, given)
  local kept = module.check_options(given)
  local shape = check.tensor("standardize", "x", x)
  if #shape <= kept then blame("standardize: x must have more than %d axes, got %s", kept, check.shape_text(shape)) end
  local groups, size = 1, 1
  for i, n in ipairs(shape) do
    if i <= kept then groups = groups * n else size = size * n end
  end
  local y = x:clone()
  if size == 0 then return y end
  local some = math.max(1, BLOCK // size)
  for first = 0, groups - 1, some do
    core.standardize.groups(y, size, first, math.min(some, groups - first))
  end
  return y
end

return module
