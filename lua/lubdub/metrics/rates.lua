--- Rates of each class: precision, recall, F-score, specificity; and their averages.
-- With tp, fp, fn, tn the counts of one class against all others:
-- precision tp/(tp+fp), recall tp/(tp+fn), specificity tn/(tn+fp), F = (1+b²) tp / ((1+b²) tp + b² fn + fp).
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local confusion = require "lubdub.metrics.confusion"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local rates = {}

local averages = { "binary", "micro", "macro", "weighted", false }

--- Counts per class of `labels`.
-- @treturn table { tp =, predicted =, support =, total =, labels = }, the first three lists
function rates.tally(pair, labels)
  local place = input.places(labels)
  local tp, predicted, support, total, hits = {}, {}, {}, 0, 0
  for i in ipairs(labels) do tp[i], predicted[i], support[i] = 0, 0, 0 end
  for n, label in ipairs(pair.truth) do
    local guess, weight = pair.predicted[n], pair.weights and pair.weights[n] or 1
    local i, j = place[label], place[guess]
    total = total + weight
    if i then support[i] = support[i] + weight end
    if j then predicted[j] = predicted[j] + weight end
    if label == guess then
      hits = hits + 1
      if i then tp[i] = tp[i] + weight end
    end
  end
  -- scikit-learn counts in floats with weights, and also when not one sample is right, and sums right and wrong ones
  -- apart: the report shows both in the last digits of a support.
  if pair.weights or hits == 0 then
    for i, right in ipairs(tp) do
      support[i] = right + (support[i] - right) + 0.0
      predicted[i] = right + (predicted[i] - right) + 0.0
    end
  end
  return { tp = tp, predicted = predicted, support = support, total = total, labels = labels }
end

--- The value that stands for 0/0, and whether to warn of it.
function rates.zero_division(where, value)
  if value == "warn" then return 0.0, true end
  if value == 0 or value == 1 then return value + 0.0, false end
  if type(value) == "number" and value ~= value then return value, false end
  blame('%s: zero_division must be "warn", 0, 1 or nan, got %s', where, input.describe(value))
end

-- Divides list by list; `undefined` takes the classes without a denominator and says `why`.
local function divide(tally, numerator, denominator, o, name, why)
  local result, empty = {}, {}
  for i, below in ipairs(denominator) do
    if below == 0 then
      result[i] = o.zero
      empty[#empty + 1] = tostring(tally.labels[i])
    else
      result[i] = numerator[i] / below
    end
  end
  if #empty > 0 and o.warn and o.warn_for[name] then
    warning.warn(("%s of %s is undefined (%s) and taken as 0; the option zero_division decides"):format(
      name, table.concat(empty, ", "), why))
  end
  return result
end

local function summed(tally)
  return {
    tp = { input.sum(tally.tp) },
    predicted = { input.sum(tally.predicted) },
    support = { input.sum(tally.support) },
    total = tally.total * #tally.labels,
    labels = { "all classes together" },
  }
end

local function average(values, how, support)
  local known, weights = {}, {}
  for i, value in ipairs(values) do
    if value == value then
      known[#known + 1] = value
      weights[#weights + 1] = support[i]
    end
  end
  if #known == 0 then return 0 / 0 end
  return input.mean(known, how == "weighted" and input.sum(weights) ~= 0 and weights or nil)
end

local function sure_of(tally, o)
  return divide(tally, tally.tp, tally.predicted, o, "precision", "never predicted")
end

local function found(tally, o)
  return divide(tally, tally.tp, tally.support, o, "recall", "no true sample")
end

local function f_score(tally, o)
  if o.beta == math.huge then return found(tally, o) end
  if o.beta == 0 then return sure_of(tally, o) end
  local square, above, below = o.beta * o.beta, {}, {}
  for i, tp in ipairs(tally.tp) do
    above[i] = (1 + square) * tp
    below[i] = square * tally.support[i] + tally.predicted[i]
  end
  return divide(tally, above, below, o, "f-score", "neither true nor predicted")
end

local function specificity(tally, o)
  local above, below = {}, {}
  for i, tp in ipairs(tally.tp) do
    below[i] = tally.total - tally.support[i]
    above[i] = below[i] - (tally.predicted[i] - tp)
  end
  return divide(tally, above, below, o, "specificity", "no sample of another class")
end

--- Per-class values of each measure, or their averages.
-- @tparam table tally of `rates.tally`
-- @tparam table o average, beta, zero, warn, warn_for
-- @tparam table measures functions (tally, o) -> list
-- @treturn any... one per measure
function rates.measure(tally, o, measures)
  local results = {}
  local counts = o.average == "micro" and summed(tally) or tally
  for m, measure in ipairs(measures) do
    local values = measure(counts, o)
    if o.average then results[m] = average(values, o.average, counts.support)
    else results[m] = input.per_class(values, tally.labels) end
  end
  return table.unpack(results)
end

rates.report_measures = { sure_of, found, f_score }

-- The classes to look at: the positive one of a binary task, the given ones, or all.
local function classes(where, pair, o)
  if o.average ~= "binary" then return (confusion.labels(where, pair, o.labels)) end
  if #pair.labels > 2 then
    blame('%s: there are %d classes; choose average = "macro", "weighted", "micro" or false (one value per class)',
      where, #pair.labels)
  end
  local positive = o.pos_label
  if pair.kind == "boolean" and positive == 1 then positive = true end
  local known = input.places(pair.labels)[positive]
  if not known and (#pair.labels == 2 or type(positive) ~= pair.kind) then
    local names = {}
    for i, label in ipairs(pair.labels) do names[i] = input.describe(label) end
    blame("%s: pos_label must be one of the labels (%s), got %s", where, table.concat(names, ", "),
      input.describe(positive))
  end
  return { positive }
end

local function defaults(extra)
  local known = {
    labels = false, pos_label = 1, average = "binary", sample_weight = false, zero_division = "warn",
  }
  for name, value in pairs(extra or {}) do known[name] = value end
  return known
end

local function compute(where, y_true, y_pred, o, measures, warn_for)
  input.choice(where, "average", o.average, averages)
  o.zero, o.warn = rates.zero_division(where, o.zero_division)
  o.warn_for = warn_for
  o.beta = o.beta or 1.0
  if type(o.beta) ~= "number" or o.beta ~= o.beta or o.beta < 0 then
    blame("%s: beta must be a number of at least 0, got %s", where, input.describe(o.beta))
  end
  local pair = input.pair(where, y_true, y_pred, o.sample_weight)
  local tally = rates.tally(pair, classes(where, pair, o))
  return tally, rates.measure(tally, o, measures)
end

local function score(name, measure, short, extra)
  return function(y_true, y_pred, given)
    local o = options.read(name, given, defaults(extra))
    return select(2, compute(name, y_true, y_pred, o, { measure }, { [short] = true }))
  end
end

--- Of the samples predicted as a class, the share that is of it.
-- @function precision_score
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given
-- @tparam ?string|boolean given.average "binary" (default: of `pos_label` alone, for two classes), "macro" (mean of
-- the classes), "weighted" (mean weighted by true samples), "micro" (all counts together), or false (one per class)
-- @tparam ?table given.labels classes to look at and their order (default: all, sorted)
-- @tparam ?any given.pos_label the positive class of "binary" (default 1; true for booleans)
-- @tparam ?string|number given.zero_division what 0/0 counts as: "warn" (0, with a warning), 0, 1, or nan (left out
-- of means)
-- @tparam ?table|Tensor given.sample_weight
-- @treturn number|table
rates.precision_score = score("precision_score", sure_of, "precision")

--- Of the samples of a class, the share predicted as it (sensitivity). Options as in `precision_score`.
-- @function recall_score
rates.recall_score = score("recall_score", found, "recall")

--- Medicine's name of `recall_score`; `specificity_score` stands beside it.
-- @function sensitivity_score
rates.sensitivity_score = score("sensitivity_score", found, "recall")

--- The harmonic mean of precision and recall. Options as in `precision_score`.
-- @function f1_score
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given of `precision_score`
-- @treturn number|table
-- @usage print(lubdub.metrics.f1_score(y_true, y_pred, { average = "macro" }))
rates.f1_score = score("f1_score", f_score, "f-score")

--- As `f1_score`, with recall `beta` times as important as precision.
-- @function fbeta_score
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam table given `beta`, and the options of `precision_score`
rates.fbeta_score = function(y_true, y_pred, given)
  local where = "fbeta_score"
  local o = options.read(where, given, defaults { beta = options.none })
  if o.beta == nil then blame("%s: the option beta is missing", where) end
  return select(2, compute(where, y_true, y_pred, o, { f_score }, { ["f-score"] = true }))
end

--- Of the samples of all other classes, the share not predicted as this one. Options as in `precision_score`.
-- @function specificity_score
rates.specificity_score = score("specificity_score", specificity, "specificity")

--- Precision, recall, F-score and support (true samples) of each class, or averages of the first three.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given of `precision_score` with `average` false by default, and `beta` (1)
-- @treturn number|table precision
-- @treturn number|table recall
-- @treturn number|table F-score
-- @treturn ?table support, where average is false
function rates.precision_recall_fscore_support(y_true, y_pred, given)
  local where = "precision_recall_fscore_support"
  local o = options.read(where, given, defaults { average = false, beta = 1.0 })
  local all = { precision = true, recall = true, ["f-score"] = true }
  local tally, p, r, f = compute(where, y_true, y_pred, o, rates.report_measures, all)
  return p, r, f, not o.average and input.per_class(tally.support, tally.labels) or nil
end

return rates
