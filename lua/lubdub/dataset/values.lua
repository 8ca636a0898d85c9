--- The values of a column, for the methods of a data set.
-- @module lubdub.dataset.values
local blame = require "lubdub.blame"

local values = {}

--- The values of one column, with holes.
-- @tparam Dataset self
-- @tparam string name
-- @treturn table the list, nil where a row has no value
-- @treturn integer how many rows have one
-- @treturn ?integer the first row that has none
function values.all(self, name)
  local list, filled, hole = {}, 0, nil
  for i, clip in self:iter() do
    local value = clip[name]
    list[i] = value
    if value ~= nil then filled = filled + 1 else hole = hole or i end
  end
  return list, filled, hole
end

--- Raises an error unless some row has a value in this column, or there are no rows.
-- @tparam Dataset self
-- @tparam string where for messages
-- @tparam string name
function values.known(self, where, name)
  if type(name) ~= "string" then blame("%s: expected the name of a column, got %s", where, type(name)) end
  local _, filled = values.all(self, name)
  if filled == 0 and #self > 0 then
    blame("%s: no column %q; there are: %s", where, name, table.concat(self:columns(), ", "))
  end
end

--- The values of one column, one for each row.
-- @tparam Dataset self
-- @tparam string where for messages
-- @tparam string name
-- @treturn table
-- @raise where rows have none
function values.complete(self, where, name)
  values.known(self, where, name)
  local list, filled, hole = values.all(self, name)
  if hole then
    blame("%s: column %q has no value in %d of %d rows (the first: row %d)", where, name, #self - filled, #self, hole)
  end
  return list
end

return values
