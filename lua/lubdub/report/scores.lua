--- The numbers of a report, with intervals from one bootstrap over groups.
-- @module lubdub.report.scores
local input = require "lubdub.metrics.input"
local metrics = require "lubdub.metrics"
local roc = require "lubdub.metrics.curves"
local warning = require "lubdub.warning"

local scores = {}

local function ratio(a, b) return b > 0 and a / b or 0 / 0 end

-- From counts { n =, [true class][predicted class] } to one list: accuracy, balanced accuracy, macro F1, Matthews'
-- correlation; then precision, recall, specificity and F1 of each class. What is 0/0 is nan.
local function measures(counts, k)
  local truth, guess, right, all = {}, {}, 0, 0
  for i = 1, k do truth[i], guess[i] = 0, 0 end
  for i = 1, k do
    right = right + counts[i][i]
    for j = 1, k do
      truth[i], guess[j] = truth[i] + counts[i][j], guess[j] + counts[i][j]
      all = all + counts[i][j]
    end
  end
  local result, recalls, fs, seen, used = {}, 0, 0, 0, 0
  local both, truth2, guess2 = 0, 0, 0
  for c = 1, k do
    local tp = counts[c][c]
    local f = ratio(2 * tp, truth[c] + guess[c])
    local at = 4 + 4 * (c - 1)
    result[at + 1], result[at + 2] = ratio(tp, guess[c]), ratio(tp, truth[c])
    result[at + 3], result[at + 4] = ratio(all - truth[c] - guess[c] + tp, all - truth[c]), f
    if truth[c] > 0 then recalls, seen = recalls + tp / truth[c], seen + 1 end
    if f == f then fs, used = fs + f, used + 1 end
    both = both + truth[c] * guess[c]
    truth2, guess2 = truth2 + truth[c] ^ 2, guess2 + guess[c] ^ 2
  end
  local spread = (all * all - guess2) * (all * all - truth2)
  result[1], result[2], result[3] = right / all, ratio(recalls, seen), ratio(fs, used)
  result[4] = spread > 0 and (right * all - both) / math.sqrt(spread) or 0.0
  return result
end

--- Values and intervals.
-- @tparam table e evidence
-- @treturn table overall: list of { name, value, low, high }; classes: list of { label, support, predicted, precision,
-- recall, specificity, f1 (each { value, low, high }), auc }; n_groups, grouped; log_loss; auc
function scores.of(e)
  local k, place = #e.labels, input.places(e.labels)
  local function count(y_true, y_pred)
    local counts = {}
    for i = 1, k do
      counts[i] = {}
      for j = 1, k do counts[i][j] = 0 end
    end
    for n, label in ipairs(y_true) do
      local row, column = counts[place[label]], place[y_pred[n]]
      row[column] = row[column] + 1
    end
    return counts
  end
  local function metric(y_true, y_pred) return measures(count(y_true, y_pred), k) end
  local groups, distinct = e.groups, nil
  if groups then distinct = #require("lubdub.order").unique(groups) end
  local interval
  if distinct and distinct < 2 then groups = nil end
  if e.n > 1 then
    interval = metrics.bootstrap(e.truth, e.predicted,
      { metric = metric, groups = groups, n_resamples = e.n_resamples, seed = math.tointeger(e.seed) or 0 })
  else
    local value = metric(e.truth, e.predicted)
    interval = { value = value, low = {}, high = {}, n_groups = 1, grouped = false }
  end
  local function at(i) return { interval.value[i], interval.low[i] or 0 / 0, interval.high[i] or 0 / 0 } end

  local found = { overall = {}, classes = {}, n_groups = interval.n_groups, grouped = groups ~= nil }
  for i, name in ipairs { "accuracy", "balanced accuracy", "macro F1", "Matthews' correlation" } do
    found.overall[i] = { name = name, table.unpack(at(i)) }
  end
  local counts, areas, n_areas = count(e.truth, e.predicted), 0, 0
  for c, label in ipairs(e.labels) do
    local support, predicted, positive, column = 0, 0, {}, {}
    for j = 1, k do support, predicted = support + counts[c][j], predicted + counts[j][c] end
    for i, row in ipairs(e.scores) do positive[i], column[i] = e.truth[i] == label and 1 or 0, row[c] end
    local auc = 0 / 0
    if support > 0 and support < e.n then
      auc = roc.roc_auc_score(positive, column)
      areas, n_areas = areas + auc, n_areas + 1
    end
    local base = 4 + 4 * (c - 1)
    found.classes[c] = { label = label, support = support, predicted = predicted, auc = auc, precision = at(base + 1),
      recall = at(base + 2), specificity = at(base + 3), f1 = at(base + 4) }
  end
  found.auc = n_areas > 0 and areas / n_areas or 0 / 0
  -- outputs that are no probabilities have none
  local ok, loss = pcall(warning.quietly, metrics.log_loss, e.truth, e.tensor, { labels = e.labels })
  found.log_loss = ok and loss or nil
  found.most = 0
  for _, class in ipairs(found.classes) do found.most = math.max(found.most, class.support) end
  return found
end

return scores
