--- Recordings in folders: the name of each folder is the label of all sound files in it, however deep.
-- @module lubdub.datasets.folder
local blame = require "lubdub.blame"
local Dataset = require "lubdub.dataset"
local files = require "lubdub.datasets.files"
local findings = require "lubdub.dataset.findings"
local look = require "lubdub.datasets.look"

--- Finds them: wav, flac, ogg, opus, mp3, aiff and whatever else libsndfile reads, in the order of the bytes of
-- their paths. Rows have `path`, `name` (the path below the folder) and `label`; files that lie in the folder
-- itself have no label.
-- @function folder
-- @tparam string folder
-- @treturn Dataset
-- @raise when the folder is not there or holds no sound files
-- @usage local clips = lubdub.datasets.folder "recordings"
return function(folder)
  local names, found = look("datasets.folder", folder)
  if #names == 0 then
    blame("datasets.folder: %s: no sound files (wav, flac, ogg, mp3, aiff, ...) in it; expected a folder for each "
      .. "class", folder)
  end
  local rows, labels = {}, 0
  for i, name in ipairs(names) do
    rows[i] = { path = files.join(folder, name), name = name, label = name:match "^([^/]+)/" }
    if rows[i].label then labels = labels + 1 end
  end
  if labels > 0 and labels < #rows then
    for _, row in ipairs(rows) do
      if not row.label then found.note("in no folder, so without a label", row.name) end
    end
  end
  return findings.keep(Dataset(rows), found)
end
