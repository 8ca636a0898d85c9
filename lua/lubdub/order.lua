--- One order for labels, groups and paths: the same on every machine, and NumPy's.
-- Lua's `<` on strings follows the host's locale; here strings are ordered by their bytes, which for
-- UTF-8 is the order of code points.
-- @module lubdub.order
local blame = require "lubdub.blame"

local order = {}

local function bytes_less(a, b)
  local n = math.min(#a, #b)
  for i = 1, n do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local plain_locales = { C = true, POSIX = true }
local function numbers_less(a, b) return a < b end
local function booleans_less(a, b) return not a and b end

--- Sorts a list of strings, of numbers or of booleans in place.
-- @tparam table list all of one type
-- @tparam ?function key what an element is ordered by (without it, the element itself)
-- @treturn table the same list
function order.sort(list, key)
  local first = list[1]
  if key and first ~= nil then first = key(first) end
  local less = numbers_less
  if type(first) == "string" and not plain_locales[os.setlocale(nil, "collate")] then
    less = bytes_less
  elseif type(first) == "boolean" then
    less = booleans_less
  end
  if key then
    table.sort(list, function(a, b) return less(key(a), key(b)) end)
  else
    table.sort(list, less)
  end
  return list
end

--- Sorts positions 1..n stably by a list of `n` values, smallest first.
-- @tparam table values strings, numbers or booleans, all of one type
-- @tparam ?boolean descending largest first (equal ones still in their old order)
-- @treturn table positions
function order.argsort(values, descending)
  local rank = {}
  for place, value in ipairs(order.unique(values)) do rank[value] = descending and -place or place end
  local positions = {}
  for i = 1, #values do positions[i] = i end
  table.sort(positions, function(a, b)
    local x, y = rank[values[a]], rank[values[b]]
    if x ~= y then return x < y end
    return a < b
  end)
  return positions
end

--- The distinct values of a list, sorted; for each element its place among them; and how often each occurs.
-- @tparam table values strings, numbers or booleans, all of one type
-- @treturn table the distinct values
-- @treturn table element -> place, a list as long as `values`
-- @treturn table place -> count
function order.unique(values)
  local seen, distinct = {}, {}
  for i = 1, #values do
    local value = values[i]
    if not seen[value] then
      seen[value] = true
      distinct[#distinct + 1] = value
    end
  end
  order.sort(distinct)
  local counts = {}
  for place, value in ipairs(distinct) do
    seen[value] = place
    counts[place] = 0
  end
  local places = {}
  for i = 1, #values do
    local place = seen[values[i]]
    places[i] = place
    counts[place] = counts[place] + 1
  end
  return distinct, places, counts
end

local sortable = { string = true, number = true, boolean = true }

--- Checks a list of labels or groups: no holes in 1..n, one type that has an order, no NaN.
-- @tparam string where the asking function, for messages
-- @tparam string name the argument, for messages
-- @tparam table list
-- @tparam ?integer n how long it must be
function order.check(where, name, list, n)
  if type(list) ~= "table" then blame("%s: %s must be a list, got %s", where, name, type(list)) end
  if n and #list > n then blame("%s: %s has %d entries for %d rows", where, name, #list, n) end
  n = n or #list
  local kind
  for i = 1, n do
    local value = list[i]
    local got = type(value)
    if value == nil then
      blame("%s: %s is missing for row %d of %d", where, name, i, n)
    elseif not sortable[got] or value ~= value then
      got = got == "number" and "NaN" or "a " .. got
      blame("%s: %s of row %d must be a string or a number, got %s", where, name, i, got)
    elseif kind and kind ~= got then
      blame("%s: %s mix a %s (row 1) and a %s (row %d)", where, name, kind, got, i)
    end
    kind = got
  end
end

return order
