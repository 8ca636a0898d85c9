--- Curves over a threshold on a score, and the areas below them.
-- A sample is predicted positive where its score is at least the threshold. Equal scores are one point.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local curves = {}

--- Truth as labels, with what else a curve needs.
local function truth_of(where, y_true, sample_weight)
  local truth, kind = input.labels(where, "y_true", y_true)
  if #truth == 0 then blame("%s: y_true is empty", where) end
  return truth, kind, input.unique(truth), input.weights(where, sample_weight, #truth)
end

-- Cumulative weights of true and false positives at each distinct score, highest first.
local function thresholds_of(positive, scores, weights)
  local order = {}
  for i in ipairs(scores) do
    if not weights or weights[i] ~= 0 then order[#order + 1] = i end
  end
  table.sort(order, function(a, b)
    if scores[a] ~= scores[b] then return scores[a] > scores[b] end
    return a < b
  end)
  local tps, fps, steps, tp, fp = {}, {}, {}, 0.0, 0.0
  for n, i in ipairs(order) do
    local weight = weights and weights[i] or 1
    if positive[i] then tp = tp + weight else fp = fp + weight end
    if scores[i] ~= scores[order[n + 1]] then
      local k = #steps + 1
      tps[k], fps[k], steps[k] = tp, fp, scores[i]
    end
  end
  return tps, fps, steps
end

local function is_positive(truth, label)
  local positive = {}
  for i, this in ipairs(truth) do positive[i] = this == label end
  return positive
end

-- Keeps the points `keep(i)` of parallel lists; the first and the last always.
local function thin(keep, ...)
  local lists, results = { ... }, {}
  for l, list in ipairs(lists) do
    local result = {}
    for i, value in ipairs(list) do
      if i == 1 or i == #list or keep(i) then result[#result + 1] = value end
    end
    results[l] = result
  end
  return table.unpack(results)
end

local function shares(counts, message)
  local result, total = {}, counts[#counts]
  if total <= 0 then warning.warn(message) end
  for i, count in ipairs(counts) do result[i] = total > 0 and count / total or 0 / 0 end
  return result
end

local function roc(positive, scores, weights, drop)
  local tps, fps, steps = thresholds_of(positive, scores, weights)
  if drop then
    local function corner(i)
      return fps[i + 1] - fps[i] ~= fps[i] - fps[i - 1] or tps[i + 1] - tps[i] ~= tps[i] - tps[i - 1]
    end
    fps, tps, steps = thin(corner, fps, tps, steps)
  end
  table.insert(tps, 1, 0.0)
  table.insert(fps, 1, 0.0)
  table.insert(steps, 1, math.huge)
  return shares(fps, "roc_curve: y_true holds no negative sample, so the false positive rate is undefined"),
    shares(tps, "roc_curve: y_true holds no positive sample, so the true positive rate is undefined"), steps
end

local function precision_recall(positive, scores, weights, drop)
  local tps, fps, steps = thresholds_of(positive, scores, weights)
  if drop then
    fps, tps, steps = thin(function(i) return tps[i] ~= tps[i - 1] or tps[i + 1] ~= tps[i] end, fps, tps, steps)
  end
  local n, precision, recall, thresholds = #steps, {}, {}, {}
  if tps[n] == 0 then
    warning.warn "precision_recall_curve: y_true holds no positive sample; recall is taken as 1"
  end
  for i = 1, n do
    local j = n + 1 - i
    local predicted = tps[j] + fps[j]
    precision[i] = predicted ~= 0 and tps[j] / predicted or 0.0
    recall[i] = tps[n] ~= 0 and tps[j] / tps[n] or 1.0
    thresholds[i] = steps[j]
  end
  precision[n + 1], recall[n + 1] = 1.0, 0.0
  return precision, recall, thresholds
end

--- The receiver operating characteristic: false and true positive rate at falling thresholds, from (0, 0).
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score scores of the positive class; of two columns the second counts
-- @tparam[opt] table given
-- @tparam ?any given.pos_label the positive class (default 1 where the labels are 0 and 1)
-- @tparam ?boolean given.drop_intermediate leave out points on straight stretches (true)
-- @tparam ?table|Tensor given.sample_weight
-- @treturn table false positive rates
-- @treturn table true positive rates
-- @treturn table thresholds, the first infinite
function curves.roc_curve(y_true, y_score, given)
  local where = "roc_curve"
  local o = options.read(where, given,
    { pos_label = options.none, sample_weight = false, drop_intermediate = true })
  local truth, kind, labels, weights = truth_of(where, y_true, o.sample_weight)
  local positive = is_positive(truth, input.positive(where, labels, kind, o.pos_label))
  return roc(positive, input.second_column(where, "y_score", y_score, #truth, labels), weights, o.drop_intermediate)
end

--- Precision and recall at rising thresholds; the last point is (1, 0), without a threshold.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score scores of the positive class; of two columns the second counts
-- @tparam[opt] table given as in `roc_curve`, with `drop_intermediate` false by default
-- @treturn table precisions
-- @treturn table recalls
-- @treturn table thresholds, one fewer
function curves.precision_recall_curve(y_true, y_score, given)
  local where = "precision_recall_curve"
  local o = options.read(where, given,
    { pos_label = options.none, sample_weight = false, drop_intermediate = false })
  local truth, kind, labels, weights = truth_of(where, y_true, o.sample_weight)
  local positive = is_positive(truth, input.positive(where, labels, kind, o.pos_label))
  local scores = input.second_column(where, "y_score", y_score, #truth, labels)
  return precision_recall(positive, scores, weights, o.drop_intermediate)
end

--- The area below a curve by the trapezoidal rule. `x` must rise or fall throughout.
-- @tparam table|Tensor x
-- @tparam table|Tensor y
-- @treturn number
function curves.auc(x, y)
  x = input.numbers("auc", "x", x)
  y = input.numbers("auc", "y", y)
  if #x ~= #y then blame("auc: x and y must have the same length, got %d and %d", #x, #y) end
  if #x < 2 then blame("auc: at least 2 points are needed, got %d", #x) end
  local area, rises, falls = {}, false, false
  for i = 2, #x do
    local step = x[i] - x[i - 1]
    rises, falls = rises or step > 0, falls or step < 0
    area[i - 1] = step * (y[i] + y[i - 1]) / 2
  end
  if rises and falls then blame "auc: x must rise or fall throughout" end
  return (falls and -1 or 1) * input.sum(area)
end

local function area_of(positive, scores, weights, max_fpr)
  local some, others = false, false
  for i in ipairs(scores) do
    if weights and weights[i] == 0 then goto continue end
    some, others = some or positive[i], others or not positive[i]
    ::continue::
  end
  if not (some and others) then
    warning.warn "roc_auc_score: undefined (nan) where y_true holds one class only (with a weight)"
    return 0 / 0
  end
  local fpr, tpr = roc(positive, scores, weights, true)
  if not max_fpr or max_fpr == 1 then return curves.auc(fpr, tpr) end
  local stop = 1
  while fpr[stop] <= max_fpr do stop = stop + 1 end
  local x, y = { table.unpack(fpr, 1, stop - 1) }, { table.unpack(tpr, 1, stop - 1) }
  local slope = (tpr[stop] - tpr[stop - 1]) / (fpr[stop] - fpr[stop - 1])
  x[stop], y[stop] = max_fpr, tpr[stop - 1] + slope * (max_fpr - fpr[stop - 1])
  local least = 0.5 * max_fpr * max_fpr -- what chance has there; McClish's scale puts it at 1/2
  return 0.5 * (1 + (curves.auc(x, y) - least) / (max_fpr - least))
end

-- One binary measure for each class against the others, averaged.
local function one_vs_rest(measure, truth, rows, weights, labels, average)
  if average == "micro" then
    local positive, scores, repeated = {}, {}, weights and {}
    for i, row in ipairs(rows) do
      for c, score in ipairs(row) do
        local n = #scores + 1
        positive[n], scores[n] = truth[i] == labels[c], score
        if weights then repeated[n] = weights[i] end
      end
    end
    return measure(positive, scores, repeated)
  end
  local values, support = {}, {}
  for c, label in ipairs(labels) do
    local scores = {}
    support[c] = 0
    for i, row in ipairs(rows) do
      scores[i] = row[c]
      if truth[i] == label then support[c] = support[c] + (weights and weights[i] or 1) end
    end
    values[c] = measure(is_positive(truth, label), scores, weights)
    if average == "weighted" and support[c] == 0 then values[c] = 0 end
  end
  if not average then return input.per_class(values, labels) end
  return input.mean(values, average == "weighted" and support or nil)
end

-- The mean over pairs of classes that occur, each pair seen from both sides (Hand and Till 2001).
local function one_vs_one(truth, rows, labels, average)
  local values, weights, occurs = {}, {}, input.places(truth)
  for a = 1, #labels do
    for b = a + 1, #labels do
      if not (occurs[labels[a]] and occurs[labels[b]]) then goto continue end
      local sides = { { a, {}, {} }, { b, {}, {} } }
      for i, row in ipairs(rows) do
        if truth[i] == labels[a] or truth[i] == labels[b] then
          for _, side in ipairs(sides) do
            table.insert(side[2], truth[i] == labels[side[1]])
            table.insert(side[3], row[side[1]])
          end
        end
      end
      values[#values + 1] = (area_of(sides[1][2], sides[1][3]) + area_of(sides[2][2], sides[2][3])) / 2
      weights[#weights + 1] = #sides[1][2] / #truth
      ::continue::
    end
  end
  return input.mean(values, average == "weighted" and weights or nil)
end

-- The classes of the columns: sorted labels, given or seen. Without the option `labels`, none are given (nil).
local function columns_of(where, truth, kind, columns, given)
  local labels = input.classes(where, truth, kind, given)
  if #labels ~= columns then
    blame("%s: y_score has %s columns for %d classes%s", where, columns > 0 and columns or "no", #labels,
      given == false and "; name the class of each column with the option labels" or "")
  end
  return labels
end

--- The area below the ROC curve; for several classes over one-vs-rest or one-vs-one curves.
-- A class that is missing in y_true has none: nan, with a warning; "ovo" leaves its pairs out.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score (n) scores of the class that sorts last, or (n, classes) probabilities
-- @tparam[opt] table given
-- @tparam ?string given.multi_class "ovr" or "ovo": must be chosen for several classes
-- @tparam ?string|boolean given.average "macro" (default), "weighted" (by true samples), "micro", or false (one per
-- class)
-- @tparam ?table given.labels the class of each column, sorted (default: those in y_true)
-- @tparam ?number given.max_fpr for two classes: the area up to this false positive rate, scaled so that chance
-- has 0.5
-- @tparam ?table|Tensor given.sample_weight
-- @treturn number|table
function curves.roc_auc_score(y_true, y_score, given)
  local where = "roc_auc_score"
  local o = options.read(where, given, {
    average = "macro", sample_weight = false, max_fpr = false, multi_class = "raise", labels = false,
  })
  input.choice(where, "average", o.average, { "macro", "weighted", "micro", false })
  input.choice(where, "multi_class", o.multi_class, { "ovr", "ovo", "raise" })
  if o.max_fpr and not (type(o.max_fpr) == "number" and o.max_fpr > 0 and o.max_fpr <= 1) then
    blame("%s: max_fpr must be above 0 and at most 1, got %s", where, input.describe(o.max_fpr))
  end
  local truth, kind, seen, weights = truth_of(where, y_true, o.sample_weight)
  local rows, columns = input.scores(where, "y_score", y_score, #truth)
  if #seen <= 2 and columns <= 2 then
    local scores = input.second_column(where, "y_score", y_score, #truth, seen)
    return area_of(is_positive(truth, seen[2]), scores, weights, o.max_fpr)
  end
  if o.max_fpr and o.max_fpr ~= 1 then blame("%s: max_fpr is for two classes, got %d", where, #seen) end
  if o.multi_class == "raise" then
    blame('%s: choose multi_class = "ovr" (each class against the rest) or "ovo" (pairs of classes)', where)
  end
  local labels = columns_of(where, truth, kind, columns, o.labels)
  for i, row in ipairs(rows) do
    if math.abs(input.sum(row) - 1) > 1e-5 then
      blame("%s: y_score[%d] must be probabilities that sum to 1, got %g", where, i, input.sum(row))
    end
  end
  if o.multi_class == "ovr" then return one_vs_rest(area_of, truth, rows, weights, labels, o.average) end
  input.choice(where, 'average of multi_class = "ovo"', o.average, { "macro", "weighted" })
  if weights then blame('%s: multi_class = "ovo" takes no sample_weight', where) end
  return one_vs_one(truth, rows, labels, o.average)
end

local function step_area(positive, scores, weights)
  local precision, recall = precision_recall(positive, scores, weights, false)
  local parts = {}
  for i = 1, #recall - 1 do parts[i] = (recall[i] - recall[i + 1]) * precision[i] end
  return math.max(0.0, input.sum(parts))
end

--- The mean precision over the steps of recall; for several classes each against the rest.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score (n) scores of the positive class, or (n, classes)
-- @tparam[opt] table given
-- @tparam ?string|boolean given.average "macro" (default), "weighted", "micro", or false: one per class
-- @tparam ?any given.pos_label the positive class of two (default 1)
-- @tparam ?table|Tensor given.sample_weight
-- @treturn number|table
function curves.average_precision_score(y_true, y_score, given)
  local where = "average_precision_score"
  local o = options.read(where, given, { average = "macro", pos_label = 1, sample_weight = false })
  input.choice(where, "average", o.average, { "macro", "weighted", "micro", false })
  local truth, kind, seen, weights = truth_of(where, y_true, o.sample_weight)
  if #seen <= 2 then
    local label = input.positive(where, seen, kind, o.pos_label)
    if #seen == 2 and not input.places(seen)[label] then
      blame("%s: pos_label must be %s or %s, got %s", where, input.describe(seen[1]), input.describe(seen[2]),
        input.describe(label))
    end
    return step_area(is_positive(truth, label), input.second_column(where, "y_score", y_score, #truth, seen), weights)
  end
  local rows, columns = input.scores(where, "y_score", y_score, #truth)
  columns_of(where, truth, kind, columns)
  return one_vs_rest(step_area, truth, rows, weights, seen, o.average)
end

return curves
