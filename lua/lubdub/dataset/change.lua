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
-- @tparam string|table ... names, or a list of them
-- @treturn Dataset
function methods:select(...)
  local names = values.names(self, "Dataset:select", ...)
  return self:map(function(clip)
    local data = {}
    for _, name in ipairs(names) do data[name] = clip[name] end
    return data
  end)
end

--- Without these columns.
-- @tparam string|table ... names, or a list of them
-- @treturn Dataset
function methods:drop(...)
  local names = values.names(self, "Dataset:drop", ...)
  return self:map(function(clip)
    for _, name in ipairs(names) do clip[name] = nil end
    return clip
  end)
end

--- With new names for columns: `clips:rename { subject = "patient" }`.
-- @tparam table names old = new
-- @treturn Dataset
function methods:rename(names)
  if type(names) ~= "table" then blame("Dataset:rename: expected { old = \"new\" }, got %s", type(names)) end
  local taken = {}
  for old, new in pairs(names) do
    values.known(self, "Dataset:rename", old)
    if type(new) ~= "string" then blame("Dataset:rename: the new name of %q must be a string", old) end
    taken[new] = true
  end
  for _, name in ipairs(self:columns()) do
    if taken[name] and not names[name] then blame("Dataset:rename: there is a column %q already", name) end
  end
  return self:map(function(clip)
    local data = {}
    for name, value in pairs(clip) do data[names[name] or name] = value end
    return data
  end)
end

--- With the columns of another table, looked up by a key: see `lubdub.dataset.join`.
-- @param other path of a CSV file, data set, or list of rows, with one line for each key
-- @tparam table given `on`: the column of the key (or `left_on` and `right_on`), `how`: "left" or "inner", `suffix`: of
-- names that both sides have, `overwrite`: false; or the key's name alone
-- @treturn Dataset
function methods:join(other, given)
  return require "lubdub.dataset.join"(self, other, given)
end

methods.merge = methods.join -- pandas' name

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
