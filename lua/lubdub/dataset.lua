--- A data set: a table of recordings, one row each, that is chosen from, shuffled, split and turned into tensors.
--
-- A row knows its columns: `path` (or `audio`, a Tensor, with `samplerate`), `label`, `group` (what must stay on one
-- side of a split: a patient, a day), and whatever else it was made with. No audio is read until somebody asks;
-- `duration` and `samplerate` come from the file's header on the first question. Data sets and rows never
-- change: every method gives a new data set, which shares its rows with the old one.
--
--    local clips = lubdub.datasets.pascal "data/pascal2011"
--      :filter(function(clip) return clip.label and clip.duration >= 4 end)
--      :shuffle(42)
--    local rest, test = clips:split { test_size = 0.2, seed = 42, groups = "patient" }
--    local x = rest:extract(lubdub.MFCC { n_mfcc = 40 }, { duration = 4 })
--
-- `#clips`, `clips[3]`, `clips[3].label`, `clips.label` (a column as a list, nil where a row has no value),
-- `for i, clip in clips:iter()` and `a .. b` work; print shows a summary, and a few rows themselves.
-- `lubdub.Dataset.from_csv` reads what `clips:to_csv` wrote.
-- @module lubdub.dataset
-- @usage
-- local clips = lubdub.Dataset { { path = "heart.wav", label = "normal", patient = 1 } }
-- print(clips:where { label = "normal" })
local blame = require "lubdub.blame"
local object = require "lubdub.dataset.object"
local order = require "lubdub.order"
local row = require "lubdub.row"

require "lubdub.dataset.ask"
require "lubdub.dataset.choose"
require "lubdub.dataset.change"
require "lubdub.dataset.parts"
require "lubdub.dataset.tell"

local function from_rows(list)
  local rows = {}
  for i = 1, #list do rows[i] = row.from("Dataset", list[i], i) end
  return rows
end

local function from_columns(columns)
  local n, first
  local names = {}
  for name, list in pairs(columns) do
    if type(name) ~= "string" or type(list) ~= "table" then
      blame("Dataset: expected a list of rows, or columns as name = list; got %s = %s", tostring(name), type(list))
    end
    names[#names + 1] = name
  end
  for _, name in ipairs(order.sort(names)) do
    n, first = n or #columns[name], first or name
    if #columns[name] ~= n then
      blame("Dataset: column %s has %d values, column %s has %d", name, #columns[name], first, n)
    end
  end
  local rows = {}
  for i = 1, n or 0 do
    local data = {}
    for _, name in ipairs(names) do data[name] = columns[name][i] end
    rows[i] = row.new(data)
  end
  return rows
end

local function make(_, what)
  if object.is(what) then return object.new(object.rows(what)) end
  if type(what) ~= "table" then
    blame("Dataset: expected a list of rows, or columns as name = list; got %s", type(what))
  end
  if #what == 0 and next(what) ~= nil then return object.new(from_columns(what)) end
  return object.new(from_rows(what))
end

--- Pieces of equal length as rows of their own: see `lubdub.dataset.windows`.
-- @tparam table given `size`, `hop` (seconds), `pad`
-- @treturn Dataset
function object.methods:windows(given)
  return object.new(require "lubdub.dataset.windows"(self, given))
end

--- Features of all rows: see `lubdub.dataset.extract`.
-- @param plan e.g. `lubdub.MFCC { n_mfcc = 40 }`, or the steps of `lubdub.preprocessing.steps`
-- @tparam ?table given `duration`, `offset`, `pad`, `skip`, `progress`
-- @treturn Tensor (rows, n_mfcc, frames, 1)
-- @treturn ?Dataset with `skip`: the rows of the tensor
function object.methods:extract(plan, given)
  return require "lubdub.dataset.extract"(self, plan, given)
end

--- A data set from a CSV file: see `lubdub.datasets.from_csv`.
-- @param ... as there
-- @treturn Dataset
local function from_csv(...) return require "lubdub.datasets.from_csv"(...) end

--- Makes a data set: `lubdub.Dataset(rows)`.
-- @function Dataset
-- @tparam table what a list of rows `{ { path = "a.wav", label = "normal" }, ... }`, or columns
-- `{ path = { ... }, label = { ... } }`, each with a value for every row
-- @treturn Dataset
-- @usage local clips = lubdub.Dataset { path = { "a.wav", "b.wav" }, label = { "normal", "murmur" } }
return setmetatable({
  is = object.is,
  from_csv = from_csv,
}, { __call = make })
