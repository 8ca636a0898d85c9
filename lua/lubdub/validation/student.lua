--- Quantiles of Student's t, for intervals of few numbers.
-- The distribution is the regularized incomplete beta function's: continued fraction by Lentz's method (W. Press et
-- al., Numerical Recipes, 3rd edition, 6.4), log-gamma by Lanczos' series, the quantile by bisection.
-- @module lubdub.validation.student
local student = {}

local lanczos = { 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7 }

-- ln gamma(x) for x >= 0.5
local function log_gamma(x)
  x = x - 1
  local sum = 0.99999999999980993
  for i, c in ipairs(lanczos) do sum = sum + c / (x + i) end
  local t = x + 7.5
  return 0.5 * math.log(2 * math.pi) + (x + 0.5) * math.log(t) - t + math.log(sum)
end

local TINY, ROUNDS = 1e-300, 500

local function fraction(a, b, x)
  local function away(v) return math.abs(v) < TINY and TINY or v end
  local c, d = 1, 1 / away(1 - (a + b) * x / (a + 1))
  local h = d
  for m = 1, ROUNDS do
    local even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    h = h * d * c
    local odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    local step = d * c
    h = h * step
    if math.abs(step - 1) < 1e-16 then break end
  end
  return h
end

local function beta(a, b, x)
  if x <= 0 then return 0 end
  if x >= 1 then return 1 end
  local front = math.exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * math.log(x) + b * math.log(1 - x))
  if x < (a + 1) / (a + b + 2) then return front * fraction(a, b, x) / a end
  return 1 - front * fraction(b, a, 1 - x) / b
end

--- The probability of a value of at most t.
-- @tparam number t
-- @tparam number df degrees of freedom, at least 1
-- @treturn number
function student.cdf(t, df)
  local tail = 0.5 * beta(df / 2, 0.5, df / (df + t * t))
  return t > 0 and 1 - tail or tail
end

--- The value that is not exceeded with probability p.
-- @tparam number p above 0 and below 1
-- @tparam number df degrees of freedom, at least 1
-- @treturn number
function student.quantile(p, df)
  if p == 0.5 then return 0 end
  if p < 0.5 then return -student.quantile(1 - p, df) end
  local low, high = 0, 1
  while student.cdf(high, df) < p do low, high = high, high * 2 end
  for _ = 1, 200 do
    local middle = (low + high) / 2
    if middle == low or middle == high then break end
    if student.cdf(middle, df) < p then low = middle else high = middle end
  end
  return (low + high) / 2
end

return student
