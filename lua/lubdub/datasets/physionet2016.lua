--- The heart sounds of the PhysioNet/CinC challenge of 2016: 3240 recordings of the public training part, from six
-- databases. C. Liu et al., Physiol. Meas. 37:2181 (2016); https://physionet.org/content/challenge-2016
--
-- The folder holds training-a/ to training-f/ (some of them will do), or is one of them. Labels are in each one's
-- REFERENCE.csv; without it, in the recordings' .hea files.
--
-- Columns:
--   path, name  `name` is the path below the folder: training-a/a0001.wav
--   record      a0001
--   label       normal or abnormal
--   quality     good or poor, from REFERENCE-SQI.csv, where that is there
--   set         the database, a to f
--   group       the database too: the 3240 recordings come from about 765 people, and which from whom was not
--               published. So no random split is honest; leave one database out:
--               `clips:folds(lubdub.split.LeaveOneGroupOut())`
--   overlap     the same for recordings that share samples (47, in seven heaps), though they lie in one database
--
-- Traps: each database is another stethoscope and another share of abnormal hearts (a 71 %, e 8.5 %), so that a
-- network can learn the database for the heart; recordings of b and e have an offset of up to 0.44; the folder
-- validation/ holds copies of training files, and is left out.
-- @module lubdub.datasets.physionet2016
local blame = require "lubdub.blame"
local csv = require "lubdub.csv"
local Dataset = require "lubdub.dataset"
local files = require "lubdub.datasets.files"
local findings = require "lubdub.dataset.findings"
local lfs = require "lfs"
local look = require "lubdub.datasets.look"
local options = require "lubdub.options"

local where = "datasets.physionet2016"
local SAMPLERATE = 2000

local heaps = {
  [[e00044 e00213 e00314 e00331 e00407 e00485 e00538 e00662 e00719 e00724 e00796 e00833 e00844 e00890 e00989 e01018
    e01168 e01313 e01338 e01490 e01745 e01943]],
  "e00178 e00830 e00854 e00866",
  "e00226 e00318 e00463 e01029 e01142 e01278 e01389 e01453",
  "e00469 e01202",
  "e00503 e00993 e01004 e01173 e01442 e01456",
  "e01519 e01550 e01788",
  "d0018 d0051",
}
local overlap_of = {}
for i, heap in ipairs(heaps) do
  for record in heap:gmatch "%S+" do overlap_of[record] = ("overlap-%d"):format(i) end
end

local labels = { ["1"] = "abnormal", ["-1"] = "normal" }
local qualities = { ["1"] = "good", ["0"] = "poor" }

-- The records of a table without a line of names; nil where there is none.
local function read_table(path, columns)
  if not lfs.attributes(path, "mode") then return nil end
  local records, lines = csv.records(path)
  if not records then blame("%s: %s", where, lines) end
  for i, record in ipairs(records) do
    if #record < columns then
      blame("%s: %s: line %d: %d fields, expected %d", where, path, lines[i], #record, columns)
    end
  end
  return records, lines
end

local function label_of_header(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a" or ""
  file:close()
  local word = text:match "#%s*(%a+)"
  word = word and word:lower()
  return (word == "normal" or word == "abnormal") and word or nil
end

-- What the tables of one database say of its recordings: label and quality by record, and the records in order.
local function read_database(folder, found)
  local path = files.join(folder, "REFERENCE.csv")
  local known, listed = {}, {}
  local records, lines = read_table(path, 2)
  for i, record in ipairs(records or {}) do
    if not labels[record[2]] then
      blame("%s: %s: line %d: the label of %s must be 1 or -1, got %q", where, path, lines[i], record[1], record[2])
    end
    if known[record[1]] then found.note("listed twice", record[1]) end
    known[record[1]] = { label = labels[record[2]] }
    listed[#listed + 1] = record[1]
  end
  for _, record in ipairs(read_table(files.join(folder, "REFERENCE-SQI.csv"), 3) or {}) do
    local entry = known[record[1]]
    if entry then
      entry.quality = qualities[record[3]]
      if labels[record[2]] ~= entry.label then found.note("two tables, two labels", record[1]) end
    end
  end
  return { known = known, listed = listed, has_table = records ~= nil }
end

--- Finds the recordings, in the order of the bytes of their paths.
-- @function physionet2016
-- @tparam string folder
-- @tparam ?table given `quality`: true; "good" leaves out the recordings that the challenge calls poor
-- @treturn Dataset; one warning says what is missing or odd, and `clips:check()` lists it
-- @raise when the folder is not there or holds none of them, or a table in it is broken
return function(folder, given)
  local names, found = look(where, folder)
  local o = options.read(where, given, { quality = true })
  if o.quality ~= true and o.quality ~= "good" then
    blame("%s: quality must be true (all) or \"good\", got %s", where, tostring(o.quality))
  end
  local databases, rows, there = {}, {}, {}
  for _, name in ipairs(names) do
    local below, record = name:match "^(.-)([a-f]%d%d%d%d%d?)%.wav$"
    if not record or below ~= "" and not below:find "/$" then
      found.note("name unknown to the set, left out", name)
    elseif below:find "validation/$" then
      found.note("copy of a training file, left out", name)
    else
      databases[below] = databases[below] or read_database(files.join(folder, below), found)
      local database = databases[below]
      local entry = database.known[record]
      local path = files.join(folder, name)
      if database.has_table and not entry then found.note("there, but not listed in REFERENCE.csv", name) end
      if there[record] then
        found.note("record that is there twice, left out", name)
      else
        there[record] = true
        local label = entry and entry.label or label_of_header((path:gsub("%.wav$", ".hea")))
        if not label then found.note("no label", name) end
        local set = record:sub(1, 1)
        rows[#rows + 1] = { path = path, name = name, record = record, label = label, set = set, group = set,
          quality = entry and entry.quality, overlap = overlap_of[record] }
      end
    end
  end
  if #rows == 0 then
    blame("%s: %s: no recordings of the challenge in it; expected training-a/a0001.wav, ... and "
      .. "training-a/REFERENCE.csv", where, folder)
  end
  local ordered = {}
  for below in pairs(databases) do ordered[#ordered + 1] = below end
  table.sort(ordered)
  for _, below in ipairs(ordered) do
    for _, record in ipairs(databases[below].listed) do
      if not there[record] then found.note("listed, but not there", below .. record .. ".wav") end
    end
  end
  local clips = Dataset(rows)
  if o.quality == "good" then clips = clips:filter(function(clip) return clip.quality ~= "poor" end) end
  found.samplerate = SAMPLERATE
  return findings.keep(clips, found)
end
