--- What cross_validate gives: predictions that no row's own model made, scores of each fold, intervals.
--
-- Fields: `probabilities` (n, classes), the out-of-fold probabilities in the order of the rows (nan where no fold
-- tested the row, means where several did); `y` and `predicted`, lists of labels (false where a row
-- was never tested); `tested`, the rows that were; `labels`, the classes; `folds`, a list of { train, test, scores,
-- history, seconds, seed, params, model }; `table` and `summary`, the two tables that print shows; `scores.accuracy`, a
-- list with a number for each fold; `pooled`, the scores over all rows; `histories`; `data`, the data set; `groups`;
-- `metrics`; `splitter`; `seed`; `seconds`.
-- @classmod lubdub.CrossValidation
local Tensor = require("lubdub.core").Tensor
local Table = require "lubdub.table"
local blame = require "lubdub.blame"
local progress = require "lubdub.progress"
local scores = require "lubdub.validation.scores"
local student = require "lubdub.validation.student"

local Result = { __name = "lubdub.CrossValidation" }
Result.__index = Result

local result = {}

local function defined(list)
  local kept = {}
  for _, value in ipairs(list) do
    if value == value then kept[#kept + 1] = value end
  end
  return kept
end

local function moments(list)
  local sum, squares = 0, 0
  for _, value in ipairs(list) do sum = sum + value end
  local mean = sum / #list
  for _, value in ipairs(list) do squares = squares + (value - mean) ^ 2 end
  return mean, #list > 1 and math.sqrt(squares / (#list - 1)) or nil
end

--- Mean and interval of a list of numbers: mean ± t(1 - (1 - level) / 2, n - 1) * sd / sqrt(n).
-- @treturn number mean; nan of an empty list
-- @treturn ?number sd, of a sample (n - 1); nil of a single number
-- @treturn ?number low
-- @treturn ?number high
function result.interval(list, level)
  list = defined(list)
  if #list == 0 then return 0 / 0 end
  local mean, sd = moments(list)
  if not sd then return mean end
  local half = student.quantile(1 - (1 - level) / 2, #list - 1) * sd / math.sqrt(#list)
  return mean, sd, mean - half, mean + half
end

-- Out-of-fold predictions of all rows; rows in several folds have the mean of what was said.
local function pool(problem, folds)
  local classes, sums, times = #problem.encoder.classes, {}, {}
  for i = 1, problem.n do
    sums[i], times[i] = {}, 0
    for c = 1, classes do sums[i][c] = 0 end
  end
  for _, fold in ipairs(folds) do
    for j, row in ipairs(fold.test) do
      times[row] = times[row] + 1
      for c = 1, classes do sums[row][c] = sums[row][c] + fold.probabilities[j][c] end
    end
  end
  local tested = {}
  for i = 1, problem.n do
    for c = 1, classes do sums[i][c] = sums[i][c] / times[i] end -- 0 / 0 where it was never tested
    if times[i] > 0 then tested[#tested + 1] = i end
  end
  return sums, tested
end

local function fold_table(list, folds)
  local names, rows = { "fold", "train", "test" }, {}
  local has_epochs = folds[1].epochs ~= nil
  if has_epochs then names[#names + 1] = "epochs" end
  for _, score in ipairs(list) do names[#names + 1] = score.name end
  names[#names + 1] = "seconds"
  local with_search = folds[1].search ~= nil
  if with_search then names[#names + 1] = "params" end
  local formats = { seconds = "%.2f" }
  for k, fold in ipairs(folds) do
    rows[k] = { fold = k, train = #fold.train, test = #fold.test, epochs = fold.epochs, seconds = fold.seconds,
      params = with_search and fold.name or nil }
    for name, value in pairs(fold.scores) do
      rows[k][name], formats[name] = value, "%.3f"
    end
  end
  return Table(names, rows, { formats = formats })
end

--- The mean of a score over the folds and its 95 % interval.
-- @tparam string name
-- @tparam ?number level 0.95
-- @treturn number mean
-- @treturn number low
-- @treturn number high
function Result:interval(name, level)
  if not self.scores[name] then blame("CrossValidation:interval: no score %q", tostring(name)) end
  local mean, _, low, high = result.interval(self.scores[name], level or 0.95)
  return mean, low, high
end

function Result:__tostring()
  local k = #self.folds
  local lines = { ("cross_validate: %d rows, %d classes, %s, %s"):format(#self.y, #self.labels, self.splitter,
    progress.duration(self.seconds)) }
  lines[2] = tostring(self.table)
  lines[3] = tostring(self.summary)
  if k > 1 then
    lines[4] = ("(mean ± %.3f sd / √%d: Student's t over %d folds, which share training rows; pooled: over all rows)")
      :format(student.quantile(0.975, k - 1), k, k)
  end
  return table.concat(lines, "\n")
end

--- @tparam table problem
-- @tparam table list scores
-- @tparam table folds of lubdub.validation.fold
-- @tparam table more fields: splitter, seed, seconds
-- @treturn lubdub.CrossValidation
function result.new(problem, list, folds, more)
  local rows, tested = pool(problem, folds)
  local labels, encoder = problem.encoder.classes, problem.encoder
  local self = { n = problem.n, y = problem.labels, labels = labels, folds = folds, data = problem.clips,
    groups = problem.groups, probabilities = Tensor(rows), table = fold_table(list, folds), histories = {}, scores = {},
    metrics = {}, predicted = {}, tested = tested }
  for name, value in pairs(more) do self[name] = value end
  for k, fold in ipairs(folds) do self.histories[k] = fold.history end
  local some = {}
  for j, i in ipairs(tested) do some[j] = rows[i] end
  local matrix, truth = Tensor(some), {}
  local predicted = encoder:decode(matrix)
  for i = 1, problem.n do self.predicted[i] = false end
  for j, i in ipairs(tested) do self.predicted[i], truth[j] = predicted[j], problem.labels[i] end
  self.pooled = scores.all(list, truth, predicted, matrix, labels)
  local lines, formats = {}, {}
  for j, score in ipairs(list) do
    local name, values = score.name, {}
    for k, fold in ipairs(folds) do values[k] = fold.scores[name] end
    self.scores[name], self.metrics[j] = values, name
    local mean, sd, low, high = result.interval(values, 0.95)
    lines[j] = { metric = name, mean = mean, sd = sd, ["95 % low"] = low, ["95 % high"] = high,
      pooled = self.pooled[name] }
  end
  for _, name in ipairs { "mean", "sd", "95 % low", "95 % high", "pooled" } do formats[name] = "%.3f" end
  self.summary = Table({ "metric", "mean", "sd", "95 % low", "95 % high", "pooled" }, lines, { formats = formats })
  return setmetatable(self, Result)
end

return result
