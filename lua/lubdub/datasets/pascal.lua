--- The heart sounds of the PASCAL challenge (CHSC 2011): set A from the public, with an iPhone; set B from a
-- hospital, with a digital stethoscope. P. Bentley, G. Nordehn, M. Coimbra, S. Mannor,
-- http://www.peterjbentley.com/heartchallenge
--
-- The folder is Kaggle's "heartbeat-sounds": set_a/ and set_b/ (one of them will do), and, if they are there, set_a.csv
-- and set_b.csv, or a manifest.csv with the columns path, label, sublabel, group. The names of the files say
-- everything needed; the tables add what they know, and tell when recordings are missing.
--
-- Columns:
--   path, name  `name` is the path below the folder: set_b/murmur__122_1306325762831_D.wav
--   label       artifact, extrahls, extrastole, murmur or normal; none for the challenge's test part
--   sublabel    noisynormal or noisymurmur, where a hospital recording is noisy
--   set         a (44100 Hz) or b (4000 Hz)
--   group, patient   what must stay on one side of a split, the same key under both names. In set B it is the
--               patient, b-122; 101, 103 and 146 are one, for they share recordings. Set A names no patient, so
--               that all recordings of one day are taken for one: a-20110822, which includes 20110801, for the
--               same heart is heard on both days.
-- @module lubdub.datasets.pascal
local blame = require "lubdub.blame"
local csv = require "lubdub.csv"
local Dataset = require "lubdub.dataset"
local files = require "lubdub.datasets.files"
local findings = require "lubdub.dataset.findings"
local lfs = require "lfs"
local look = require "lubdub.datasets.look"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

-- Days and patients that share recordings (cross-correlation above 0.9).
local same_day = { ["20110801"] = "20110822" }
local same_patient = { ["103"] = "101", ["146"] = "101" }

-- The same sound under two labels.
local conflicts = {
  ["set_a/murmur__201106141148.wav"] = true, ["set_a/normal__201106141148.wav"] = true,
  ["set_a/murmur__201104021355.wav"] = true, ["set_a/extrahls__201104021355.wav"] = true,
  ["set_b/extrastole__202_1308145175747_C1.wav"] = true, ["set_b/normal__202_1308145175747_C.wav"] = true,
}

-- What a file's name says: label, sublabel, group; nil where it is none of this set's names.
local function read_name(name)
  local set, base = name:match "^set_([ab])/(.*)%.%w+$"
  if not set then return nil end
  local label, sublabel, rest = base:match "^(%l+)_(noisy%l+)_(.+)$"
  if not label then label, rest = base:match "^(%a+)__(.+)$" end
  if not label then return nil end
  if label:find "unlabelled" then label = nil end
  if set == "a" then
    local day = rest:match "^%d%d%d%d%d%d%d%d"
    return set, label, nil, day and "a-" .. (same_day[day] or day)
  end
  local patient = rest:match "^(%d+)_"
  return set, label, sublabel, patient and "b-" .. (same_patient[patient] or patient)
end

-- The file that a name in set_a.csv or set_b.csv means; the tables use other names than the files have.
local function listed_name(fname)
  local set, base = fname:match "^set_([ab])/(.*)$"
  if not set then return fname end
  if base:sub(1, 2) == "__" then return ("set_%s/Aunlabelledtest%s"):format(set, base) end
  base = base:gsub("^Bunlabelledtest_([^_])", "Bunlabelledtest__%1")
  base = base:gsub("^Btraining_(%l+)_Btraining_(noisy%l+)_", "%1_%2_")
  base = base:gsub("^Btraining_(%l+)_", "%1__")
  return ("set_%s/%s"):format(set, base)
end

local function text(value)
  if value ~= "" then return value end
  return nil
end

-- What the tables say of each file, by its name; nil and the reason where one cannot be read.
local function read_tables(folder, there)
  local listed, order_of = {}, {}
  local function add(table_name, column)
    local path = files.join(folder, table_name)
    if not lfs.attributes(path, "mode") then return false end
    local rows, header = csv.read(path)
    if not rows then blame("datasets.pascal: %s", header) end
    for _, row in ipairs(rows) do
      if not row[column] then blame("datasets.pascal: %s: no column %q", path, column) end
      local name = listed_name(row[column])
      listed[name] = { label = text(row.label), sublabel = text(row.sublabel), group = text(row.group) }
      order_of[#order_of + 1] = name
    end
    return true
  end
  if not add("manifest.csv", "path") then
    if there.a then add("set_a.csv", "fname") end
    if there.b then add("set_b.csv", "fname") end
  end
  return listed, order_of
end

local function warn_of_missing(folder, order_of, found, there, notes)
  local missing, expected, first = 0, 0, nil
  for _, name in ipairs(order_of) do
    if there[name:match "^set_([ab])/"] then
      expected = expected + 1
      if not found[name] then
        missing, first = missing + 1, first or name
        notes.note("listed, but not there", name)
      end
    end
  end
  if missing > 0 then
    warning.warn(("datasets.pascal: %s: %d of %d listed recordings are not there, the first is %s")
      :format(folder, missing, expected, first))
  end
end

--- Finds the recordings, in the order of the bytes of their paths.
-- @function pascal
-- @tparam string folder with set_a and set_b in it
-- @tparam ?table given `conflicts`: true; false leaves out the six recordings that are three sounds under two labels
-- @treturn Dataset
-- @raise when the folder is not there or holds none of them, or a table in it is broken
-- @usage local clips = lubdub.datasets.pascal "data/pascal2011"
return function(folder, given)
  local all, notes = look("datasets.pascal", folder)
  local o = options.read("datasets.pascal", given, { conflicts = true })

  local rows, found, there, strange = {}, {}, {}, {}
  for _, name in ipairs(all) do
    local set, label, sublabel, group = read_name(name)
    if set then
      rows[#rows + 1] = { name = name, path = files.join(folder, name), set = set, label = label, sublabel = sublabel,
        group = group, patient = group }
      found[name], there[set] = true, true
    elseif name:find "^set_[ab]/" then
      strange[#strange + 1] = name
      notes.note("name that says no label, left out", name)
    end
  end
  if #rows == 0 then
    blame("datasets.pascal: %s: no recordings of the PASCAL set in it (set_a/normal__....wav, set_b/...)", folder)
  end
  if #strange > 0 then
    warning.warn(("datasets.pascal: %s: left out %d files whose names say no label, the first is %s")
      :format(folder, #strange, strange[1]))
  end

  local listed, order_of = read_tables(folder, there)
  warn_of_missing(folder, order_of, found, there, notes)
  local kept = {}
  for _, row in ipairs(rows) do
    local known = listed[row.name]
    if not known and #order_of > 0 then notes.note("there, but not listed", row.name) end
    if conflicts[row.name] and o.conflicts then notes.note("same sound under two labels", row.name) end
    if known then
      row.label = known.label or row.label
      row.sublabel = known.sublabel or row.sublabel
      row.group = known.group or row.group
      row.patient = row.group
    end
    if o.conflicts or not conflicts[row.name] then kept[#kept + 1] = row end
  end
  notes.samplerate = function(clip) return clip.set == "a" and 44100 or 4000 end
  return findings.keep(Dataset(kept), notes, true)
end
