--- How good probabilities are: log loss and Brier score.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local probability = {}

local function in_range(where, x)
  if x < 0 or x > 1 then blame("%s: y_proba must be probabilities from 0 to 1, got %g", where, x) end
end

-- Rows of probabilities, checked, and the column of each sample's true class.
local function rows_of(where, y_true, y_proba, o)
  local truth, kind = input.labels(where, "y_true", y_true)
  if #truth == 0 then blame("%s: y_true is empty", where) end
  local scores, columns, epsilon = input.scores(where, "y_proba", y_proba, #truth)
  local labels = input.classes(where, truth, kind, o.labels)
  if #labels < 2 then
    blame("%s: y_true holds one class only; name all classes with the option labels", where)
  end
  local rows, odd = {}, false
  for i, row in ipairs(scores) do
    if columns == 0 then
      in_range(where, row)
      rows[i] = { 1 - row, row }
    else
      for _, x in ipairs(row) do in_range(where, x) end
      rows[i] = row
    end
    odd = odd or math.abs(input.sum(rows[i]) - 1) > math.sqrt(epsilon)
  end
  if odd then warning.warn(where .. ": rows of y_proba do not sum to 1") end
  if #rows[1] ~= #labels then
    blame("%s: y_proba has %d columns for %d classes%s", where, #rows[1], #labels,
      o.labels and "" or "; name the class of each column with the option labels")
  end
  local place, target = input.places(labels), {}
  for i, label in ipairs(truth) do target[i] = place[label] end
  return rows, target, epsilon
end

--- The mean of -log(probability given to the true class), natural logarithm.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_proba (n, classes) in the order of the sorted labels, or (n) for the second of two classes;
-- clipped by one rounding step from 0 and 1 (2^-23 for a tensor, 2^-52 for a table)
-- @tparam[opt] table given
-- @tparam ?table given.labels the class of each column, sorted (default: those in y_true)
-- @tparam ?boolean given.normalize false: the sum instead of the mean
-- @tparam ?table|Tensor given.sample_weight
-- @treturn number
function probability.log_loss(y_true, y_proba, given)
  local where = "log_loss"
  local o = options.read(where, given, { labels = false, normalize = true, sample_weight = false })
  local rows, target, epsilon = rows_of(where, y_true, y_proba, o)
  local weights, losses = input.weights(where, o.sample_weight, #rows), {}
  for i, row in ipairs(rows) do
    losses[i] = -math.log(math.min(math.max(row[target[i]], epsilon), 1 - epsilon))
  end
  if o.normalize then return input.mean(losses, weights) end
  if weights then
    for i, weight in ipairs(weights) do losses[i] = losses[i] * weight end
  end
  return input.sum(losses)
end

--- The mean squared distance between the probabilities and the truth; half of it for two classes, so that it is
-- from 0 to 1.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_proba (n, classes) in the order of the sorted labels, or (n) for the positive one of two
-- @tparam[opt] table given
-- @tparam ?any given.pos_label the class that (n) is about (default: the one that sorts last, for numbers)
-- @tparam ?table given.labels the class of each column, sorted (default: those in y_true)
-- @tparam ?string|boolean given.scale_by_half "auto" (for two classes), true or false
-- @tparam ?table|Tensor given.sample_weight
-- @treturn number
function probability.brier_score_loss(y_true, y_proba, given)
  local where = "brier_score_loss"
  local o = options.read(where, given,
    { pos_label = options.none, labels = false, scale_by_half = "auto", sample_weight = false })
  input.choice(where, "scale_by_half", o.scale_by_half, { "auto", true, false })
  local truth, kind = input.labels(where, "y_true", y_true)
  if #truth == 0 then blame("%s: y_true is empty", where) end
  local scores, columns = input.scores(where, "y_proba", y_proba, #truth)
  local rows, target
  if columns == 0 then
    local seen = input.unique(truth)
    local positive = o.pos_label
    if positive == nil and kind ~= "string" then positive = seen[#seen] end
    if #seen > 2 then blame("%s: y_proba must have a column for each of %d classes", where, #seen) end
    if positive == nil then blame("%s: name the positive class with the option pos_label", where) end
    rows, target = {}, {}
    for i, p in ipairs(scores) do
      in_range(where, p)
      rows[i], target[i] = { 1 - p, p }, truth[i] == positive and 2 or 1
    end
  else
    rows, target = rows_of(where, y_true, y_proba, o)
  end
  local squares = {}
  for i, row in ipairs(rows) do
    local total = 0
    for c, p in ipairs(row) do total = total + (p - (c == target[i] and 1 or 0)) ^ 2 end
    squares[i] = total
  end
  local score = input.mean(squares, input.weights(where, o.sample_weight, #rows))
  local half = o.scale_by_half
  if half == "auto" then half = #rows[1] < 3 end
  return half and score / 2 or score
end

return probability
