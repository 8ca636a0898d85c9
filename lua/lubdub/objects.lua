--- Constructors for the small objects that layers take: initializers, regularizers and constraints.
-- Such an object is a table { name, option = value, ... } that prints itself; layers also take the name alone,
-- and a plain table of this form.
-- @module lubdub.objects
local blame = require "lubdub.blame"

local meta = {
  __tostring = function(self)
    local names, parts = {}, {}
    for name in pairs(self) do names[#names + 1] = type(name) == "string" and name or nil end
    table.sort(names)
    for i, name in ipairs(names) do
      local value = self[name]
      value = type(value) == "table" and ("{ %s }"):format(table.concat(value, ", ")) or tostring(value)
      parts[i] = ("%s = %s"):format(name, value)
    end
    return ("%s(%s)"):format(self[1], table.concat(parts, ", "))
  end,
}

--- The namespace of one part of the core.
-- @tparam string title for messages
-- @tparam table kinds class name = { new =, name =, first = }
-- @treturn table class name and name = constructor
return function(title, kinds)
  local namespace, names = {}, {}
  for class, kind in pairs(kinds) do
    names[#names + 1] = class
    namespace[class] = function(given)
      if type(given) == "number" and kind.first then given = { [kind.first] = given } end
      local ok, object = pcall(kind.new, given)
      if not ok then blame(object) end
      return setmetatable(object, meta)
    end
    namespace[kind.name] = namespace[class]
  end
  table.sort(names)
  return setmetatable(namespace, {
    __tostring = function() return title .. ": " .. table.concat(names, ", ") end,
    __index = function(_, name)
      error(("%s: there is no '%s'; there are %s"):format(title, tostring(name), table.concat(names, ", ")), 2)
    end,
  })
end
