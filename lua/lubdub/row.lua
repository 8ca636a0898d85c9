--- One recording of a data set: what is known about it, read-only, and its header when somebody asks.
--
-- A row has the columns that it was made with. `duration` (seconds), `samplerate`, `channels` and `frames`
-- come from the sound file's header (or from the tensor in `audio`) when they are first asked for, unless the row was
-- made with them. A file that cannot be read makes that question an error, which names the file.
-- Rows are shared between data sets, so they cannot be assigned to; `map` and `with_column` make new ones.
-- @module lubdub.row
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local order = require "lubdub.order"
local shape_text = require("lubdub.check").shape_text

local row = {}

-- Where a row keeps its columns, and what its header said: { info = table } or { reason = string }, shared by all
-- rows of one recording.
local DATA, HEADER = {}, {}

local from_header = { duration = true, samplerate = true, channels = true, frames = true }

local function read_header(data)
  if data.audio then
    local shape = data.audio:shape()
    local frames = shape[#shape]
    local info = { frames = frames, channels = #shape == 1 and 1 or shape[1], samplerate = data.samplerate }
    info.duration = data.samplerate and frames / data.samplerate
    return { info = info }
  elseif data.path then
    local info, reason = require("lubdub.audio").info(data.path)
    return { info = info, reason = reason }
  end
  return { info = {} }
end

local function header(self)
  local cell = self[HEADER]
  if not cell.info and not cell.reason then
    local read = read_header(self[DATA])
    cell.info, cell.reason = read.info, read.reason
  end
  return cell
end

local function lookup(self, key)
  local value = self[DATA][key]
  if value ~= nil or not from_header[key] then return value end
  local cell = header(self)
  if not cell.info then blame("%s", cell.reason) end
  return cell.info[key]
end

-- Names that come first when columns are listed; the others follow by name.
local usual = {}
for i, name in ipairs { "path", "name", "label", "sublabel", "set", "group", "patient", "recording", "offset",
  "duration", "samplerate", "audio" } do
  usual[name] = ("%02d"):format(i)
end

--- Names of columns in the order in which they are shown: the usual ones first.
-- @tparam table there a table with the names as keys
-- @treturn table a list
function row.names(there)
  local names = {}
  for name in pairs(there) do names[#names + 1] = name end
  return order.sort(names, function(name) return (usual[name] or "99") .. name end)
end

local function show(value)
  if type(value) == "string" then return '"' .. value .. '"' end
  if core.Tensor.is(value) then return "Tensor " .. shape_text(value:shape()) end
  if math.type(value) == "float" then return ("%.6g"):format(value) end
  return tostring(value)
end

local Row = {
  __name = "lubdub.Row",
  __index = lookup,
  __newindex = function(_, key)
    blame("rows are read-only: clips:with_column(%q, ...) or clips:map(f) gives new ones", tostring(key))
  end,
  __pairs = function(self) return pairs(self[DATA]) end,
  __tostring = function(self)
    local parts = {}
    for i, key in ipairs(row.names(self[DATA])) do parts[i] = key .. " = " .. show(self[DATA][key]) end
    return "{ " .. table.concat(parts, ", ") .. " }"
  end,
}

-- What `map` hands out: columns that may be set, with the same lazy header.
local Draft = { __name = "lubdub.Row draft" }
local drafted = setmetatable({}, { __mode = "k" })

function Draft.__index(self, key)
  if from_header[key] then return lookup(drafted[self], key) end
  return nil
end

--- Makes a row.
-- @tparam table data columns; kept, not copied
-- @tparam ?row from a row of the same recording, whose header serves this one too
-- @treturn row
function row.new(data, from)
  local cell = {}
  if from and data.path == from[DATA].path and data.audio == from[DATA].audio
    and data.samplerate == from[DATA].samplerate then
    cell = from[HEADER]
  end
  return setmetatable({ [DATA] = data, [HEADER] = cell }, Row)
end

--- Makes a row from what a caller gave: a row as it is, or a copy of a table of columns.
-- @tparam string where for messages
-- @param given
-- @tparam integer i its position, for messages
-- @tparam ?row from a row of the same recording
-- @treturn row
function row.from(where, given, i, from)
  if getmetatable(given) == Row then return given end
  if type(given) ~= "table" then blame("%s: row %d must be a table, got %s", where, i, type(given)) end
  local data = {}
  for key, value in pairs(given) do
    if type(key) ~= "string" then blame("%s: row %d: columns have names, got %s", where, i, tostring(key)) end
    data[key] = value
  end
  return row.new(data, from)
end

--- The columns of a row, as it was made; to be read only.
-- @tparam row self
-- @treturn table
function row.data(self)
  return self[DATA]
end

--- A copy of a row's columns.
-- @tparam row self
-- @treturn table
function row.copy(self)
  local data = {}
  for key, value in pairs(self[DATA]) do data[key] = value end
  return data
end

--- A copy that may be changed, and answers lazily as the row does.
-- @tparam row self
-- @treturn table
function row.draft(self)
  local draft = setmetatable(row.copy(self), Draft)
  drafted[draft] = self
  return draft
end

--- The value of a column, nil where it would be in a header that cannot be read.
-- @tparam row self
-- @tparam string key
function row.peek(self, key)
  if from_header[key] and self[DATA][key] == nil and row.unreadable(self) then return nil end
  return self[key]
end

--- What the header says, of the file whatever the row's own columns say; nil where it cannot be read.
-- @tparam row self
-- @treturn ?table duration, samplerate, channels, frames
function row.header(self)
  return header(self).info
end

--- Why the recording cannot be read, or nil.
-- @tparam row self
-- @treturn ?string "path: reason"
function row.unreadable(self)
  return header(self).reason
end

return row
