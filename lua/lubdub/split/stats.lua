--- Mean and standard deviation with NumPy's order of additions, so that two nearly equal splits compare
-- here as they compare there.
-- @module lubdub.split.stats
local stats = {}

-- Up to 128 numbers: eight running sums, added in pairs, then the rest; longer lists are halved.
local function pairwise(list, first, n)
  if n < 8 then
    local sum = 0.0
    for i = first, first + n - 1 do sum = sum + list[i] end
    return sum
  elseif n <= 128 then
    local r = { table.unpack(list, first, first + 7) }
    local whole = n - n % 8
    for i = 8, whole - 1, 8 do
      for j = 1, 8 do r[j] = r[j] + list[first + i + j - 1] end
    end
    local sum = ((r[1] + r[2]) + (r[3] + r[4])) + ((r[5] + r[6]) + (r[7] + r[8]))
    for i = first + whole, first + n - 1 do sum = sum + list[i] end
    return sum
  end
  local half = n // 2
  half = half - half % 8
  return pairwise(list, first, half) + pairwise(list, first + half, n - half)
end

local function in_order(list, first, n)
  local sum = 0.0
  for i = first, first + n - 1 do sum = sum + list[i] end
  return sum
end

--- The mean.
-- @tparam table list of numbers
-- @treturn number
function stats.mean(list)
  return pairwise(list, 1, #list) / #list
end

--- The standard deviation over all of `list` (divided by n).
-- @tparam table list of numbers
-- @tparam ?boolean plain added one after the other, as NumPy adds along any but the last axis
-- @treturn number
function stats.std(list, plain)
  local sum, n = plain and in_order or pairwise, #list
  local mean = sum(list, 1, n) / n
  local squares = {}
  for i = 1, n do
    local d = list[i] - mean
    squares[i] = d * d
  end
  return math.sqrt(sum(squares, 1, n) / n)
end

return stats
