--- Tables of names that print what they hold, and tell a name that they do not hold.
-- @module lubdub.namespace
local core = require "lubdub.core"

local function names_of(list)
  local names = {}
  for name in pairs(list()) do
    if type(name) == "string" and name:sub(1, 1) ~= "_" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- Gives a table this face.
-- @tparam string title what the table is called, e.g. "lubdub.metrics"
-- @tparam table exports the table
-- @tparam ?function load loads what is not there yet: name -> value, or nil
-- @tparam ?function list all names as the keys of a table; the default is what is there
-- @treturn table exports
return function(title, exports, load, list)
  list = list or function() return exports end
  return setmetatable(exports, {
    __names = function() return names_of(list) end, -- for those who complete names: not all is loaded yet
    __tostring = function() return title .. ": " .. table.concat(names_of(list), ", ") end,
    __index = function(self, name)
      local value = load and load(name)
      if value == nil then
        -- others may ask a table for what it is, and want a nil
        if type(name) ~= "string" or name:sub(1, 2) == "__" then return nil end
        local names = names_of(list)
        local _, message = pcall(core.options.unknown, title, name, names)
        message = message:gsub("unknown option", "there is no", 1)
        if not message:find("did you mean", 1, true) then
          message = message .. "; there are " .. table.concat(names, ", ")
        end
        error(message, 2)
      end
      rawset(self, name, value)
      return value
    end,
  })
end
