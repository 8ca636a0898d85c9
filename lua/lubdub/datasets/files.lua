--- Finds sound files in a folder.
-- @module lubdub.datasets.files
local lfs = require "lfs"
local order = require "lubdub.order"

local files = {}

--- What is taken for a sound file, by the end of its name in lower case: what libsndfile reads.
local extensions = {}
for extension in ("wav flac ogg oga opus mp3 aiff aif aifc au snd caf w64 rf64 voc nist sph"):gmatch "%w+" do
  extensions[extension] = true
end

local function is_sound(name)
  local extension = name:match "%.(%w+)$"
  return extension and extensions[extension:lower()]
end

-- Hidden files, and what macOS puts into archives.
local function is_clutter(name)
  return name:sub(1, 1) == "." or name == "__MACOSX"
end

-- "path: reason" from LuaFileSystem's sentences, whose last part is the system's own.
local function failure(path, sentence)
  return path .. ": " .. (sentence:match ": ([^:]+)$" or sentence)
end

local function walk(root, below, found, seen)
  local folder = below == "" and root or root .. "/" .. below
  local attributes, reason = lfs.attributes(folder)
  if not attributes then return nil, failure(folder, reason) end
  if attributes.mode ~= "directory" then return nil, folder .. ": not a folder" end
  local identity = ("%s:%s"):format(attributes.dev, attributes.ino)
  if seen[identity] then return true end -- a link back up
  seen[identity] = true
  local ok, next_name, state = pcall(lfs.dir, folder)
  if not ok then return nil, failure(folder, next_name) end
  for name in next_name, state do
    if not is_clutter(name) then
      local path = below == "" and name or below .. "/" .. name
      local mode = lfs.attributes(root .. "/" .. path, "mode")
      if mode == "directory" then
        local fine, why = walk(root, path, found, seen)
        if not fine then return nil, why end
      elseif mode == "file" and is_sound(name) then
        found[#found + 1] = path
      end
    end
  end
  return true
end

--- The sound files in a folder and the folders in it.
-- @tparam string folder
-- @treturn[1] table paths below `folder`, with "/", in the order of their bytes
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
function files.find(folder)
  local found = {}
  local ok, reason = walk(folder, "", found, {})
  if not ok then return nil, reason end
  return order.sort(found)
end

--- A path below a folder.
-- @tparam string folder
-- @tparam string below
-- @treturn string
function files.join(folder, below)
  return folder:sub(-1) == "/" and folder .. below or folder .. "/" .. below
end

return files
