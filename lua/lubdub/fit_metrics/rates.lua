--- Precision, recall and F-scores over the batches of a training, as Keras computes them.
-- Targets are like the outputs (one-hot, or 0 and 1), not class numbers. `class_id` counts from 1.
-- @module lubdub.fit_metrics.rates

--- The share of the positives found that are right.
-- @function Precision
-- @tparam ?table options name ("precision"), thresholds (false: 0.5, or none with top_k), top_k (false), class_id
-- (false; from 1)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.Precision { class_id = 1 }

--- The share of the positives that are found.
-- @function Recall
-- @tparam ?table options name ("recall"), thresholds (false: 0.5, or none with top_k), top_k (false), class_id
-- (false; from 1)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.Recall()

--- The harmonic mean of precision and recall.
-- @function F1Score
-- @tparam ?table options name ("f1_score"), average (false: one for each class; "micro", "macro", "weighted"),
-- threshold (false: the largest output counts)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.F1Score { average = "macro" }

--- F-score in which recall counts beta times as much as precision.
-- @function FBetaScore
-- @tparam ?table options name ("fbeta_score"), average (false: one for each class; "micro", "macro", "weighted"),
-- threshold (false: the largest output counts), beta (1)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.FBetaScore { average = "macro", beta = 2 }

local blame = require "lubdub.blame"
local class = require "lubdub.fit_metrics.class"
local counts = require("lubdub.core").counts

local EPSILON, LOWEST = 1e-7, -1e10 -- Keras' own

local function ratio(a, b) return b ~= 0 and a / b or 0.0 end

-- === precision and recall ===

local function check_hits(kind)
  return function(o)
    local level = o.thresholds
    if level and (type(level) ~= "number" or level < 0 or level > 1) then
      blame("%s: thresholds must be one number from 0 to 1, got %s", kind, tostring(level))
    end
    for _, name in ipairs { "top_k", "class_id" } do
      if o[name] and (math.type(o[name]) ~= "integer" or o[name] < 1) then
        blame("%s: %s must be a whole number of at least 1, got %s", kind, name, tostring(o[name]))
      end
    end
  end
end

local function hits(kind, name, value)
  return class(kind, { name = name, direction = "up", like_outputs = true, check = check_hits(kind), value = value,
    options = { thresholds = false, top_k = false, class_id = false },
    start = function(self) self.true_positives, self.false_positives, self.false_negatives = 0, 0, 0 end,
    add = function(self, y, p, w)
      local o = self.options
      local level = o.thresholds or (o.top_k and LOWEST or 0.5)
      local tp, fp, fn = counts.hits(y, p, w, level, o.top_k or nil, o.class_id or nil)
      self.true_positives, self.false_positives = self.true_positives + tp, self.false_positives + fp
      self.false_negatives = self.false_negatives + fn
    end })
end

local function precision(self) return ratio(self.true_positives, self.true_positives + self.false_positives) end
local function recall(self) return ratio(self.true_positives, self.true_positives + self.false_negatives) end

-- === F-scores ===

local averages = { micro = true, macro = true, weighted = true }

local function check_score(kind)
  return function(o)
    if o.average and not averages[o.average] then
      blame("%s: average must be \"micro\", \"macro\", \"weighted\" or false, got %s", kind, tostring(o.average))
    end
    if o.threshold and (type(o.threshold) ~= "number" or o.threshold <= 0 or o.threshold > 1) then
      blame("%s: threshold must be above 0 and at most 1, got %s", kind, tostring(o.threshold))
    end
    if o.beta and (type(o.beta) ~= "number" or o.beta ~= o.beta or o.beta <= 0) then
      blame("%s: beta must be above 0, got %s", kind, tostring(o.beta))
    end
  end
end

local function f_score(tp, fp, fn, beta)
  local p, r = tp / (tp + fp + EPSILON), tp / (tp + fn + EPSILON)
  return p * r / (beta * beta * p + r + EPSILON) * (1 + beta * beta)
end

local function total(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return sum
end

local function score(self)
  local tp, fp, fn, targets = table.unpack(self.sums)
  local beta, average = self.options.beta or 1, self.options.average
  if average == "micro" then return f_score(total(tp), total(fp), total(fn), beta) end
  local scores, weighted = {}, 0
  for c = 1, #tp do
    scores[c] = f_score(tp[c], fp[c], fn[c], beta)
    weighted = weighted + scores[c] * targets[c]
  end
  if average == "macro" then return #scores > 0 and total(scores) / #scores or 0.0 end
  if average == "weighted" then return weighted / (total(targets) + EPSILON) end
  return scores
end

local function f_scores(kind, name, own)
  return class(kind, { name = name, direction = "up", like_outputs = true, options = own,
    check = check_score(kind), value = score,
    start = function(self) self.sums = { {}, {}, {}, {} } end,
    add = function(self, y, p, w) counts.columns(y, p, w, self.options.threshold or nil, self.sums) end })
end

return {
  Precision = hits("Precision", "precision", precision),
  Recall = hits("Recall", "recall", recall),
  F1Score = f_scores("F1Score", "f1_score", { average = false, threshold = false }),
  FBetaScore = f_scores("FBetaScore", "fbeta_score", { average = false, threshold = false, beta = 1.0 }),
}
