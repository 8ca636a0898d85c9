--- The heart sounds of Yaseen, Son and Kwon, Applied Sciences 8(12):2344 (2018): 1000 clips of about three beats in
-- five classes, 8000 Hz.
--
-- The folder holds AS_New/, MR_New/, MS_New/, MVP_New/ and N_New/ with New_AS_001.wav and so on.
--
-- Columns:
--   path, name  `name` is the path below the folder: AS_New/New_AS_001.wav
--   label       AS (aortic stenosis), MR (mitral regurgitation), MS (mitral stenosis), MVP (mitral valve
--               prolapse) or N (normal)
--   group       clips of one recording, y000 to y140: 972 of the 1000 share samples with another one, for they were
--               cut one after the other from few recordings, each beginning where a beat of the last one ended
--
-- Trap: a random split tests on what was trained on, which is how accuracies of 99 % come about. By groups little is
-- left to learn from: N comes from five recordings. It serves to see whether a program runs, not how good it is.
-- @module lubdub.datasets.yaseen2018
local blame = require "lubdub.blame"
local Dataset = require "lubdub.dataset"
local files = require "lubdub.datasets.files"
local findings = require "lubdub.dataset.findings"
local look = require "lubdub.datasets.look"

local where = "datasets.yaseen2018"
local SAMPLERATE, CLIPS = 8000, 200

-- Group of each file by class and number.
local function read_groups()
  local groups = {}
  for class, runs in pairs(require "lubdub.datasets.yaseen2018_groups") do
    local list = {}
    for run in runs:gmatch "%S+" do
      local group, n = run:match "^(%d+)x?(%d*)$"
      for _ = 1, tonumber(n) or 1 do list[#list + 1] = ("y%03d"):format(group) end
    end
    groups[class] = list
  end
  return groups
end

--- Finds the recordings, in the order of the bytes of their paths.
-- @function yaseen2018
-- @tparam string folder
-- @treturn Dataset; one warning says what is missing or odd, and `clips:check()` lists it
-- @raise when the folder is not there or holds none of them
return function(folder)
  local names, found = look(where, folder)
  local groups, rows, there = read_groups(), {}, {}
  for _, name in ipairs(names) do
    local class, number = name:match "New_(%u+)_(%d+)%.wav$"
    number = tonumber(number)
    if not groups[class] then
      found.note("name unknown to the set, left out", name)
    else
      local below = name:match "([^/]+)/[^/]+$"
      local group = groups[class][number]
      if below and below:match "^(%u+)_New$" and below:match "^%u+" ~= class then
        found.note("class of the folder is not that of the name", name)
      end
      if not group then found.note("number unknown to the set, a group of its own", name) end
      there[class] = (there[class] or 0) + (group and 1 or 0)
      rows[#rows + 1] = { path = files.join(folder, name), name = name, label = class,
        group = group or ("%s-%s"):format(class, number) }
    end
  end
  if #rows == 0 then
    blame("%s: %s: no recordings of the set in it; expected AS_New/New_AS_001.wav, ..., N_New/New_N_200.wav", where,
      folder)
  end
  for _, class in ipairs { "AS", "MR", "MS", "MVP", "N" } do
    local n = there[class] or 0
    if n < CLIPS then
      found.note(("classes with clips missing, of %d each"):format(CLIPS), ("%s (%d)"):format(class, CLIPS - n))
    end
  end
  found.samplerate = SAMPLERATE
  return findings.keep(Dataset(rows), found)
end
