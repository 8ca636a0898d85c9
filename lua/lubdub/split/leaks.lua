--- Groups that are on both sides of a split: the test then asks about a patient whom the model has met.
-- @module lubdub.split.leaks
local warning = require "lubdub.warning"

local leaks = {}

--- Counts the groups with rows on both sides of at least one of some splits.
-- @tparam table groups the group of each row, nil where it has none
-- @tparam table parts a list of { train, test }, lists of positions
-- @treturn integer how many
-- @treturn integer how many groups are in the splits at all
function leaks.count(groups, parts)
  local leaking, seen, both, all = {}, {}, 0, 0
  local function see(group)
    if not seen[group] then seen[group], all = true, all + 1 end
  end
  for _, part in ipairs(parts) do
    local inside = {}
    for _, i in ipairs(part[1]) do
      local group = groups[i]
      if group ~= nil then
        inside[group] = true
        see(group)
      end
    end
    for _, i in ipairs(part[2]) do
      local group = groups[i]
      if group ~= nil then
        see(group)
        if inside[group] and not leaking[group] then leaking[group], both = true, both + 1 end
      end
    end
  end
  return both, all
end

--- Warns once per object where groups leak.
-- @tparam string where the asking function
-- @tparam string name of the groups: a column
-- @tparam table groups
-- @tparam table parts
-- @param about the object
-- @tparam ?string remedy what keeps each on one side (default: the splitters that do)
-- @treturn integer how many leak
function leaks.warn(where, name, groups, parts, about, remedy)
  local both, all = leaks.count(groups, parts)
  if both > 0 then
    warning.warn(("%s: %d of %d groups (column %q) have rows on both sides, so the test will look better than it is; "
      .. "%s each on one side"):format(where, both, all, name,
      remedy or "GroupKFold and StratifiedGroupKFold keep"), about, where .. "\0" .. name)
  end
  return both
end

return leaks
