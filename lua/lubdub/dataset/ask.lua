--- Questions to a data set: its columns, their values, how often each occurs.
-- @module lubdub.dataset.ask
local counts = require "lubdub.dataset.counts"
local object = require "lubdub.dataset.object"
local order = require "lubdub.order"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"

local methods = object.methods

--- The names of the columns.
-- @treturn table a list: the usual ones first, then by name
function methods:columns()
  local there = {}
  for _, clip in self:iter() do
    for name in pairs(row.data(clip)) do there[name] = true end
  end
  if there.path or there.audio then there.duration, there.samplerate = true, true end
  return row.names(there)
end

--- The values of one column, in the order of the rows.
-- @tparam string name
-- @param[opt] default what stands for a missing value
-- @treturn table a list with a value for each row
-- @raise where values are missing and no default is given
function methods:column(name, default)
  if default == nil then return values.complete(self, "Dataset:column", name) end
  local list = values.all(self, name)
  for i = 1, #self do
    if list[i] == nil then list[i] = default end
  end
  return list
end

--- How many rows there are, or how many of them have a value in a column.
-- @tparam ?string name
-- @treturn integer
function methods:count(name)
  if name == nil then return #self end
  values.known(self, "Dataset:count", name)
  local _, filled = values.all(self, name)
  return filled
end

--- The distinct values of a column, sorted; missing ones are left out.
-- @tparam string name
-- @treturn table a list, which prints
function methods:unique(name)
  return values.printed(self:value_counts(name):keys())
end

--- How often each value of a column occurs; missing ones are left out.
-- @tparam string name
-- @treturn Counts `counts.normal` is a number; `pairs` goes from the most frequent down; prints as a table
function methods:value_counts(name)
  values.known(self, "Dataset:value_counts", name)
  local list = values.all(self, name)
  local present = {}
  for i = 1, #self do
    if list[i] ~= nil then present[#present + 1] = list[i] end
  end
  order.check("Dataset:value_counts", ("values of %q"):format(name), present)
  return counts(name, present)
end

--- The parts of each value of a column, or of each combination of values of several (lubdub.dataset.group_by):
-- `for label, part in clips:group_by "label" do`, `clips:group_by("set", "label"):count()`, `:mean "duration"`.
-- @tparam string|table ... names of columns, or a list of them
-- @treturn GroupBy an iterator of value (sorted), data set, with count, mean, median, std, sum, min, max, describe,
-- nunique, get; rows without a value are left out
function methods:group_by(...)
  return require "lubdub.dataset.group_by"(self, ...)
end

--- The first rows as a table: `print(clips:show(5))`.
-- @tparam ?integer n how many (default 10)
-- @tparam ?integer width in characters (default: that of the terminal; without one, all columns)
-- @treturn string
function methods:show(n, width)
  return require "lubdub.dataset.show"(self, n, width)
end
