--- One seed for everything that is not given its own.
-- Whoever needs random numbers and was given no seed (a model's weights, the order and the dropout of a
-- fit) draws the next one here. The first is always the same, so a script gives the same result each
-- time that it runs; `lubdub.set_seed(n)` chooses another.
-- @module lubdub.seed
local seed = {}

local base, drawn = 0, 0

--- Mixes two whole numbers into one seed. The finalizer is splitmix64's (Steele, Lea, Flood 2014).
-- @tparam integer key
-- @tparam integer word
-- @treturn integer from 0 to 4294967295
function seed.mix(key, word)
  local z = key + 0x9E3779B97F4A7C15 * (word + 1)
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return (z ~ (z >> 31)) & 0xffffffff
end

--- Checks a seed that a caller gave.
-- @tparam string where the function's name, for the message
-- @param value
-- @treturn integer
function seed.check(where, value)
  local whole = math.type(value) and math.tointeger(value)
  if not whole or whole < 0 or whole > 0xffffffff then
    local got = type(value) == "number" and tostring(value) or type(value)
    error(("%s: seed must be a whole number from 0 to 4294967295, got %s"):format(where, got), 3)
  end
  return whole
end

--- Starts anew with seed `n`: what follows is the same each time.
-- @tparam integer n from 0 to 4294967295
-- @usage lubdub.set_seed(42)
function seed.set_seed(n)
  base, drawn = seed.check("set_seed", n), 0
end

--- Starts anew with seed `n` until the end of a block, and then goes on as if nothing had been:
-- `local scope <close> = seeds.scope(7)`.
-- @tparam integer n from 0 to 4294967295
-- @return to be closed
function seed.scope(n)
  local old_base, old_drawn = base, drawn
  seed.set_seed(n)
  return setmetatable({}, { __close = function() base, drawn = old_base, old_drawn end })
end

--- The next seed for whoever was given none.
-- @treturn integer from 0 to 4294967295
function seed.next()
  drawn = drawn + 1
  return seed.mix(base, drawn)
end

return seed
