--- New rows and columns from old ones.
-- @module lubdub.dataset.change
local blame = require "lubdub.blame"
local object = require "lubdub.dataset.object"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"

local methods = object.methods

--- New rows from a function. It gets a copy of each row, which it may change and return.
-- @tparam function f of row, position; returns a row (a table)
-- @treturn Dataset
function methods:map(f)
  if type(f) ~= "function" then blame("Dataset:map: expected a function of a row, got %s", type(f)) end
  local rows = {}
  for i, clip in self:iter() do
    local result = f(row.draft(clip), i)
    rows[i] = row.from("Dataset:map", result, i, clip)
  end
  return object.new(rows)
end

--- With one column new or replaced.
-- @tparam string name
-- @param what a list with a value for each row, a function of row and position, or one value for all
-- @treturn Dataset
function methods:with_column(name, what)
  if type(name) ~= "string" then blame("Dataset:with_column: expected a name, got %s", type(name)) end
  local each
  if type(what) == "function" then
    each = what
  elseif type(what) == "table" then
    if #what ~= #self then
      blame("Dataset:with_column: %d values for %d rows of column %q", #what, #self, name)
    end
    each = function(_, i) return what[i] end
  else
    each = function() return what end
  end
  return self:map(function(clip, i)
    clip[name] = each(object.rows(self)[i], i)
    return clip
  end)
end

--- With these columns only.
-- @tparam string ... names
-- @treturn Dataset
function methods:select(...)
  local names = table.pack(...)
  for _, name in ipairs(names) do
    values.known(self, "Dataset:select", name)
  end
  return self:map(function(clip)
    local data = {}
    for _, name in ipairs(names) do data[name] = clip[name] end
    return data
  end)
end

--- One behind the other.
-- @tparam Dataset ...
-- @treturn Dataset
function methods:concat(...)
  local rows = {}
  for i, part in ipairs { self, ... } do
    if not object.is(part) then
      blame("Dataset:concat: expected data sets, argument %d is a %s", i - 1, type(part))
    end
    table.move(object.rows(part), 1, #part, #rows + 1, rows)
  end
  return object.new(rows)
end
