--- The numbers of a report, with intervals from one bootstrap over groups.
-- @module lubdub.report.scores
local input = require "lubdub.metrics.input"
local metrics = require "lubdub.metrics"
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

-- The rows from the lowest score of a class to the highest, and whether a row's score is above the one before.
local function ladder(e, c)
  local rows, steps = {}, {}
  for i = 1, e.n do rows[i] = i end
  table.sort(rows, function(a, b) return e.scores[a][c] < e.scores[b][c] end)
  for k, i in ipairs(rows) do steps[k] = k > 1 and e.scores[i][c] > e.scores[rows[k - 1]][c] end
  return { rows = rows, steps = steps }
end

-- The area under a class' ROC curve: how often a row of it has a higher score than a row of another class, ties half
-- (Mann and Whitney); row i counts times[i] times.
local function area(steps, times, truth, class)
  local below, others, own, wins, all = 0, 0, 0, 0, 0 -- below the present score; at it; pairs won, twice; own rows
  for k, i in ipairs(steps.rows) do
    if steps.steps[k] then
      wins, all = wins + own * (2 * below + others), all + own
      below, others, own = below + others, 0, 0
    end
    if truth[i] == class then own = own + times[i] else others = others + times[i] end
  end
  wins, all, below = wins + own * (2 * below + others), all + own, below + others
  return ratio(wins, 2 * all * below)
end

--- Values and intervals.
-- @tparam table e evidence
-- @treturn table overall: list of { name, value, low, high }; classes: list of { label, support, predicted, precision,
-- recall, specificity, f1, auc (each { value, low, high }) }; n_groups, grouped; log_loss; auc { value, low, high }
function scores.of(e)
  local k, place = #e.labels, input.places(e.labels)
  local truth, predicted, everyone, ladders = {}, {}, {}, {}
  for i = 1, e.n do truth[i], predicted[i], everyone[i] = place[e.truth[i]], place[e.predicted[i]], i end
  for c = 1, k do ladders[c] = ladder(e, c) end
  local function count(rows)
    local counts = {}
    for i = 1, k do
      counts[i] = {}
      for j = 1, k do counts[i][j] = 0 end
    end
    for _, i in ipairs(rows) do
      local row = counts[truth[i]]
      row[predicted[i]] = row[predicted[i]] + 1
    end
    return counts
  end
  -- measures, the areas of the classes, and their mean over the classes that have one
  local first_area = 4 + 4 * k
  local function metric(rows)
    local result, times, sum, n = measures(count(rows), k), {}, 0, 0
    for i = 1, e.n do times[i] = 0 end
    for _, i in ipairs(rows) do times[i] = times[i] + 1 end
    for c = 1, k do
      local one = area(ladders[c], times, truth, c)
      result[first_area + c] = one
      if one == one then sum, n = sum + one, n + 1 end
    end
    result[first_area + k + 1] = ratio(sum, n)
    return result
  end
  local groups, distinct = e.groups, nil
  if groups then distinct = #require("lubdub.order").unique(groups) end
  local interval
  if distinct and distinct < 2 then groups = nil end
  if e.n > 1 then
    interval = metrics.bootstrap(everyone, everyone,
      { metric = metric, groups = groups, n_resamples = e.n_resamples, seed = math.tointeger(e.seed) or 0 })
  else
    local value = metric(everyone)
    interval = { value = value, low = {}, high = {}, n_groups = 1, grouped = false }
  end
  local function at(i) return { interval.value[i], interval.low[i] or 0 / 0, interval.high[i] or 0 / 0 } end

  local found = { overall = {}, classes = {}, n_groups = interval.n_groups, grouped = groups ~= nil }
  for i, name in ipairs { "accuracy", "balanced accuracy", "macro F1", "Matthews' correlation" } do
    found.overall[i] = { name = name, table.unpack(at(i)) }
  end
  local counts = count(everyone)
  for c, label in ipairs(e.labels) do
    local support, guesses = 0, 0
    for j = 1, k do support, guesses = support + counts[c][j], guesses + counts[j][c] end
    local base = 4 + 4 * (c - 1)
    found.classes[c] = { label = label, support = support, predicted = guesses, precision = at(base + 1),
      recall = at(base + 2), specificity = at(base + 3), f1 = at(base + 4), auc = at(first_area + c) }
  end
  found.auc = at(first_area + k + 1)
  -- outputs that are no probabilities have none
  local ok, loss = pcall(warning.quietly, metrics.log_loss, e.truth, e.tensor, { labels = e.labels })
  found.log_loss = ok and loss or nil
  found.most = 0
  for _, class in ipairs(found.classes) do found.most = math.max(found.most, class.support) end
  return found
end

return scores
