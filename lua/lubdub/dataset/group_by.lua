--- The parts of a data set, one for each value of a column, or for each combination of values of several.
--
--    for label, part in clips:group_by "label" do print(label, #part) end
--    print(clips:group_by("set", "label"):count())
--    print(clips:group_by "label":mean())
--
-- With one column the key is its value; with several it is a list of the values, which prints as "a, normal". The
-- parts come sorted by their keys; rows without a value in one of the columns are in none, as in pandas.
-- @module lubdub.dataset.group_by
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local Table = require "lubdub.table"
local object = require "lubdub.dataset.object"
local order = require "lubdub.order"
local statistics = require "lubdub.dataset.statistics"
local values = require "lubdub.dataset.values"

local NAMES, KEYS, PARTS, SELF = {}, {}, {}, {}

local methods = {}
local GroupBy = { __name = "lubdub.GroupBy" }

local Key = { __name = "lubdub.GroupKey", __tostring = function(key)
  local parts = {}
  for i, value in ipairs(key) do parts[i] = tostring(value) end
  return table.concat(parts, ", ")
end }

-- One row of the columns that say which part it is.
local function start(self, key)
  local names, row = self[NAMES], {}
  if #names == 1 then row[names[1]] = key end
  for j, name in ipairs(names) do row[name] = #names > 1 and key[j] or row[name] end
  return row
end

local function columns(self, ...)
  local names = table.move(self[NAMES], 1, #self[NAMES], 1, {})
  for _, name in ipairs { ... } do names[#names + 1] = name end
  return names
end

--- The part of a key, or nil: `groups:get "murmur"`, `groups:get("a", "murmur")`.
-- @param ... the values of the columns
-- @treturn ?Dataset
function methods:get(...)
  local wanted = table.pack(...)
  for i, key in ipairs(self[KEYS]) do
    local same = true
    for j = 1, #self[NAMES] do same = same and (#self[NAMES] > 1 and key[j] or key) == wanted[j] end
    if same then return self[PARTS][i] end
  end
  return nil
end

--- The keys, sorted.
-- @treturn table a list
function methods:keys() return table.move(self[KEYS], 1, #self[KEYS], 1, {}) end

--- How many rows each part has.
-- @treturn lubdub.Table with the column `count`
function methods:count()
  local rows = {}
  for i, key in ipairs(self[KEYS]) do
    rows[i] = start(self, key)
    rows[i].count = #self[PARTS][i]
  end
  return Table(columns(self, "count"), rows)
end

methods.size = methods.count -- pandas' name

-- One number for each part and column.
local function measure(where, number)
  return function(self, ...)
    local names = { ... }
    for _, name in ipairs(names) do statistics.check_numbers(self[SELF], where, name) end
    if #names == 0 then
      for _, name in ipairs(statistics.number_columns(self[SELF])) do
        local is_key = false
        for _, by in ipairs(self[NAMES]) do is_key = is_key or by == name end
        if not is_key then names[#names + 1] = name end
      end
    end
    if #names == 0 then blame("%s: no column holds numbers; there are: %s", where,
      table.concat(self[SELF]:columns(), ", ")) end
    local rows = {}
    for i, key in ipairs(self[KEYS]) do
      rows[i] = start(self, key)
      for _, name in ipairs(names) do rows[i][name] = number(statistics.numbers(self[PARTS][i], name)) end
    end
    return Table(columns(self, table.unpack(names)), rows)
  end
end

--- The means of columns of numbers in each part.
-- @function mean
-- @tparam ?string ... names (default: all columns of numbers)
-- @treturn lubdub.Table
methods.mean = measure("group_by:mean", statistics.mean)

--- The medians.
-- @function median
-- @tparam ?string ... names
-- @treturn lubdub.Table
methods.median = measure("group_by:median", function(list) return statistics.quantile(list, 0.5) end)

--- The standard deviations, of samples (n - 1); nan of a single number.
-- @function std
-- @tparam ?string ... names
-- @treturn lubdub.Table
methods.std = measure("group_by:std", statistics.std)

--- The sums.
-- @function sum
-- @tparam ?string ... names
-- @treturn lubdub.Table
methods.sum = measure("group_by:sum", statistics.sum)

--- The smallest numbers.
-- @function min
-- @tparam ?string ... names
-- @treturn lubdub.Table
methods.min = measure("group_by:min", function(list) return statistics.quantile(list, 0) end)

--- The largest numbers.
-- @function max
-- @tparam ?string ... names
-- @treturn lubdub.Table
methods.max = measure("group_by:max", function(list) return statistics.quantile(list, 1) end)

--- What `Dataset:describe` gives, for a column in each part: `clips:group_by "label":describe "duration"`.
-- @tparam string name
-- @treturn lubdub.Table
function methods:describe(name)
  values.known(self[SELF], "group_by:describe", name)
  local is_number, rows = statistics.is_number(self[SELF], name), {}
  for i, key in ipairs(self[KEYS]) do
    rows[i] = statistics.of(self[PARTS][i], name, is_number)
    rows[i].column = nil
    for by, value in pairs(start(self, key)) do rows[i][by] = value end
  end
  return Table(statistics.titles(columns(self), not is_number, is_number), rows)
end

--- How many different values of a column each part has: `clips:group_by "label":nunique "patient"`.
-- @tparam string name
-- @treturn lubdub.Table
function methods:nunique(name)
  values.known(self[SELF], "group_by:nunique", name)
  local rows = {}
  for i, key in ipairs(self[KEYS]) do
    local seen, n = {}, 0
    for _, clip in self[PARTS][i]:iter() do
      local value = clip[name]
      if value ~= nil and not seen[value] then seen[value], n = true, n + 1 end
    end
    rows[i] = start(self, key)
    rows[i][name] = n
  end
  return Table(columns(self, name), rows)
end

-- The parts are the iterator of a for loop themselves: the control variable tells where it is.
function GroupBy:__call(_, last)
  local keys, at = self[KEYS], 1
  while last ~= nil and not rawequal(keys[at], last) do at = at + 1 end
  if last ~= nil then at = at + 1 end
  return keys[at], self[PARTS][at]
end

function GroupBy:__len() return #self[KEYS] end
function GroupBy.__index(_, name)
  if methods[name] or type(name) ~= "string" or name:sub(1, 2) == "__" then return methods[name] end
  local names = {}
  for known in pairs(methods) do names[#names + 1] = known end
  local _, message = pcall(core.options.unknown, "group_by", name, names)
  blame("%s (a part is groups:get(value))", (message:gsub("unknown option", "there is no method", 1)))
end

function GroupBy:__tostring()
  return ("GroupBy %s: %d part%s\n%s"):format(table.concat(self[NAMES], ", "), #self[KEYS],
    #self[KEYS] == 1 and "" or "s", tostring(methods.count(self)))
end

--- Parts of parts, in the order of the columns.
local function divide(clips, names, at, prefix, keys, parts)
  local where, name = "Dataset:group_by", names[at]
  local list, present = values.all(clips, name), {}
  for i = 1, #clips do
    if list[i] ~= nil then present[#present + 1] = list[i] end
  end
  order.check(where, ("values of %q"):format(name), present)
  local rows = {}
  for i, clip in clips:iter() do
    local value = list[i]
    if value ~= nil then
      rows[value] = rows[value] or {}
      table.insert(rows[value], clip)
    end
  end
  for _, value in ipairs((order.unique(present))) do
    local part = object.new(rows[value])
    local key = table.move(prefix, 1, #prefix, 1, {})
    key[#key + 1] = value
    if at < #names then
      divide(part, names, at + 1, key, keys, parts)
    else
      keys[#keys + 1] = #names == 1 and value or setmetatable(key, Key)
      parts[#parts + 1] = part
    end
  end
end

--- @tparam Dataset self
-- @tparam string|table ... names of columns, at least one, or a list of them
-- @treturn GroupBy
return function(self, ...)
  local names = values.names(self, "Dataset:group_by", ...)
  local keys, parts = {}, {}
  divide(self, names, 1, {}, keys, parts)
  return setmetatable({ [NAMES] = names, [KEYS] = keys, [PARTS] = parts, [SELF] = self }, GroupBy)
end
