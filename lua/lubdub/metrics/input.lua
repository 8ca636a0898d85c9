--- What every metric reads: lists of labels, weights and scores, checked; and sums over them.
-- A list is an ordinary Lua table or a Tensor. Labels are strings, whole numbers or booleans, one kind per call.
-- @module lubdub.metrics.input
local blame = require "lubdub.blame"

local input = {}

local function is_tensor(value)
  local meta = getmetatable(value)
  return type(value) == "userdata" and type(meta) == "table" and meta.__name == "lubdub.Tensor"
end

local function describe(value)
  if is_tensor(value) then return "a tensor (" .. table.concat(value:shape(), ", ") .. ")" end
  if type(value) == "string" then return ("%q"):format(value) end
  if value ~= value then return "nan" end
  return type(value) == "table" and "a table" or tostring(value)
end
input.describe = describe

--- A plain list of what a table or a tensor (n) or (n, 1) holds.
local function list(where, name, value, what)
  if is_tensor(value) then
    local shape = value:shape()
    if #shape == 2 and shape[2] == 1 then
      local flat = {}
      for i, row in ipairs(value:totable()) do flat[i] = row[1] end
      return flat
    end
    if #shape == 1 then return value:totable() end
  elseif type(value) == "table" then
    return value
  end
  blame("%s: %s must be a list of %s or a tensor (n), got %s", where, name, what, describe(value))
end

--- Order by bytes (in UTF-8 that of code points), whatever the locale; numbers by value; false before true.
local function before(a, b)
  if type(a) == "boolean" then return not a and b end
  if type(a) == "number" then return a < b end
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local kinds = { string = "strings", number = "numbers", boolean = "booleans" }

--- A list of labels, checked, as a new table. A whole float becomes an integer: a tensor's 1.0 is the label 1.
-- @tparam string where the function, for messages
-- @tparam string name of the argument there
-- @param value what was given
-- @tparam ?string kind the type that the labels must have
-- @treturn table labels
-- @treturn string their type
function input.labels(where, name, value, kind)
  local given, labels = list(where, name, value, "labels"), {}
  for i = 1, #given do
    local label = given[i]
    local this = type(label)
    if not kinds[this] then
      blame("%s: %s[%d] must be a label (a string or a whole number), got %s", where, name, i, describe(label))
    end
    if this == "number" then
      label = math.tointeger(label)
        or blame("%s: %s[%d] must be a label (a string or a whole number), got %s", where, name, i, describe(given[i]))
    end
    kind = kind or this
    if this ~= kind then
      blame("%s: labels must be of one kind, but %s[%d] is a %s among %s", where, name, i, this, kinds[kind])
    end
    labels[i] = label
  end
  return labels, kind
end

--- The distinct labels of all the lists given, in order.
function input.unique(...)
  local seen, result = {}, {}
  for _, labels in ipairs { ... } do
    for _, label in ipairs(labels) do
      if not seen[label] then
        seen[label] = true
        result[#result + 1] = label
      end
    end
  end
  table.sort(result, before)
  return result
end

--- The places of labels: { [label] = place }.
function input.places(labels)
  local place = {}
  for i, label in ipairs(labels) do place[label] = i end
  return place
end

--- A list of `n` finite numbers (any count without `n`).
function input.numbers(where, name, value, n)
  local numbers = list(where, name, value, "numbers")
  if n and #numbers ~= n then
    blame("%s: %s must have as many values as y_true, %d, got %d", where, name, n, #numbers)
  end
  for i = 1, #numbers do
    local x = numbers[i]
    if type(x) ~= "number" or x ~= x or math.abs(x) == math.huge then
      blame("%s: %s[%d] must be a finite number, got %s", where, name, i, describe(x))
    end
  end
  return numbers
end

--- Weights of samples: nil where `value` is nil or false.
function input.weights(where, value, n)
  return value and input.numbers(where, "sample_weight", value, n) or nil
end

--- Truth and prediction, of the same length and kind, not empty.
-- @treturn table { truth =, predicted =, weights = or nil, kind =, labels = all that occur, in order }
function input.pair(where, y_true, y_pred, sample_weight)
  local truth, kind = input.labels(where, "y_true", y_true)
  local predicted = input.labels(where, "y_pred", y_pred, kind)
  if #truth ~= #predicted then
    blame("%s: y_true and y_pred must have the same length, got %d and %d", where, #truth, #predicted)
  end
  if #truth == 0 then blame("%s: y_true and y_pred are empty", where) end
  return {
    truth = truth,
    predicted = predicted,
    weights = input.weights(where, sample_weight, #truth),
    kind = kind,
    labels = input.unique(truth, predicted),
  }
end

--- Scores of `n` samples: a list of n numbers, or n rows of one number per class.
-- @treturn table the list, or the list of rows
-- @treturn integer columns (0 for a plain list)
-- @treturn number the smallest step from 1 in the numbers' own precision
function input.scores(where, name, value, n)
  local epsilon = is_tensor(value) and 2.0 ^ -23 or 2.0 ^ -52
  local rows = is_tensor(value) and value:totable() or value
  if type(rows) ~= "table" then
    blame("%s: %s must be a list or a tensor of numbers, got %s", where, name, describe(value))
  end
  if type(rows[1]) ~= "table" then return input.numbers(where, name, rows, n), 0, epsilon end
  if #rows ~= n then blame("%s: %s must have as many rows as y_true, %d, got %d", where, name, n, #rows) end
  local columns = #rows[1]
  for i, row in ipairs(rows) do
    if type(row) ~= "table" or #row ~= columns or columns == 0 then
      blame("%s: %s must have rows of the same length, but row %d has %s and row 1 has %d", where, name, i,
        type(row) == "table" and #row or describe(row), columns)
    end
    input.numbers(where, ("%s[%d]"):format(name, i), row)
  end
  if columns > 1 then return rows, columns, epsilon end
  local flat = {}
  for i, row in ipairs(rows) do flat[i] = row[1] end
  return flat, 0, epsilon
end

--- The classes of the columns of scores, sorted: those given, or those that occur.
-- @tparam string where
-- @tparam table truth labels
-- @tparam string kind their type
-- @tparam ?table|boolean given the option `labels`
-- @treturn table
function input.classes(where, truth, kind, given)
  if not given then return input.unique(truth) end
  local labels = input.labels(where, "labels", given, kind)
  local sorted, place = input.unique(labels), input.places(labels)
  for i in ipairs(labels) do
    if labels[i] ~= sorted[i] then
      blame("%s: labels must be sorted and without repetition, in the order of the columns", where)
    end
  end
  for i, label in ipairs(truth) do
    if not place[label] then
      blame("%s: y_true[%d] is %s, which is not among the labels", where, i, describe(label))
    end
  end
  return labels
end

--- The positive class of two: given, or 1 where the labels are 0 and 1 (or -1 and 1), or true.
-- @tparam string where
-- @tparam table labels all that occur, in order
-- @tparam string kind their type
-- @param given the option `pos_label`; nil where it was not given, and false, unless the labels are booleans
function input.positive(where, labels, kind, given)
  if given or given == false and kind == "boolean" then
    if kind == "boolean" and given == 1 then return true end
    return given
  end
  if kind == "boolean" then return true end
  local known, has = kind == "number", input.places(labels)
  for _, label in ipairs(labels) do known = known and (label == 0 or label == 1 or label == -1) end
  if not known or (has[0] and has[-1]) then
    local names = {}
    for i, label in ipairs(labels) do names[i] = describe(label) end
    blame("%s: name the positive class with the option pos_label, one of %s", where, table.concat(names, ", "))
  end
  return 1
end

--- A whole number of at least `least`.
function input.count(where, name, value, least)
  local n = math.type(value) and math.tointeger(value)
  if n and n >= least then return n end
  blame("%s: %s must be a whole number from %d, got %s", where, name, least, describe(value))
end

--- Scores of the positive class of two: a list, or the second of two columns.
-- @tparam string where
-- @tparam string name of the argument there
-- @param value
-- @tparam integer n
-- @tparam ?table labels that occur; more than two take no columns
function input.second_column(where, name, value, n, labels)
  local scores, columns = input.scores(where, name, value, n)
  if columns == 0 then return scores end
  if columns ~= 2 or labels and #labels > 2 then
    blame("%s: %s must be a list or a tensor (n) of the positive class' scores, got %d columns", where, name, columns)
  end
  local second = {}
  for i, row in ipairs(scores) do second[i] = row[2] end
  return second
end

--- One of several names, or an error that lists them. `false` stands for None.
function input.choice(where, name, value, choices)
  local names = {}
  for i, choice in ipairs(choices) do
    if value == choice then return value end
    names[i] = choice and ("%q"):format(choice) or "false"
  end
  blame("%s: %s must be %s or %s, got %s", where, name, table.concat(names, ", ", 1, #names - 1), names[#names],
    describe(value))
end

-- Sums from `first` to `last` in NumPy's order (eight running sums, halves above 128 values): with the same
-- rounding a report shows the same digits.
local function sum_of(x, first, last)
  local n = last - first + 1
  if n < 8 then
    local total = 0.0
    for i = first, last do total = total + x[i] end
    return total
  elseif n <= 128 then
    local r, whole = { table.unpack(x, first, first + 7) }, first + n - n % 8
    for i = first + 8, whole - 1, 8 do
      for j = 1, 8 do r[j] = r[j] + x[i + j - 1] end
    end
    local total = ((r[1] + r[2]) + (r[3] + r[4])) + ((r[5] + r[6]) + (r[7] + r[8]))
    for i = whole, last do total = total + x[i] end
    return total
  end
  local half = n // 2
  half = half - half % 8
  return sum_of(x, first, first + half - 1) + sum_of(x, first + half, last)
end

--- The sum of a list.
function input.sum(x) return sum_of(x, 1, #x) end

--- The mean of a list, weighted where weights are given; nan where they sum to 0.
function input.mean(x, weights)
  if not weights then return input.sum(x) / #x end
  local products = {}
  for i, value in ipairs(x) do products[i] = value * weights[i] end
  return input.sum(products) / input.sum(weights)
end

--- The value below which `share` (0 to 1) of a sorted list lies, as NumPy's quantile (linear).
function input.quantile(sorted, share)
  local place = share * (#sorted - 1)
  local i = math.min(math.floor(place), #sorted - 1)
  local part, a, b = place - i, sorted[i + 1], sorted[math.min(i + 2, #sorted)]
  return part >= 0.5 and b - (b - a) * (1 - part) or a + (b - a) * part
end

--- A value per class: a list that also knows its labels and prints with them.
function input.per_class(values, labels)
  return setmetatable(values, {
    __name = "lubdub.PerClass",
    __index = { labels = labels },
    __tostring = function(self)
      local parts = {}
      for i, value in ipairs(self) do
        local text = math.type(value) == "integer" and tostring(value) or ("%.4g"):format(value)
        parts[i] = ("%s = %s"):format(labels[i], text)
      end
      return "{ " .. table.concat(parts, ", ") .. " }"
    end,
  })
end

return input
