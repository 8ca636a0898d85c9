--- What all loaders do first: look into a folder, or say what was expected there.
-- @module lubdub.datasets.look
local blame = require "lubdub.blame"
local files = require "lubdub.datasets.files"
local findings = require "lubdub.dataset.findings"

--- @tparam string where the loader
-- @param folder what its caller gave
-- @treturn table names of the sound files below it
-- @treturn table empty findings
return function(where, folder)
  if type(folder) ~= "string" then blame("%s: expected a path, got %s", where, type(folder)) end
  local found, reason = files.find(folder)
  if not found then blame("%s: %s", where, reason) end
  return found, findings.new(("%s: %s"):format(where, folder))
end
