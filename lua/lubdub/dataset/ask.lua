--- Questions to a data set: its columns, their values, how often each occurs.
-- @module lubdub.dataset.ask
local counts = require "lubdub.dataset.counts"
local object = require "lubdub.dataset.object"
local order = require "lubdub.order"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"

local methods = object.methods

-- Names that come first when columns are listed; the others follow by name.
local usual = { path = 1, name = 2, label = 3, sublabel = 4, set = 5, group = 6, patient = 7, recording = 8, offset = 9,
  duration = 10, samplerate = 11, audio = 12 }

--- The names of the columns.
-- @treturn table a list: the usual ones first, then by name
function methods:columns()
  local there, names = {}, {}
  for _, clip in self:iter() do
    for name in pairs(row.data(clip)) do there[name] = true end
  end
  if there.path or there.audio then there.duration, there.samplerate = true, true end
  for name in pairs(there) do names[#names + 1] = name end
  return order.sort(names, function(name) return ("%02d %s"):format(usual[name] or 99, name) end)
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

--- The distinct values of a column, sorted; missing ones are left out.
-- @tparam string name
-- @treturn table a list
function methods:unique(name)
  return (self:value_counts(name):keys())
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

--- The rows of each value of a column: `for label, part in clips:group_by "label" do`.
-- @tparam string name
-- @treturn function an iterator of value (sorted), data set; rows without a value are left out
function methods:group_by(name)
  local keys, parts = self:value_counts(name):keys(), {}
  for _, key in ipairs(keys) do parts[key] = {} end
  for _, clip in self:iter() do
    local rows = parts[clip[name]]
    if rows then rows[#rows + 1] = clip end
  end
  local i = 0
  return function()
    i = i + 1
    if keys[i] ~= nil then return keys[i], object.new(parts[keys[i]]) end
    return nil
  end
end

--- The first rows as a table: `print(clips:show(5))`.
-- @tparam ?integer n how many (default 10)
-- @treturn string
function methods:show(n)
  return require "lubdub.dataset.show"(self, n)
end
