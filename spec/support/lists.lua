--- Tensors as flat lists of numbers, and how far lists are apart.
local flat = require("support.float64").flat

local lists = {}

--- All elements.
function lists.of(tensor) return flat(tensor:totable()) end

--- The elements of each row.
function lists.rows(tensor)
  local list = {}
  for i, row in ipairs(tensor:totable()) do list[i] = flat(row) end
  return list
end

--- The largest difference between two flat lists, over the largest value of the second or `least` (1e-3).
function lists.relative_difference(got, expected, least)
  local difference, largest = 0, least or 1e-3
  assert(#expected == #got, "lists of one length are compared")
  for i, value in ipairs(expected) do
    difference = math.max(difference, math.abs(got[i] - value))
    largest = math.max(largest, math.abs(value))
  end
  return difference / largest
end

return lists
