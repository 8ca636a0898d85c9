--- Rows chosen from a data set, and put in order.
-- @module lubdub.dataset.choose
local blame = require "lubdub.blame"
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local order = require "lubdub.order"
local random = require "lubdub.random"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"

local methods = object.methods

--- The rows that a function says yes to.
-- @tparam function f of row, position
-- @treturn Dataset
function methods:filter(f)
  if type(f) ~= "function" then
    blame("Dataset:filter: expected a function of a row, got %s (for column = value there is where)", type(f))
  end
  local rows = {}
  for i, clip in self:iter() do
    if f(clip, i) then rows[#rows + 1] = clip end
  end
  return object.new(rows)
end

--- The rows with these values: `clips:where { label = "murmur", set = { "a", "b" } }`.
-- @tparam table wanted column = value, a list of values, or false for rows without a value
-- @treturn Dataset
function methods:where(wanted)
  if type(wanted) ~= "table" then
    blame("Dataset:where: expected columns and values { label = \"murmur\" }, got %s", type(wanted))
  end
  local sets = {}
  for name, value in pairs(wanted) do
    values.known(self, "Dataset:where", name)
    sets[name] = {}
    for _, v in ipairs(type(value) == "table" and value or { value }) do sets[name][v] = true end
  end
  return self:filter(function(clip)
    for name, set in pairs(sets) do
      if not set[clip[name] or false] then return false end
    end
    return true
  end)
end

--- The rows at these positions, in this order.
-- @tparam table positions from 1
-- @treturn Dataset
function methods:take(positions)
  local rows = {}
  for i = 1, #positions do
    rows[i] = object.rows(self)[positions[i]]
    if not rows[i] then
      blame("Dataset:take: no row %s, there are %d", tostring(positions[i]), #self)
    end
  end
  return object.new(rows)
end

local function count(where, n)
  if n == nil then return 5 end
  if math.type(n) ~= "integer" or n < 0 then
    blame("%s: expected a number of rows, got %s", where, tostring(n))
  end
  return n
end

--- The first rows.
-- @tparam ?integer n (default 5)
-- @treturn Dataset
function methods:head(n)
  return object.new(table.move(object.rows(self), 1, math.min(count("Dataset:head", n), #self), 1, {}))
end

--- The last rows.
-- @tparam ?integer n (default 5)
-- @treturn Dataset
function methods:tail(n)
  n = count("Dataset:tail", n)
  return object.new(table.move(object.rows(self), math.max(#self - n, 0) + 1, #self, 1, {}))
end

--- The first row of each value of a column, or of each combination of values of several.
-- @tparam string|table ... names of columns, or a list of them
-- @treturn Dataset
function methods:drop_duplicates(...)
  local names = values.names(self, "Dataset:drop_duplicates", ...)
  local seen, COUNTED = {}, {}
  return self:filter(function(clip)
    local at = seen
    for _, name in ipairs(names) do
      local value = clip[name]
      if value == nil or value ~= value then value = seen end -- any key that no column can hold
      at[value] = at[value] or {}
      at = at[value]
    end
    local first = not at[COUNTED]
    at[COUNTED] = true
    return first
  end)
end

--- Some rows at random: `clips:sample(5, { seed = 1 })`, `clips:sample { frac = 0.1 }`.
-- @tparam integer n
-- @tparam ?table given `seed`; `replace`: false (true: a row may come again); `frac`: a share of the rows, for n
-- @treturn Dataset
function methods:sample(n, given)
  if type(n) == "table" then n, given = n.n, n end
  local o = options.read("Dataset:sample", given, { seed = options.none, replace = false, frac = options.none,
    n = options.none })
  if o.frac ~= nil then
    if n ~= nil then blame "Dataset:sample: give n or frac, not both" end
    if not math.type(o.frac) or not (o.frac >= 0 and o.frac < math.huge) then
      blame("Dataset:sample: frac must be a share of the rows, got %s", tostring(o.frac))
    end
    local exact = o.frac * #self
    n = math.floor(exact + 0.5)
    if exact % 1 == 0.5 and n % 2 == 1 then n = n - 1 end -- as Python rounds
  end
  if n == nil then n = 1 end
  return self:take(random.check(o.seed, "Dataset:sample"):choice(#self, n, { replace = o.replace }))
end

--- The rows whose recording can be read, and the others, which get a column `reason`. Reads the headers.
-- @treturn Dataset readable
-- @treturn Dataset unreadable
function methods:readable()
  local good, bad = {}, {}
  for _, clip in self:iter() do
    local reason = row.unreadable(clip)
    if reason then
      local data = row.copy(clip)
      data.reason = reason
      bad[#bad + 1] = row.new(data, clip)
    else
      good[#good + 1] = clip
    end
  end
  return object.new(good), object.new(bad)
end

--- In random order: that of scikit-learn's `shuffle` for the same seed.
-- @tparam ?integer seed
-- @treturn Dataset
function methods:shuffle(seed)
  if type(seed) == "table" and getmetatable(seed) == nil then
    seed = options.read("Dataset:shuffle", seed, { seed = options.none }).seed
  end
  return object.new(random.check(seed, "Dataset:shuffle"):permutation(object.rows(self)))
end

--- Sorted by a column, by several, or by what a function gives for each row; equal ones stay in order, and rows
-- without a value come last, as in pandas.
-- @param by column name, a list of names (the first decides first), or function of a row
-- @tparam ?table given `reverse`: false; `ascending` = false is the same as reverse = true
-- @treturn Dataset
function methods:sort(by, given)
  local o = options.read("Dataset:sort", given, { reverse = false, ascending = true })
  local reverse = o.reverse ~= (not o.ascending)
  if type(by) == "table" then
    local sorted = self
    for j = #by, 1, -1 do sorted = sorted:sort(by[j], given) end
    return sorted
  end
  if type(by) ~= "function" then values.known(self, "Dataset:sort", by) end
  local keys, with, without = {}, {}, {}
  for i, clip in self:iter() do
    local key
    if type(by) == "function" then key = by(clip) else key = clip[by] end
    if key == nil or key ~= key then
      without[#without + 1] = i
    else
      keys[#keys + 1], with[#with + 1] = key, i
    end
  end
  order.check("Dataset:sort", "key", keys)
  local sorted = {}
  for place, at in ipairs(order.argsort(keys, reverse)) do sorted[place] = with[at] end
  return self:take(table.move(without, 1, #without, #sorted + 1, sorted))
end
