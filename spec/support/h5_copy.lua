--- A copy of an HDF5 file, made anew by h5.create, with some attributes of its root replaced.
local h5 = require "lubdub.h5"

local function copy(from, to, group)
  for _, name in ipairs(assert(from:attributes(group))) do
    local value = from:attribute(group, name)
    if value then assert(to:set_attribute(group, name, value)) end
  end
  for _, member in ipairs(assert(from:members(group))) do
    local object = (group == "/" and "" or group) .. "/" .. member
    if from:kind(object) == "group" then
      assert(to:group(object))
      copy(from, to, object)
    else
      assert(to:write(object, assert(from:read(object))))
    end
  end
end

-- @tparam string path
-- @tparam table attributes name = text or list, of the root
-- @treturn string the copy's bytes
return function(path, attributes)
  local from <close> = assert(h5.open(path))
  local to <close> = h5.create()
  copy(from, to, "/")
  for name, value in pairs(attributes) do assert(to:set_attribute("/", name, value)) end
  return tostring(assert(to:image()))
end
