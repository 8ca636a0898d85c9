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

--- The names of columns among arguments: each an argument, or one list of them, as in pandas; all checked.
-- @tparam Dataset self
-- @tparam string where for messages
-- @param ... names, or a list of names
-- @treturn table
function values.names(self, where, ...)
  local names = table.pack(...)
  if names.n == 1 and type(names[1]) == "table" and not getmetatable(names[1]) then
    names = table.move(names[1], 1, #names[1], 1, {})
  end
  if #names == 0 then blame("%s: expected the name of a column, got none", where) end
  for _, name in ipairs(names) do values.known(self, where, name) end
  return names
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

local List = { __name = "lubdub.List" }
local SHOWN = 20 -- values that print shows

function List:__tostring()
  local parts = {}
  for i = 1, math.min(#self, SHOWN) do
    parts[i] = type(self[i]) == "string" and ("%q"):format(self[i]) or tostring(self[i])
  end
  if #self > SHOWN then parts[SHOWN + 1] = ("... (%d in all)"):format(#self) end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

--- A list that prints its values.
-- @tparam table list
-- @treturn table the same
function values.printed(list) return setmetatable(list, List) end

return values
