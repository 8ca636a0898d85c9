--- One number for a whole prediction: accuracy, balanced accuracy, Matthews' correlation, Cohen's kappa.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local confusion = require "lubdub.metrics.confusion"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local agreement = {}

local function margins(rows)
  local truth, predicted, right, all = {}, {}, 0, 0
  for i, row in ipairs(rows) do
    truth[i] = 0
    for j, count in ipairs(row) do
      truth[i] = truth[i] + count
      predicted[j] = (predicted[j] or 0) + count
      all = all + count
    end
    right = right + row[i]
  end
  return truth, predicted, right, all
end

--- The share of samples predicted right; with `normalize = false` their number.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given `normalize` (true), `sample_weight`
-- @treturn number
function agreement.accuracy_score(y_true, y_pred, given)
  local where = "accuracy_score"
  local o = options.read(where, given, { normalize = true, sample_weight = false })
  local pair = input.pair(where, y_true, y_pred, o.sample_weight)
  local right, all = 0, 0
  for n, label in ipairs(pair.truth) do
    local weight = pair.weights and pair.weights[n] or 1
    all = all + weight
    if label == pair.predicted[n] then right = right + weight end
  end
  if not o.normalize then return right end
  if all == 0 then blame("%s: sample_weight sums to 0", where) end
  return right / all
end

--- The mean recall of the classes that occur in y_true.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given `adjusted` (false; true puts chance at 0), `sample_weight`
-- @treturn number
function agreement.balanced_accuracy_score(y_true, y_pred, given)
  local where = "balanced_accuracy_score"
  local o = options.read(where, given, { adjusted = false, sample_weight = false })
  local pair = input.pair(where, y_true, y_pred, o.sample_weight)
  local rows, recalls, missing = confusion.count(pair, pair.labels), {}, {}
  local truth = margins(rows)
  for i, label in ipairs(pair.labels) do
    if truth[i] ~= 0 then recalls[#recalls + 1] = rows[i][i] / truth[i]
    else missing[#missing + 1] = tostring(label) end
  end
  if #missing > 0 then
    warning.warn(("%s: predicted but not in y_true, and left out: %s"):format(where, table.concat(missing, ", ")))
  end
  local score = input.mean(recalls)
  if not o.adjusted then return score end
  local chance = 1 / #recalls
  return (score - chance) / (1 - chance)
end

--- Matthews' correlation coefficient, -1 to 1; 0 where truth or prediction is all one class.
-- (Gorodkin 2004 for several classes.)
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given `sample_weight`
-- @treturn number
function agreement.matthews_corrcoef(y_true, y_pred, given)
  local where = "matthews_corrcoef"
  local o = options.read(where, given, { sample_weight = false })
  local pair = input.pair(where, y_true, y_pred, o.sample_weight)
  local truth, predicted, right, all = margins(confusion.count(pair, pair.labels))
  local both, truth2, predicted2 = 0, 0, 0
  for i in ipairs(truth) do
    both = both + truth[i] * predicted[i]
    truth2 = truth2 + truth[i] * truth[i]
    predicted2 = predicted2 + predicted[i] * predicted[i]
  end
  local spread = (all * all - predicted2) * (all * all - truth2)
  if spread == 0 then return 0.0 end
  return (right * all - both) / math.sqrt(spread)
end

--- Cohen's kappa: agreement beyond chance, at most 1.
-- @tparam table|Tensor y1 labels of one rater
-- @tparam table|Tensor y2 labels of the other
-- @tparam[opt] table given
-- @tparam ?table given.labels classes and their order (default: all, sorted)
-- @tparam ?string|boolean given.weights what a confusion counts: false (1), or the distance of the two classes'
-- places, "linear" or "quadratic"
-- @tparam ?table|Tensor given.sample_weight
-- @tparam ?number given.replace_undefined_by the result where kappa is 0/0 (default nan, with a warning)
-- @treturn number
function agreement.cohen_kappa_score(y1, y2, given)
  local where = "cohen_kappa_score"
  local o = options.read(where, given,
    { labels = false, weights = false, sample_weight = false, replace_undefined_by = 0 / 0 })
  input.choice(where, "weights", o.weights, { "linear", "quadratic", false })
  local pair = input.pair(where, y1, y2, o.sample_weight)
  local labels = confusion.labels(where, pair, o.labels)
  local rows = confusion.count(pair, labels)
  local first, second, _, all = margins(rows)
  local seen, expected = 0, 0
  for i, row in ipairs(rows) do
    for j, count in ipairs(row) do
      local apart = math.abs(i - j)
      local weight = o.weights == "linear" and apart or o.weights == "quadratic" and apart * apart
        or (apart > 0 and 1 or 0)
      seen = seen + weight * count
      expected = expected + weight * (first[i] * second[j] / all)
    end
  end
  if all == 0 or expected == 0 then
    warning.warn(where .. ": undefined, for the two have at most one label in common to compare")
    return o.replace_undefined_by
  end
  return 1 - seen / expected
end

return agreement
