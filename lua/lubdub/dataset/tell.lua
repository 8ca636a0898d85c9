--- What a data set tells of itself: statistics, a CSV file, what is wrong with its recordings.
-- @module lubdub.dataset.tell
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local csv = require "lubdub.csv"
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"
local warning = require "lubdub.warning"

local methods = object.methods

--- Count, mean, deviation and quartiles of columns of numbers, as pandas gives them; of other columns how many
-- different values there are, and the most frequent one.
-- @tparam ?string ... names (default: all columns of numbers)
-- @treturn lubdub.Table a row for each column
function methods:describe(...)
  return require("lubdub.dataset.statistics").describe(self, { ... })
end

-- The columns of a file: those that rows were made with, in their usual order.
local function stored_columns(self)
  local there, names = {}, {}
  for _, clip in self:iter() do
    for name in pairs(row.data(clip)) do there[name] = true end
  end
  for _, name in ipairs(self:columns()) do
    if there[name] then names[#names + 1] = name end
  end
  return names
end

-- The columns without those that no field can hold.
local function writable(self, names, chosen)
  local kept, left = {}, {}
  for _, name in ipairs(names) do
    local bad
    for i, clip in self:iter() do
      local value = clip[name]
      local kind = type(value)
      if kind ~= "nil" and kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
        bad = ("%s in row %d"):format(core.Tensor.is(value) and "a tensor" or "a " .. kind, i)
        break
      end
    end
    if bad and chosen then blame("Dataset:to_csv: column %q has %s, which no CSV field can hold", name, bad) end
    if bad then left[#left + 1] = name else kept[#kept + 1] = name end
  end
  if #left > 0 then
    warning.warn(("to_csv: left out what no CSV field can hold: %s"):format(table.concat(left, ", ")), self)
  end
  return kept
end

--- Writes the columns as a CSV file (RFC 4180), whole or not at all. `lubdub.datasets.from_csv` reads it again.
-- @tparam string path
-- @tparam ?table given `columns`: a list of names (default: those that the rows were made with; `duration` and
-- `samplerate` of the files' headers only where they are listed)
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
function methods:to_csv(path, given)
  if type(path) ~= "string" then blame("Dataset:to_csv: expected a path, got %s", type(path)) end
  local o = options.read("Dataset:to_csv", given, { columns = options.none })
  if o.columns ~= nil and type(o.columns) ~= "table" then
    blame("Dataset:to_csv: columns must be a list of names, got %s", type(o.columns))
  end
  for _, name in ipairs(o.columns or {}) do values.known(self, "Dataset:to_csv", name) end
  local names = writable(self, o.columns or stored_columns(self), o.columns)
  return core.write_aside(path, csv.format(names, object.rows(self)))
end

--- What is missing or odd: files that are not there, cannot be read or are empty, other sample rates, files with the
-- same bytes, rows with the same path, missing labels; and what a loader found in its folder. Reads the headers,
-- and unless `content = false` the bytes of every file.
-- @tparam ?table given `content`: true; `silence`: false (true also decodes the recordings and finds silent ones, and
-- those with broken sound); `progress`: true
-- @treturn lubdub.Table problem, count, the first examples; it prints
function methods:check(given)
  return require "lubdub.dataset.check"(self, given)
end
