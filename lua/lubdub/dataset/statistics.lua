--- Numbers about columns: what pandas' describe says, by its formulas.
-- @module lubdub.dataset.statistics
local blame = require "lubdub.blame"
local Table = require "lubdub.table"
local counts = require "lubdub.dataset.counts"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"

local statistics = {}

--- The numbers of a column; missing ones, and NaN, are left out, as in pandas.
-- @tparam Dataset clips
-- @tparam string name
-- @treturn table a sorted list
function statistics.numbers(clips, name)
  local list = {}
  for _, clip in clips:iter() do
    local value = row.peek(clip, name)
    if math.type(value) and value == value then list[#list + 1] = value end
  end
  table.sort(list)
  return list
end

--- The columns that hold numbers, and nothing else, where they hold something.
-- @tparam Dataset clips
-- @treturn table names, in the order of the columns
function statistics.number_columns(clips)
  local names = {}
  for _, name in ipairs(clips:columns()) do
    local numbers, some = true, false
    for _, clip in clips:iter() do
      local value = row.peek(clip, name)
      if value ~= nil then numbers, some = numbers and math.type(value) ~= nil, true end
    end
    if numbers and some then names[#names + 1] = name end
  end
  return names
end

--- Raises an error unless a column holds numbers only.
function statistics.check_numbers(clips, where, name)
  values.known(clips, where, name)
  for i, clip in clips:iter() do
    local value = row.peek(clip, name)
    if value ~= nil and not math.type(value) then
      blame("%s: column %q holds a %s in row %d, not a number", where, name, type(value), i)
    end
  end
end

function statistics.sum(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return sum
end

function statistics.mean(list)
  if #list == 0 then return nil end
  return statistics.sum(list) / #list
end

--- The deviation of a sample: divided by n - 1; nil of a single number.
function statistics.std(list)
  if #list < 2 then return nil end
  local mean, squares = statistics.mean(list), 0
  for _, value in ipairs(list) do squares = squares + (value - mean) ^ 2 end
  return math.sqrt(squares / (#list - 1))
end

--- A quantile of a sorted list, linear between two numbers (NumPy's and pandas' default).
function statistics.quantile(list, share)
  if #list == 0 then return nil end
  local at = 1 + share * (#list - 1)
  local low = math.tointeger(math.floor(at))
  local part = at - low
  if part == 0 then return list[low] end
  return list[low] + (list[low + 1] - list[low]) * part
end

local function of_numbers(clips, name)
  local list = statistics.numbers(clips, name)
  return { column = name, count = #list, mean = statistics.mean(list), std = statistics.std(list),
    min = statistics.quantile(list, 0), ["25%"] = statistics.quantile(list, 0.25),
    ["50%"] = statistics.quantile(list, 0.5), ["75%"] = statistics.quantile(list, 0.75),
    max = statistics.quantile(list, 1) }
end

-- Columns of names: how many, how many different ones, the most frequent, how often.
local function of_names(clips, name)
  local texts = {}
  for _, clip in clips:iter() do
    local value = row.peek(clip, name)
    if value ~= nil then texts[#texts + 1] = tostring(value) end
  end
  local found = counts(name, texts)
  local top, freq = pairs(found)()
  return { column = name, count = #texts, unique = #found, top = top, freq = freq }
end

--- What describe says of a column of numbers, or of names.
-- @treturn table name = value
function statistics.of(clips, name, is_number) return (is_number and of_numbers or of_names)(clips, name) end

--- The names of what `of` gives, in the order of print, after `first`.
-- @tparam table first names
-- @tparam boolean texts whether some column holds names
-- @tparam boolean numbers whether some column holds numbers
-- @treturn table the list `first`, longer
function statistics.titles(first, texts, numbers)
  first[#first + 1] = "count"
  for _, title in ipairs(texts and { "unique", "top", "freq" } or {}) do first[#first + 1] = title end
  for _, title in ipairs(numbers and { "mean", "std", "min", "25%", "50%", "75%", "max" } or {}) do
    first[#first + 1] = title
  end
  return first
end

--- Whether a column holds numbers.
function statistics.is_number(clips, name)
  for _, known in ipairs(statistics.number_columns(clips)) do
    if known == name then return true end
  end
  return false
end

--- What describe gives.
-- @tparam Dataset clips
-- @tparam table names of columns; none: all that hold numbers, or else all
-- @treturn lubdub.Table a row for each column
function statistics.describe(clips, names)
  for _, name in ipairs(names) do values.known(clips, "Dataset:describe", name) end
  if #names == 0 then
    names = statistics.number_columns(clips)
    if #names == 0 then names = clips:columns() end
  end
  local numbers, texts, rows = false, false, {}
  for i, name in ipairs(names) do
    local is_number = statistics.is_number(clips, name)
    rows[i] = statistics.of(clips, name, is_number)
    numbers, texts = numbers or is_number, texts or not is_number
  end
  return Table(statistics.titles({ "column" }, texts, numbers), rows)
end

return statistics
