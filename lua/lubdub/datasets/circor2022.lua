--- The CirCor DigiScope heart sounds of the George B. Moody PhysioNet challenge of 2022: 3163 recordings of 942 visits
-- of children, from up to five places on the chest. J. Oliveira et al., IEEE JBHI (2021),
-- doi 10.1109/JBHI.2021.3137048.
--
-- The folder holds training_data/ (2530_AV.wav, 2530.txt, ...) and training_data.csv, or is training_data itself.
--
-- Columns:
--   path, name  `name` is the path below the folder: training_data/2530_AV.wav
--   label       the murmur or the outcome, as asked for
--   murmur      Present, Absent or Unknown: of the patient, not of the place
--   outcome     Normal or Abnormal: of the patient; only the .txt files tell
--   audible     of patients with a murmur: whether it was heard at this place (117 of their 616 recordings: false)
--   location    AV, PV, TV, MV or Phc; `take` is the number of a repeated recording
--   patient     the number of the visit: 2530
--   group       what must stay on one side of a split: 70 children came twice, under two numbers. Their visits
--               are one group, c and the smaller number: c38337
--   age, sex, height, weight, pregnant, campaign    height in cm, weight in kg
--   segmentation  path of the .tsv with the heart's states; `lubdub.datasets.segments(clip)` reads it
--
-- Traps: 68 patients are Unknown (`clips:where { murmur = { "Present", "Absent" } }`); 15 of the children who came
-- twice have two labels; more than half of the recordings touch full scale.
-- @module lubdub.datasets.circor2022
local blame = require "lubdub.blame"
local csv = require "lubdub.csv"
local Dataset = require "lubdub.dataset"
local files = require "lubdub.datasets.files"
local findings = require "lubdub.dataset.findings"
local lfs = require "lfs"
local look = require "lubdub.datasets.look"
local options = require "lubdub.options"

local where = "datasets.circor2022"
local SAMPLERATE = 4000

-- A value of the tables; nan stands for none.
local function text(value)
  if value == nil or value == "" or value == "nan" then return nil end
  return value
end

-- A patient's .txt: a first line "2530 4 4000", a line for each recording, and lines "#Name: value".
local function read_patient(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local patient, first = { recordings = {} }, true
  for line in file:lines() do
    line = line:gsub("\r$", "")
    local name, value = line:match "^#([^:]+):%s*(.-)%s*$"
    local recording = line:match "(%S+%.wav)"
    if name then
      patient[name] = text(value)
    elseif recording and not first then
      table.insert(patient.recordings, recording)
    end
    first = false
  end
  file:close()
  return patient
end

-- The lines of training_data.csv by patient, and the patients in order.
local function read_csv_table(folder)
  local path = files.join(folder, "training_data.csv")
  if not lfs.attributes(path, "mode") then
    path = files.join(folder, "../training_data.csv")
    if not lfs.attributes(path, "mode") then return {}, {} end
  end
  local lines, header = csv.read(path)
  if not lines then blame("%s: %s", where, header) end
  local by_patient, listed = {}, {}
  for _, line in ipairs(lines) do
    local id = line["Patient ID"]
    if not id then blame("%s: %s: no column \"Patient ID\"; there are: %s", where, path, table.concat(header, ", ")) end
    by_patient[id] = line
    listed[#listed + 1] = id
  end
  return by_patient, listed
end

-- Two numbers of one child: the group is called after the smaller one.
local function group_of(patient, other)
  local a, b = math.tointeger(tonumber(patient)), math.tointeger(tonumber(other or patient))
  if not a or not b then return "c" .. patient end
  return ("c%d"):format(math.min(a, b))
end

local function heard(locations, location)
  for place in locations:gmatch "[^+]+" do
    if place == location then return true end
  end
  return false
end

-- What is known of a patient, from both tables.
local function facts_of(id, from_txt, from_csv, found)
  local function fact(name)
    local a, b = from_txt and from_txt[name], from_csv and text(from_csv[name])
    if a and b and name == "Murmur" and a ~= b then found.note("two tables, two murmur labels", id) end
    return a or b
  end
  local pregnant = fact "Pregnancy status"
  local facts = { murmur = fact "Murmur", outcome = fact "Outcome", locations = fact "Murmur locations" or "",
    age = fact "Age", sex = fact "Sex", height = tonumber(fact "Height"), weight = tonumber(fact "Weight"),
    campaign = fact "Campaign", other = fact "Additional ID" }
  if pregnant then facts.pregnant = pregnant == "True" end
  return facts
end

-- The recordings of patients who are there, and patients of the table who are not.
local function note_missing(found, listed, patients, there)
  for _, id in ipairs(listed) do
    if not patients[id] then found.note("patient listed, but not there", id) end
  end
  local ids = {}
  for id in pairs(patients) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local patient = patients[id]
    if not patient.txt then found.note("no .txt of the patient", id) end
    for _, recording in ipairs(patient.txt and patient.txt.recordings or {}) do
      if not there[recording] then found.note("listed, but not there", recording) end
      there[recording] = "listed"
    end
  end
end

--- Finds the recordings, in the order of the bytes of their paths.
-- @function circor2022
-- @tparam string folder
-- @tparam ?table given `label`: "murmur"; "outcome"
-- @treturn Dataset; one warning says what is missing or odd, and `clips:check()` lists it
-- @raise when the folder is not there or holds none of them, or training_data.csv is broken
return function(folder, given)
  local names, found = look(where, folder)
  local o = options.read(where, given, { label = "murmur" })
  if o.label ~= "murmur" and o.label ~= "outcome" then
    blame("%s: label must be \"murmur\" or \"outcome\", got %s", where, tostring(o.label))
  end
  local by_patient, listed = read_csv_table(folder)
  local rows, patients, there = {}, {}, {}
  for _, name in ipairs(names) do
    local below, id, location, take = name:match "^(.-)(%d+)_(%a+)_?(%d*)%.wav$"
    if not id or below ~= "" and not below:find "/$" then
      found.note("name unknown to the set, left out", name)
    else
      local path, base = files.join(folder, name), name:match "[^/]+$"
      local patient = patients[id]
      if not patient then
        patient = { txt = read_patient(files.join(folder, below .. id .. ".txt")) }
        patient.facts = facts_of(id, patient.txt, by_patient[id], found)
        patients[id] = patient
        if not patient.facts[o.label] then found.note("no " .. o.label, id) end
      end
      there[base] = true
      local facts, tsv = patient.facts, path:gsub("%.wav$", ".tsv")
      local has_tsv = lfs.attributes(tsv, "mode") == "file"
      if not has_tsv then found.note("no .tsv with the heart's states", name) end
      local audible
      if facts.murmur == "Present" then audible = heard(facts.locations, location) end
      rows[#rows + 1] = { path = path, name = name, label = facts[o.label], murmur = facts.murmur,
        outcome = facts.outcome, audible = audible, location = location, take = tonumber(take), patient = id,
        group = group_of(id, facts.other), age = facts.age, sex = facts.sex, height = facts.height,
        weight = facts.weight, pregnant = facts.pregnant, campaign = facts.campaign,
        segmentation = has_tsv and tsv or nil }
    end
  end
  if #rows == 0 then
    blame("%s: %s: no recordings of the set in it; expected training_data.csv and training_data/2530_AV.wav, 2530.txt, "
      .. "...", where, folder)
  end
  note_missing(found, listed, patients, there)
  for _, row in ipairs(rows) do
    local base = row.name:match "[^/]+$"
    if patients[row.patient].txt and there[base] ~= "listed" then
      found.note("there, but not listed in the patient's .txt", row.name)
    end
  end
  found.samplerate = SAMPLERATE
  return findings.keep(Dataset(rows), found)
end
