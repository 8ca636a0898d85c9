--- Reads a golden file of spec/golden.
local dkjson = require "dkjson"

--- @tparam string name e.g. "splits.json"
-- @return the decoded value
return function(name)
  local file = assert(io.open("spec/golden/" .. name, "rb"))
  local value, _, reason = dkjson.decode(file:read "a")
  file:close()
  return assert(value, reason)
end
