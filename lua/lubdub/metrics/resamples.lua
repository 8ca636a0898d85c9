--- What a metric sees of a bootstrap's resamples: the rows of the drawn groups, or counts of their pairs.
-- @module lubdub.metrics.resamples
local core = require "lubdub.core"
local input = require "lubdub.metrics.input"
local order = require "lubdub.order"

local resamples = {}

--- Metrics that ask only how often each pair of labels occurs, and take that as `sample_weight`.
resamples.of_counts = {}
for _, name in ipairs {
  "accuracy_score", "balanced_accuracy_score", "matthews_corrcoef", "cohen_kappa_score", "precision_score",
  "recall_score", "sensitivity_score", "specificity_score", "f1_score", "fbeta_score",
} do
  resamples.of_counts[name] = true
end

--- The rows of each group; every row is its own where there are none.
function resamples.groups(where, groups, n)
  local rows = {}
  if not groups then
    for i = 1, n do rows[i] = { i } end
    return rows
  end
  order.check(where, "groups", groups, n)
  local _, places = order.unique(groups)
  for i = 1, n do
    local list = rows[places[i]] or {}
    list[#list + 1] = i
    rows[places[i]] = list
  end
  return rows
end

-- Rows of a list or a tensor, some of them several times.
local function take(values, rows)
  if not values then return nil end
  if core.Tensor.is(values) then return values:take(rows) end
  local result = {}
  for i, row in ipairs(rows) do result[i] = values[row] end
  return result
end

--- All rows of the drawn groups, in the order of the draw.
-- @tparam string _ the asking function
-- @tparam table groups rows of each
-- @tparam table|Tensor y_true
-- @tparam table|Tensor y_pred
-- @tparam ?table|Tensor sample_weight
-- @treturn function (drawn places) -> y_true, y_pred, sample_weight
function resamples.rows(_, groups, y_true, y_pred, sample_weight)
  return function(places)
    local rows, n = {}, 0
    for _, place in ipairs(places) do
      local group = groups[place]
      table.move(group, 1, #group, n + 1, rows)
      n = n + #group
    end
    return take(y_true, rows), take(y_pred, rows), take(sample_weight, rows)
  end
end

--- Each pair of labels that occurs in the drawn groups once, weighted by how often it does: a handful of rows instead
-- of thousands, and the same score.
-- @tparam string where the asking function, for messages
-- @tparam table groups rows of each
-- @tparam table|Tensor y_true
-- @tparam table|Tensor y_pred
-- @tparam ?table|Tensor sample_weight
-- @treturn function as of `rows`
function resamples.pairs(where, groups, y_true, y_pred, sample_weight)
  local pair = input.pair(where, y_true, y_pred, sample_weight)
  local numbers, truths, guesses, n = {}, {}, {}, 0
  local cells, weights = {}, {} -- of each group, with a pair as often as the group has it
  for g, rows in ipairs(groups) do
    local own, weight = {}, pair.weights and {}
    for k, i in ipairs(rows) do
      local truth, guess = pair.truth[i], pair.predicted[i]
      local of_truth = numbers[truth] or {}
      numbers[truth] = of_truth
      if not of_truth[guess] then
        n = n + 1
        of_truth[guess], truths[n], guesses[n] = n, truth, guess
      end
      own[k] = of_truth[guess]
      if weight then weight[k] = pair.weights[i] end
    end
    cells[g], weights[g] = own, weight
  end
  return function(places)
    local counts, met = {}, {}
    for c = 1, n do counts[c] = 0 end
    for _, place in ipairs(places) do
      local weight = weights[place]
      for k, c in ipairs(cells[place]) do
        counts[c] = counts[c] + (weight and weight[k] or 1)
        met[c] = true
      end
    end
    local t, p, w, m = {}, {}, {}, 0
    for c = 1, n do
      if met[c] then -- a label of weight 0 is still a label
        m = m + 1
        t[m], p[m], w[m] = truths[c], guesses[c], counts[c]
      end
    end
    return t, p, w
  end
end

return resamples
