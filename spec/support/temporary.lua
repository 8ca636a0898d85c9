--- A folder of its own for a test, with a name that has a space and a letter outside ASCII.
local lfs = require "lfs"

local temporary = {}

local function remove(path)
  if lfs.symlinkattributes(path, "mode") == "directory" then
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then remove(path .. "/" .. name) end
    end
    lfs.rmdir(path)
  else
    os.remove(path)
  end
end

--- Makes a folder.
-- @treturn string its path
-- @treturn function removes it and all in it
function temporary.folder()
  local path = os.tmpname()
  os.remove(path)
  path = path .. " größe"
  assert(lfs.mkdir(path))
  return path, function() remove(path) end
end

--- Writes a file below a folder, making the folders in between.
-- @tparam string folder
-- @tparam string name with "/"
-- @tparam ?string text
-- @treturn string its path
function temporary.write(folder, name, text)
  local path = folder
  for part in name:gmatch "([^/]+)/" do
    path = path .. "/" .. part
    if not lfs.attributes(path) then assert(lfs.mkdir(path)) end
  end
  path = folder .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text or "")
  file:close()
  return path
end

--- The names in a folder, sorted, with a space between them.
-- @tparam string folder
-- @treturn string
function temporary.names(folder)
  local list = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then list[#list + 1] = name end
  end
  table.sort(list)
  return table.concat(list, " ")
end

--- A wav file (16 bit, mono) as a string: a quiet sawtooth.
-- @tparam integer samplerate
-- @tparam integer frames
-- @treturn string
function temporary.wav(samplerate, frames)
  local samples = {}
  for i = 1, frames do samples[i] = string.pack("<i2", (i * 37) % 2000 - 1000) end
  local data = table.concat(samples)
  return "RIFF" .. string.pack("<I4", 36 + #data) .. "WAVEfmt " ..
    string.pack("<I4I2I2I4I4I2I2", 16, 1, 1, samplerate, 2 * samplerate, 2, 16) .. "data" ..
    string.pack("<I4", #data) .. data
end

return temporary
