--- Recordings in folders: the name of each folder is the label of all sound files in it, however deep.
-- @module lubdub.datasets.folder
local blame = require "lubdub.blame"
local Dataset = require "lubdub.dataset"
local files = require "lubdub.datasets.files"

--- Finds them: wav, flac, ogg, opus, mp3, aiff and whatever else libsndfile reads, in the order of the bytes of
-- their paths. Rows have `path`, `name` (the path below the folder) and `label`; files that lie in the folder
-- itself have no label.
-- @function folder
-- @tparam string folder
-- @treturn Dataset
-- @raise when the folder is not there or holds no sound files
-- @usage local clips = lubdub.datasets.folder "recordings"
return function(folder)
  if type(folder) ~= "string" then blame("datasets.folder: expected a path, got %s", type(folder)) end
  local found, reason = files.find(folder)
  if not found then blame("datasets.folder: %s", reason) end
  if #found == 0 then blame("datasets.folder: %s: no sound files (wav, flac, ogg, mp3, aiff, ...) in it", folder) end
  local rows = {}
  for i, name in ipairs(found) do
    rows[i] = { path = files.join(folder, name), name = name, label = name:match "^([^/]+)/" }
  end
  return Dataset(rows)
end
