--- The area under a curve over the batches of a training, as Keras computes it: from counts at evenly spaced
-- thresholds. (lubdub.metrics.roc_auc_score is exact, and needs all rows at once.)
-- @module lubdub.fit_metrics.auc

--- The area under a curve, from counts at evenly spaced thresholds, or at 0, those given, and 1.
-- @function AUC
-- @tparam ?table options name ("auc"), num_thresholds (200), thresholds (false; or a list in their place), curve
-- ("ROC"; or "PR"), summation_method ("interpolation"; or "minoring", "majoring"), multi_label (false: all outputs in
-- one curve), from_logits (false)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.AUC { curve = "PR", multi_label = true }

local blame = require "lubdub.blame"
local class = require "lubdub.fit_metrics.class"
local counts = require("lubdub.core").counts

local function ratio(a, b) return b ~= 0 and a / b or 0.0 end

-- A rising copy of a list of thresholds.
local function sorted(thresholds)
  if type(thresholds) ~= "table" then blame("AUC: thresholds must be a list or false, got %s", type(thresholds)) end
  local list = {}
  for i, value in ipairs(thresholds) do
    if type(value) ~= "number" or not (value >= 0 and value <= 1) then
      blame("AUC: thresholds must be numbers from 0 to 1, got %s", tostring(value))
    end
    list[i] = value
  end
  if #list == 0 then blame "AUC: thresholds must be at least one" end
  table.sort(list)
  return list
end

local function check(o)
  if o.thresholds then
    o.thresholds = sorted(o.thresholds)
    o.num_thresholds = #o.thresholds + 2
  end
  if math.type(o.num_thresholds) ~= "integer" or o.num_thresholds < 2 or o.num_thresholds > 1000000 then
    blame("AUC: num_thresholds must be a whole number from 2 to 1000000, got %s", tostring(o.num_thresholds))
  end
  if o.curve ~= "ROC" and o.curve ~= "PR" then
    blame("AUC: curve must be \"ROC\" or \"PR\", got %s", tostring(o.curve))
  end
  local method = o.summation_method
  if method ~= "interpolation" and method ~= "minoring" and method ~= "majoring" then
    blame("AUC: summation_method must be \"interpolation\", \"minoring\" or \"majoring\", got %s", tostring(method))
  end
end

local function zeros(n)
  local list = {}
  for i = 1, n do list[i] = 0.0 end
  return list
end

local function label(self, number)
  local n = self.options.num_thresholds
  self.labels[number] = self.labels[number] or { positive = zeros(n), negative = zeros(n) }
  return self.labels[number]
end

local function add(self, y, p, w)
  local o, shape = self.options, p:shape()
  for number = 1, o.multi_label and shape[#shape] or 1 do
    local sums = label(self, number)
    counts.buckets(y, p, w, o.thresholds or o.num_thresholds, o.from_logits, o.multi_label and number or nil,
      sums.positive, sums.negative)
  end
end

-- How many positives and negatives lie above each threshold.
local function above(buckets)
  local list, sum = {}, 0
  for i = #buckets, 1, -1 do
    sum = sum + buckets[i]
    list[i] = sum
  end
  return list
end

-- The area under the precision over the recall: true positives change in a line with all positives between two
-- thresholds (Davis and Goadrich 2006).
local function interpolated_pr(tp, fp)
  local area = 0
  for i = 1, #tp - 1 do
    local here, following = tp[i] + fp[i], tp[i + 1] + fp[i + 1]
    local gained = tp[i] - tp[i + 1]
    local slope = ratio(gained, math.max(here - following, 0))
    local behind = tp[i + 1] - slope * following
    local share = here > 0 and following > 0 and here / following or 1
    area = area + ratio(slope * (gained + behind * math.log(share)), tp[1])
  end
  return area
end

local function area(o, sums)
  local tp, fp = above(sums.positive), above(sums.negative)
  if o.curve == "PR" and o.summation_method == "interpolation" then return interpolated_pr(tp, fp) end
  local x, y = {}, {}
  for i = 1, #tp do
    local recall = ratio(tp[i], tp[1])
    if o.curve == "ROC" then
      x[i], y[i] = ratio(fp[i], fp[1]), recall
    else
      x[i], y[i] = recall, ratio(tp[i], tp[i] + fp[i])
    end
  end
  local result = 0
  for i = 1, #tp - 1 do
    local height = (y[i] + y[i + 1]) / 2
    if o.summation_method == "minoring" then height = math.min(y[i], y[i + 1]) end
    if o.summation_method == "majoring" then height = math.max(y[i], y[i + 1]) end
    result = result + (x[i] - x[i + 1]) * height
  end
  return result
end

local function value(self)
  local sum = 0.0
  for _, sums in ipairs(self.labels) do sum = sum + area(self.options, sums) end
  return #self.labels > 0 and sum / #self.labels or 0.0
end

return {
  AUC = class("AUC", {
    name = "auc", direction = "up", like_outputs = true, check = check, add = add, value = value,
    options = { num_thresholds = 200, thresholds = false, curve = "ROC", summation_method = "interpolation",
      multi_label = false, from_logits = false },
    start = function(self) self.labels = {} end,
  }),
}
