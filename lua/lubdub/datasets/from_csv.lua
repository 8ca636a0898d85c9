--- A data set from a CSV file: a line for each recording, or for each patient.
--
-- Columns of numbers become numbers, of true and false booleans; an empty field (or NA, nan) is a missing value, and
-- numbers with zeros in front stay text. What is wrong with the file is an error that names the line.
-- @module lubdub.datasets.from_csv
local blame = require "lubdub.blame"
local files = require "lubdub.datasets.files"
local lfs = require "lfs"
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local read_csv = require "lubdub.datasets.read_csv"
local warning = require "lubdub.warning"

local where = "datasets.from_csv"

-- A path as it leads from here, or else from the folder of the table.
local function found(path, root)
  if path:sub(1, 1) == "/" then return path end
  if root then return files.join(root.folder, path) end
  return path
end

local function root_of(o, path)
  if o.root then
    if type(o.root) ~= "string" then blame("%s: root must be a folder, got %s", where, type(o.root)) end
    return { folder = o.root }
  end
  local folder = path:match "^(.*)/[^/]*$"
  return folder and { folder = folder, try = true } or nil
end

local function check_duplicates(clips, lines, path)
  local first = {}
  for i, clip in clips:iter() do
    if clip.path ~= nil then
      local key = ("%s\0%s"):format(clip.path, clip.offset or 0)
      if first[key] then
        blame("%s: %s: lines %d and %d have the same path, %s; duplicates = true takes both", where, path,
          lines[first[key]], lines[i], clip.path)
      end
      first[key] = i
    end
  end
end

local function warn_of_missing(clips, path)
  local missing, all, first = 0, 0, nil
  for _, clip in clips:iter() do
    if clip.path ~= nil then
      all = all + 1
      if not lfs.attributes(clip.path, "mode") then missing, first = missing + 1, first or clip.path end
    end
  end
  if missing > 0 then
    warning.warn(("%s: %s: %d of %d files are not there, the first is %s"):format(where, path, missing, all, first))
  end
end

--- Reads it. Files that are not there are warned of, once; `clips:check()` tells more.
-- @function from_csv
-- @tparam string path
-- @tparam ?table given `columns`: { path = "file name", label = "diagnosis", group = "patient" }, what lubdub's columns
-- are called there; `root`: the folder that relative paths lead from (default: the current one, and where the
-- file is not
-- there, the table's own); `separator`: ","; `dtype`: "string", "number" or "boolean" for all columns, or
-- { patient = "string" }; `duplicates`: false; true accepts several lines with one path
-- @treturn Dataset
return function(path, given)
  if type(path) ~= "string" then blame("%s: expected a path, got %s", where, type(path)) end
  local o = options.read(where, given, { columns = options.none, root = false, separator = ",", dtype = options.none,
    duplicates = false })
  local clips, lines, header = read_csv(where, path, o)
  if o.columns then
    local there = {}
    for _, name in ipairs(header) do there[name] = true end
    if type(o.columns) ~= "table" then
      blame("%s: columns must be { path = \"file name\", ... }, got %s", where, type(o.columns))
    end
    for new, old in pairs(o.columns) do
      if not there[old] then
        blame("%s: %s: no column %q; there are: %s", where, path, tostring(old), table.concat(header, ", "))
      end
      if new ~= old and there[new] then
        blame("%s: %s: there is a column %q already, besides %q", where, path, new, old)
      end
    end
  end
  local names = {}
  for new, old in pairs(o.columns or {}) do names[old] = new end
  local root = root_of(o, path)
  clips = clips:map(function(clip)
    local data = {}
    for name, value in pairs(clip) do data[names[name] or name] = value end
    if data.path ~= nil then
      data.path = tostring(data.path)
      if not root or not root.try or not lfs.attributes(data.path, "mode") then
        local below = found(data.path, root)
        if not root or not root.try or lfs.attributes(below, "mode") then data.path = below end
      end
    end
    return data
  end)
  if not o.duplicates then check_duplicates(clips, lines, path) end
  warn_of_missing(clips, path)
  return object.new(object.rows(clips))
end
