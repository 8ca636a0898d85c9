--- McNemar's test: whether two models that were tested on the same samples differ by more than chance.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"

local mcnemar = {}

-- The complementary error function of x >= 0: the series of erf for small x, else Laplace's continued fraction
-- (Abramowitz and Stegun 7.1.6 and 7.1.14).
local function erfc(x)
  if x < 2 then
    local term, sum, n = x, x, 0
    repeat
      n = n + 1
      term = term * 2 * x * x / (2 * n + 1)
      sum = sum + term
    until term < 1e-17 * sum or term == 0
    return 1 - 2 / math.sqrt(math.pi) * math.exp(-x * x) * sum
  end
  local tail = x
  for n = 200, 1, -1 do tail = x + n / 2 / tail end
  return math.exp(-x * x) / math.sqrt(math.pi) / tail
end

-- The probability of at most k heads in n throws of a coin.
local function binomial(k, n)
  local log_term = -n * math.log(2)
  for i = 1, k do log_term = log_term + math.log((n - i + 1) / i) end
  local term, sum = 1.0, 0.0
  for i = k, 0, -1 do -- relative to the last and largest
    sum = sum + term
    term = term * i / (n - i + 1)
  end
  return math.exp(log_term) * sum
end

local Result = { __name = "lubdub.McNemar" }

function Result:__tostring()
  return ("McNemar's test (%s): statistic %.4g, p = %.4g; right: both %d, only a %d, only b %d, none %d"):format(
    self.exact and "exact" or self.correction and "chi-squared, corrected" or "chi-squared", self.statistic,
    self.pvalue, self.table[1][1], self.table[1][2], self.table[2][1], self.table[2][2])
end

--- Compares two predictions of the same samples. Only the samples that one has right and the other wrong count.
-- The test takes samples for independent: with several recordings of a patient its p is too small.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred_a labels of one model
-- @tparam table|Tensor y_pred_b labels of the other
-- @tparam[opt] table given
-- @tparam ?boolean given.exact true (default): binomial; false: chi-squared with one degree of freedom
-- @tparam ?boolean given.correction of the chi-squared statistic for continuity (true)
-- @treturn table statistic, pvalue, table = { { both right, only a }, { only b, none } }; it prints
function mcnemar.mcnemar(y_true, y_pred_a, y_pred_b, given)
  local where = "mcnemar"
  local o = options.read(where, given, { exact = true, correction = true })
  input.choice(where, "exact", o.exact, { true, false })
  input.choice(where, "correction", o.correction, { true, false })
  local truth, kind = input.labels(where, "y_true", y_true)
  local a = input.labels(where, "y_pred_a", y_pred_a, kind)
  local b = input.labels(where, "y_pred_b", y_pred_b, kind)
  if #truth == 0 then blame("%s: y_true is empty", where) end
  if #a ~= #truth or #b ~= #truth then
    blame("%s: y_true, y_pred_a and y_pred_b must have the same length, got %d, %d and %d", where, #truth, #a, #b)
  end
  local counts = { { 0, 0 }, { 0, 0 } }
  for i, label in ipairs(truth) do
    local row, column = a[i] == label and 1 or 2, b[i] == label and 1 or 2
    counts[row][column] = counts[row][column] + 1
  end
  local only_a, only_b = counts[1][2], counts[2][1]
  local n, statistic, pvalue = only_a + only_b, 0, 1.0
  if o.exact then
    statistic = math.min(only_a, only_b)
    if only_a ~= only_b then pvalue = math.min(1.0, 2 * binomial(statistic, n)) end
  elseif n > 0 then
    statistic = (math.abs(only_a - only_b) - (o.correction and 1 or 0)) ^ 2 / n
    pvalue = erfc(math.sqrt(statistic / 2))
  end
  return setmetatable({ statistic = statistic, pvalue = pvalue, table = counts, exact = o.exact,
    correction = o.correction }, Result)
end

return mcnemar
