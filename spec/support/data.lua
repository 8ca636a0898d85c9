--- Where the real recordings are, for tests that need them: ../shared/data beside the checkout.
local lfs = require "lfs"

--- @tparam string name e.g. "pascal2011"
-- @treturn ?string its path, or nil where it is not there
return function(name)
  local path = "../shared/data/" .. name
  if lfs.attributes(path, "mode") then return path end
  return nil
end
