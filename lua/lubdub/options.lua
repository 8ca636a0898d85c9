--- Options of Lua functions: one table, names checked, defaults filled.
-- The C side reads its own options with the same rules (csrc/lua/options.c).
-- @module lubdub.options
local blame = require "lubdub.blame"
local core = require "lubdub.core"

local options = {}

local aliases = { random_state = "seed", filepath = "path" }

--- Returns a new table with every option of `known`, from `given` or else its default.
-- In `known` a default of `options.none` stands for "nothing unless given" (nil in the result).
-- `random_state` and `filepath` are accepted for `seed` and `path` where those are known.
-- @tparam string where the function's name, for messages
-- @tparam ?table given the caller's options
-- @tparam table known name = default
-- @treturn table the options, complete
-- @raise on a name that is not known (with the nearest right one), or on a `given` that is no table
function options.read(where, given, known)
  local result = {}
  for name, default in pairs(known) do
    if default ~= options.none then result[name] = default end
  end
  if given == nil then return result end
  if type(given) ~= "table" then
    blame("%s: options must be a table, got %s", where, type(given))
  end
  for name, value in pairs(given) do
    if known[name] == nil then name = aliases[name] or name end
    if known[name] == nil then
      local names = {}
      for right in pairs(known) do names[#names + 1] = right end
      table.sort(names)
      local _, message = pcall(core.options.unknown, where, tostring(name), names)
      blame(message)
    end
    result[name] = value
  end
  return result
end

--- Marks an option without a default.
options.none = setmetatable({}, { __tostring = function() return "none" end })

return options
