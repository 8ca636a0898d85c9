--- How far a metric might move with other patients: bootstrap intervals that resample groups.
-- Recordings of one patient are alike, so an interval that resamples recordings is too narrow. Here whole groups are
-- drawn with replacement, as many as there are, the metric is computed on all rows of the drawn groups, and the
-- interval lies between percentiles of the results (Efron 1979; Davison and Hinkley 1997, 3.8: the cluster bootstrap).
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local random = require "lubdub.random"
local resamples = require "lubdub.metrics.resamples"
local warning = require "lubdub.warning"

local bootstrap = {}

local Interval = { __name = "lubdub.Interval" }

local function number_text(x) return x == x and ("%.3f"):format(x) or "nan" end

function Interval:__tostring()
  local percent = ("%g %%"):format(self.confidence_level * 100)
  local tail = ("; %d resamples of %d %s"):format(self.n_resamples, self.n_groups, self.grouped and "groups" or "rows")
  local function line(value, low, high)
    return ("%s (%s to %s)"):format(number_text(value), number_text(low), number_text(high))
  end
  if type(self.value) == "number" then return line(self.value, self.low, self.high) .. ", " .. percent .. tail end
  local lines = {}
  for i, value in ipairs(self.value) do
    lines[i] = ("%s: %s"):format(tostring(self.labels and self.labels[i] or i), line(value, self.low[i], self.high[i]))
  end
  lines[#lines + 1] = percent .. tail
  return table.concat(lines, "\n")
end

-- The function of a metric's name.
local function function_of(where, metric)
  if type(metric) == "function" then return metric end
  if type(metric) ~= "string" then
    blame("%s: metric must be a name such as \"f1_score\" or a function (y_true, y_pred) that gives a number, got %s",
      where, input.describe(metric))
  end
  local metrics, names = require "lubdub.metrics", {}
  local f = rawget(metrics, metric)
  if type(f) == "function" then return f end
  for name in pairs(metrics) do names[#names + 1] = name end
  table.sort(names)
  local _, message = pcall(core.options.unknown, where, metric, names)
  blame((message:gsub("unknown option", "there is no metric", 1)))
end

local function length(values) return core.Tensor.is(values) and values:shape(1) or #values end

-- Percentiles and spread of one number's results, without those that are nan.
local function spread(results, level)
  local known = {}
  for _, x in ipairs(results) do
    if x == x then known[#known + 1] = x end
  end
  if #known == 0 then return 0 / 0, 0 / 0, 0 / 0, #results end
  table.sort(known)
  local mean, squares = input.mean(known), {}
  for i, x in ipairs(known) do squares[i] = (x - mean) ^ 2 end
  local tail = (1 - level) / 2
  return input.quantile(known, tail), input.quantile(known, 1 - tail),
    #known > 1 and math.sqrt(input.sum(squares) / (#known - 1)) or 0 / 0, #results - #known
end

-- The metric of each resample; `see` gives what it sees of the groups drawn.
local function run(o, metric, n_groups, see)
  local given, seen = {}, nil
  for name, value in pairs(o.options) do given[name] = value end
  local source, results = random.check(o.seed, "bootstrap"), {}
  for b = 1, o.n_resamples do
    local y_true, y_pred, weights = see(source:randint(1, n_groups, n_groups))
    if weights then given.sample_weight = weights end
    local result = metric(y_true, y_pred, given)
    seen = seen or type(result)
    if type(result) ~= seen or (seen == "table" and type(result[1]) ~= "number") then
      blame("bootstrap: the metric must give a number or a list of numbers each time, got %s", input.describe(result))
    end
    results[b] = result
  end
  return results
end

--- The interval of a metric under resampling of groups (patients), by percentiles. Same seed, same interval.
-- A metric that is undefined (nan) in some resamples is judged by the others; `undefined` counts them. Warnings of
-- the metric in resamples are not shown.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels or scores, as the metric takes them
-- @tparam[opt] table given
-- @tparam ?string|function given.metric a name of `lubdub.metrics` (default "accuracy_score"), or a function
-- (y_true, y_pred, options) that gives a number or a list of numbers
-- @tparam ?table given.options of the metric, such as { average = "macro" }. A class may be missing in a resample: name
-- all with `labels`
-- @tparam ?table given.groups the group of each row (default: each row is one)
-- @tparam ?table|Tensor given.sample_weight
-- @tparam ?integer given.n_resamples default 1000
-- @tparam ?number given.confidence_level default 0.95
-- @tparam ?integer given.seed
-- @treturn Interval value, low, high, standard_error, undefined (numbers, or lists where the metric gives one),
-- n_resamples, n_groups, confidence_level; it prints
-- @usage
-- print(lubdub.metrics.bootstrap(y_true, y_pred, { metric = "f1_score", options = { average = "macro" }, seed = 1 }))
function bootstrap.bootstrap(y_true, y_pred, given)
  local where = "bootstrap"
  local o = options.read(where, given, {
    metric = "accuracy_score", options = options.none, groups = false, sample_weight = false, n_resamples = 1000,
    confidence_level = 0.95, seed = options.none,
  })
  o.options = o.options or {}
  if type(o.options) ~= "table" then blame("%s: options must be a table, got %s", where, type(o.options)) end
  o.n_resamples = input.count(where, "n_resamples", o.n_resamples, 1)
  local level = o.confidence_level
  if type(level) ~= "number" or not (level > 0 and level < 1) then
    blame("%s: confidence_level must be between 0 and 1, got %s", where, input.describe(level))
  end
  for _, name in ipairs { "y_true", "y_pred" } do
    local list = y_true
    if name == "y_pred" then list = y_pred end
    if type(list) ~= "table" and not core.Tensor.is(list) then
      blame("%s: %s must be a list or a tensor, got %s", where, name, type(list))
    end
  end
  local n = length(y_true)
  if n == 0 then blame("%s: y_true is empty", where) end
  if length(y_pred) ~= n then
    blame("%s: y_true and y_pred must have the same length, got %d and %d", where, n, length(y_pred))
  end
  local rows = resamples.groups(where, o.groups, n)
  if #rows < 2 then
    blame("%s: %s cannot be resampled; at least 2 are needed", where, o.groups and "one group" or "one row")
  end
  local metric = function_of(where, o.metric)
  local whole = {}
  for name, value in pairs(o.options) do whole[name] = value end
  whole.sample_weight = o.sample_weight or whole.sample_weight
  local value = metric(y_true, y_pred, whole)
  local see = resamples.of_counts[o.metric] and resamples.pairs or resamples.rows
  local results = warning.quietly(run, o, metric, #rows, see(where, rows, y_true, y_pred, whole.sample_weight))
  local interval = {
    value = value, n_resamples = o.n_resamples, n_groups = #rows, grouped = o.groups and true or false,
    confidence_level = level,
  }
  if type(value) == "number" then
    interval.low, interval.high, interval.standard_error, interval.undefined = spread(results, level)
  elseif type(value) == "table" then
    interval.labels = value.labels
    interval.low, interval.high, interval.standard_error, interval.undefined = {}, {}, {}, {}
    for c = 1, #value do
      local list = {}
      for b, result in ipairs(results) do
        if #result ~= #value then
          blame("%s: the metric gave %d numbers, and %d for a resample; name all classes with options = { labels = }",
            where, #value, #result)
        end
        list[b] = result[c]
      end
      interval.low[c], interval.high[c], interval.standard_error[c], interval.undefined[c] = spread(list, level)
    end
  else
    blame("%s: the metric must give a number or a list of numbers, got %s", where, input.describe(value))
  end
  return setmetatable(interval, Interval)
end

return bootstrap
