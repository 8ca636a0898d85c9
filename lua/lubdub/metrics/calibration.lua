--- Whether probabilities mean what they say, and whether the truth is among the k likeliest classes.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local calibration = {}

-- Inner edges of the bins, as NumPy's linspace and percentile make them.
local function edges_of(strategy, n_bins, probabilities)
  local edges = {}
  for i = 1, n_bins - 1 do edges[i] = i * (1 / n_bins) end
  if strategy == "uniform" then return edges end
  local sorted = table.move(probabilities, 1, #probabilities, 1, {})
  table.sort(sorted)
  for i, share in ipairs(edges) do edges[i] = input.quantile(sorted, share * 100 / 100) end
  return edges
end

-- The first edge that is not below x, from 1; one more than the edges where all are.
local function bin_of(edges, x)
  local low, high = 1, #edges + 1
  while low < high do
    local middle = (low + high) // 2
    if edges[middle] < x then low = middle + 1 else high = middle end
  end
  return low
end

--- The share of positive samples and the mean probability in each bin of probabilities. Empty bins are left out.
-- @tparam table|Tensor y_true labels of two classes
-- @tparam table|Tensor y_prob (n) probabilities of the positive class; of two columns the second counts
-- @tparam[opt] table given
-- @tparam ?any given.pos_label the positive class (default 1 where the labels are 0 and 1)
-- @tparam ?integer given.n_bins how many bins (5)
-- @tparam ?string given.strategy "uniform" (bins of equal width) or "quantile" (of equally many samples)
-- @treturn table shares of positive samples
-- @treturn table mean probabilities
-- @treturn table samples in each bin
function calibration.calibration_curve(y_true, y_prob, given)
  local where = "calibration_curve"
  local o = options.read(where, given, { pos_label = options.none, n_bins = 5, strategy = "uniform" })
  input.choice(where, "strategy", o.strategy, { "uniform", "quantile" })
  local n_bins = input.count(where, "n_bins", o.n_bins, 1)
  local truth, kind = input.labels(where, "y_true", y_true)
  if #truth == 0 then blame("%s: y_true is empty", where) end
  local labels = input.unique(truth)
  local positive = input.positive(where, labels, kind, o.pos_label)
  if #labels > 2 then blame("%s: y_true must have two classes, got %d", where, #labels) end
  local probabilities = input.second_column(where, "y_prob", y_prob, #truth)
  for i, p in ipairs(probabilities) do
    if p < 0 or p > 1 then blame("%s: y_prob[%d] must be from 0 to 1, got %g", where, i, p) end
  end
  local edges, bins = edges_of(o.strategy, n_bins, probabilities), {}
  for i = 1, n_bins do bins[i] = { n = 0, positive = 0, sum = 0.0 } end
  for i, p in ipairs(probabilities) do
    local bin = bins[bin_of(edges, p)]
    bin.n, bin.sum = bin.n + 1, bin.sum + p
    if truth[i] == positive then bin.positive = bin.positive + 1 end
  end
  local shares, means, counts = {}, {}, {}
  for _, bin in ipairs(bins) do
    if bin.n > 0 then
      local i = #counts + 1
      shares[i], means[i], counts[i] = bin.positive / bin.n, bin.sum / bin.n, bin.n
    end
  end
  return shares, means, counts
end

-- Whether the true class is among the k highest; of equal scores the later column counts as higher.
local function among(row, target, k)
  local higher = 0
  for c, score in ipairs(row) do
    if score > row[target] or (score == row[target] and c > target) then higher = higher + 1 end
  end
  return higher < k
end

--- The share of samples whose true class is among the `k` with the highest scores.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score (n, classes) in the order of the sorted labels, or (n) for the second of two classes
-- @tparam[opt] table given
-- @tparam ?integer given.k how many classes count (2)
-- @tparam ?boolean given.normalize false: the number of samples instead of the share
-- @tparam ?table given.labels the class of each column, sorted (default: those in y_true)
-- @tparam ?table|Tensor given.sample_weight
-- @treturn number
function calibration.top_k_accuracy_score(y_true, y_score, given)
  local where = "top_k_accuracy_score"
  local o = options.read(where, given, { k = 2, normalize = true, labels = false, sample_weight = false })
  local k = input.count(where, "k", o.k, 1)
  local truth, kind = input.labels(where, "y_true", y_true)
  if #truth == 0 then blame("%s: y_true is empty", where) end
  local rows, columns = input.scores(where, "y_score", y_score, #truth)
  local labels = input.classes(where, truth, kind, o.labels)
  if #labels ~= math.max(2, columns) then
    blame("%s: y_score has %s columns for %d classes%s", where, columns > 0 and columns or "no", #labels,
      o.labels and "" or "; name the class of each column with the option labels")
  end
  if k >= #labels then
    warning.warn(("%s: k = %d of %d classes is always right"):format(where, k, #labels))
  end
  local weights, place = input.weights(where, o.sample_weight, #truth), input.places(labels)
  local threshold = 0.5
  for _, score in ipairs(columns == 0 and rows or {}) do
    if score < 0 or score > 1 then threshold = 0 end
  end
  local hits = {}
  for i, label in ipairs(truth) do
    local hit
    if columns == 0 then hit = k > 1 or (rows[i] > threshold) == (place[label] == 2)
    else hit = among(rows[i], place[label], k) end
    hits[i] = hit and 1.0 or 0.0
  end
  if o.normalize then return input.mean(hits, weights) end
  for i, weight in ipairs(weights or {}) do hits[i] = hits[i] * weight end
  return input.sum(hits)
end

return calibration
