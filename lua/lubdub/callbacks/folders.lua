--- Folders for the files that callbacks write.
-- @module lubdub.callbacks.folders
local lfs = require "lfs"

local folders = {}

--- Makes the folders above a file where they are missing.
-- @tparam string path of the file
-- @return true, or nil and "folder: reason"
function folders.make_for(path)
  local folder = path:match "^(.+)/[^/]*$"
  if not folder or lfs.attributes(folder, "mode") then return true end
  local ok, reason = folders.make_for(folder)
  if ok then ok, reason = lfs.mkdir(folder) end
  if not ok then return nil, reason:find "^.+: " and reason or ("%s: %s"):format(folder, reason) end
  return true
end

return folders
