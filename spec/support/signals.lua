--- Signals for golden values: spec/golden/make_features.py makes the same ones, bit for bit.
local Tensor = require("lubdub").Tensor

local shapes = {}

-- 24 bits of noise in [-1, 1) at a time.
local function noise()
  local x = 1
  return function()
    x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return (x >> 7) / 2 ^ 23 - 1
  end
end

function shapes.noise() return noise() end

function shapes.beats()
  local next_one = noise()
  return function(k) return next_one() * (k % 1800 < 400 and 1 or 1 / 64) end
end

function shapes.tone() return function(k) return (k * 37 % 1024) / 512 - 1 end end

function shapes.clipped()
  local next_one = noise()
  return function() return math.max(-1, math.min(1, 4 * next_one())) end
end

function shapes.impulse(n) return function(k) return k == n // 2 and 1 or 0 end end

function shapes.silence() return function() return 0 end end

--- @tparam string shape noise, beats, tone, clipped, impulse or silence
-- @tparam integer n samples
-- @treturn Tensor (n,)
return function(shape, n)
  local value, list = shapes[shape](n), {}
  for k = 0, n - 1 do list[k + 1] = value(k) end
  return Tensor(list)
end
