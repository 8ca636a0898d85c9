--- Random numbers that are NumPy's, bit for bit: its legacy RandomState on the Mersenne Twister MT19937.
--
-- A seed gives the very permutations, shuffles, choices and uniform numbers that
-- `numpy.random.RandomState(seed)` gives, so that a split made here is the split that scikit-learn
-- makes. Positions count from 1: what NumPy calls `permutation(5)` of 0..4 is a permutation of 1..5.
--
-- The generator: M. Matsumoto and T. Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed
-- uniform pseudorandom number generator", ACM TOMACS 8 (1998), seeded as in the authors' revision of 2002.
--
--    local rng = lubdub.random.RandomState(42)
--    rng:permutation(5)              --> { 2, 5, 3, 1, 4 }
-- @module lubdub.random
-- @usage
-- local rng = lubdub.random.RandomState(42)
-- print(rng:randint(1, 7), rng:random_sample())
local blame = require "lubdub.blame"
local seeds = require "lubdub.seed"

local random = {}

local N, M = 624, 397

local RandomState = {}
RandomState.__index = RandomState
RandomState.__name = "lubdub.RandomState"

local function whole(where, name, value, low, high)
  local number = math.type(value) and math.tointeger(value)
  if not number or number < low or (high and number > high) then
    local wanted = high and ("a whole number from %d to %d"):format(low, high) or
      ("a whole number from %d"):format(low)
    local got = type(value) == "number" and tostring(value) or type(value)
    blame("%s: %s must be %s, got %s", where, name, wanted, got)
  end
  return number
end

local function reseed(self, seed)
  local key = self.key
  for i = 1, N do
    key[i] = seed
    seed = (1812433253 * (seed ~ seed >> 30) + i) & 0xffffffff
  end
  self.pos = N
end

--- A generator of its own.
-- @tparam ?integer seed from 0 to 4294967295; without one the next seed of `lubdub.set_seed`
-- @treturn RandomState
-- @usage
-- local rng = lubdub.random.RandomState(42)
-- print(rng:permutation(5)[1])
function random.RandomState(seed)
  if seed == nil then
    seed = seeds.next()
  else
    seed = whole("RandomState", "seed", seed, 0, 0xffffffff)
  end
  local self = setmetatable({ key = {}, words = {}, pos = N, start = seed }, RandomState)
  reseed(self, seed)
  return self
end

--- The generator for an option `seed`: a new one for a number, or for nil or false (with the next seed of
-- `lubdub.set_seed`); a given RandomState itself, which goes on from where it stands.
-- @param seed integer, RandomState, false or nil
-- @tparam ?string where the asking function's name, for messages
-- @treturn RandomState
function random.check(seed, where)
  if seed == nil or seed == false then return random.RandomState() end
  if getmetatable(seed) == RandomState then return seed end
  whole(where or "random.check", "seed", seed, 0, 0xffffffff)
  return random.RandomState(seed)
end

-- Makes the next 624 words, and tempers them.
local function twist(self)
  local key, words = self.key, self.words
  for i = 1, N do
    local after = key[i < N and i + 1 or 1]
    local y = key[i] & 0x80000000 | after & 0x7fffffff
    local far = key[i <= N - M and i + M or i + M - N]
    y = far ~ y >> 1 ~ (y & 1) * 0x9908b0df
    key[i] = y
    y = y ~ y >> 11
    y = y ~ y << 7 & 0x9d2c5680
    y = y ~ y << 15 & 0xefc60000
    words[i] = y ~ y >> 18
  end
  self.pos = 0
end

--- The next 32 bits of the generator.
-- @treturn integer from 0 to 4294967295
function RandomState:random_uint32()
  if self.pos == N then twist(self) end
  local pos = self.pos + 1
  self.pos = pos
  return self.words[pos]
end

-- A whole number from 0 to max <= 0xffffffff: bits under the smallest mask that covers max, drawn
-- again while they are above it.
local function mask_of(max)
  local mask = max
  mask = mask | mask >> 1
  mask = mask | mask >> 2
  mask = mask | mask >> 4
  mask = mask | mask >> 8
  return mask | mask >> 16
end

local function interval(self, max, mask)
  if max == 0 then return 0 end
  mask = mask or mask_of(max)
  local value
  repeat value = self:random_uint32() & mask until value <= max
  return value
end

-- n of them above `low`: the same words as by `interval`, without a call for each (a bootstrap draws millions).
local function intervals(self, low, max, n)
  local list, words, pos, mask = {}, self.words, self.pos, mask_of(max)
  for i = 1, n do
    local value = 0
    if max > 0 then
      repeat
        if pos == N then
          twist(self)
          pos = 0
        end
        pos = pos + 1
        value = words[pos] & mask
      until value <= max
    end
    list[i] = low + value
  end
  self.pos = pos
  return list
end

--- A whole number from 0 to `max`, both included, each as likely.
-- @tparam integer max from 0 to 4294967295
-- @treturn integer
function RandomState:random_interval(max)
  return interval(self, whole("random_interval", "max", max, 0, 0xffffffff))
end

--- A whole number from `low` to `high`, both included (NumPy's randint leaves `high` out).
-- @tparam integer low
-- @tparam integer high at least `low`
-- @tparam ?integer n how many; without it, one
-- @treturn integer|table
function RandomState:randint(low, high, n)
  low = whole("randint", "low", low, math.mininteger)
  high = whole("randint", "high", high, low, low + 0xffffffff)
  if n == nil then return low + interval(self, high - low) end
  n = whole("randint", "n", n, 0)
  return intervals(self, low, high - low, n)
end

--- Uniform numbers in [0, 1) with 53 random bits.
-- @tparam ?integer n how many; without it, one
-- @return a number, or a list of `n`
function RandomState:random_sample(n)
  local function one()
    local a, b = self:random_uint32() >> 5, self:random_uint32() >> 6
    return (a * 67108864.0 + b) / 9007199254740992.0
  end
  if n == nil then return one() end
  local result = {}
  for i = 1, whole("random_sample", "n", n, 0) do result[i] = one() end
  return result
end

--- Shuffles a list in place.
-- @tparam table list
-- @treturn table the same list
function RandomState:shuffle(list)
  if type(list) ~= "table" then blame("shuffle: expected a list, got %s", type(list)) end
  for i = #list, 2, -1 do
    local j = interval(self, i - 1) + 1
    list[i], list[j] = list[j], list[i]
  end
  return list
end

-- 1..n, or a copy of a list.
local function sequence(where, what)
  local list = {}
  if type(what) == "table" then return table.move(what, 1, #what, 1, list) end
  for i = 1, whole(where, "n", what, 0) do list[i] = i end
  return list
end

--- A shuffled copy of a list, or the numbers 1 to `n` in random order.
-- @param what a list, or the integer `n`
-- @treturn table a new list
function RandomState:permutation(what)
  return self:shuffle(sequence("permutation", what))
end

--- A random part of a list, or of the numbers 1 to `n`.
-- @param what a list, or the integer `n`
-- @tparam ?integer size how many; without it, one, which is returned itself
-- @tparam ?table options `replace` (default true, as in NumPy): the same place may come again
-- @return an element, or a list of `size` elements
-- @raise when `size` is more than there are, without replacement
function RandomState:choice(what, size, options)
  local replace = require("lubdub.options").read("choice", options, { replace = true }).replace
  local from = sequence("choice", what)
  local n = size == nil and 1 or whole("choice", "size", size, 0)
  if #from == 0 and n > 0 then blame("choice: nothing to choose from") end
  local result = {}
  if replace then
    for i = 1, n do result[i] = from[interval(self, #from - 1) + 1] end
  else
    if n > #from then
      blame("choice: cannot take %d of %d without replacement", n, #from)
    end
    table.move(self:shuffle(from), 1, n, 1, result)
  end
  if size == nil then return result[1] end
  return result
end

function RandomState:__tostring()
  return ("RandomState(seed = %d)"):format(self.start)
end

return random
