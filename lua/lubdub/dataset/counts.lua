--- How often values occur: `counts.normal` is a number, `pairs` goes from the most frequent to the rarest, and
-- print shows a table.
-- @module lubdub.dataset.counts
local order = require "lubdub.order"
local texttable = require "lubdub.texttable"

local NAME, SORTED, RANKED, COUNT = {}, {}, {}, {}

local methods = {}
local Counts = { __name = "lubdub.Counts" }

--- The values, sorted.
-- @treturn table a list
function methods:keys()
  return table.move(self[SORTED], 1, #self[SORTED], 1, {})
end

function Counts:__index(key)
  local count = self[COUNT][key]
  if count ~= nil then return count end
  return methods[key]
end

function Counts:__len() return #self[SORTED] end

function Counts:__pairs()
  local i = 0
  return function()
    i = i + 1
    local value = self[RANKED][i]
    if value ~= nil then return value, self[COUNT][value] end
    return nil
  end
end

function Counts:__tostring()
  local rows, all = { { self[NAME], "count", "%" } }, 0
  for _, count in pairs(self) do all = all + count end
  for value, count in pairs(self) do
    rows[#rows + 1] = { tostring(value), count, ("%.1f"):format(100 * count / all) }
  end
  return texttable(rows)
end

--- Counts a list.
-- @tparam string name what the values are, for print
-- @tparam table list without holes, of one sortable type
-- @treturn Counts
return function(name, list)
  local distinct, _, count = order.unique(list)
  local ranked, by_value = {}, {}
  for i, place in ipairs(order.argsort(count, true)) do ranked[i] = distinct[place] end
  for place, value in ipairs(distinct) do by_value[value] = count[place] end
  return setmetatable({ [NAME] = name, [SORTED] = distinct, [RANKED] = ranked, [COUNT] = by_value }, Counts)
end
