--- Makes folders to write into.
-- @module lubdub.datasets.make_folder
local blame = require "lubdub.blame"
local lfs = require "lfs"

--- Makes a folder and those above it, where they are not there yet.
-- @function make_folder
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
-- @usage lubdub.datasets.make_folder "out"
return function(path)
  if type(path) ~= "string" or path == "" then
    blame("datasets.make_folder: expected a path, got %s", path == "" and "an empty one" or type(path))
  end
  local at = path:sub(1, 1) == "/" and "/" or ""
  for part in path:gmatch "[^/]+" do
    at = at .. part
    local made, reason = lfs.mkdir(at)
    local mode = not made and lfs.attributes(at, "mode")
    if not made and mode ~= "directory" then return nil, at .. ": " .. (mode and "not a folder" or reason) end
    at = at .. "/"
  end
  return true
end
