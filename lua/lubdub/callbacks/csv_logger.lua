--- Writes one line per epoch, byte for byte as Keras' CSVLogger does: lines end in CR LF, epochs count
-- from 0, columns are sorted, what is missing is NA.
-- Options: path (may stand alone; Keras' `filename` works too), separator (","), append (false). With BackupAndRestore
-- a training that goes on goes on in the same file: no line is lost, and none is there twice.
-- @module lubdub.callbacks.CSVLogger
-- @usage lubdub.callbacks.CSVLogger "log.csv"
local lfs = require "lfs"

local blame = require "lubdub.blame"
local core = require "lubdub.core"
local number = require "lubdub.callbacks.number"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local CSVLogger = require "lubdub.callbacks.class"("CSVLogger",
  { path = options.none, filename = options.none, separator = ",", append = false }, "path")

function CSVLogger:init()
  self.path = self.path or self.filename
  if type(self.path) ~= "string" then blame("CSVLogger: path must be a file name, got %s", type(self.path)) end
  if type(self.separator) ~= "string" or #self.separator ~= 1 then
    blame("CSVLogger: separator must be one character, got %s", tostring(self.separator))
  end
end

local function failed(reason) error("CSVLogger: " .. reason, 0) end

-- How long the file is; nil where there is none, or a device.
local function length_of(path)
  return lfs.attributes(path, "mode") == "file" and lfs.attributes(path, "size") or nil
end

-- Takes back what was written after the state that a training goes on from. Returns the columns, if there are lines.
local function cut_back(self, state)
  local length = length_of(self.path)
  if not length or length < state.whole then
    warning.warn(("CSVLogger: %s is shorter than it was: lines of earlier epochs are missing"):format(self.path), self)
  elseif length > state.whole then
    local ok, reason = core.truncate(self.path, state.whole)
    if not ok then failed(reason) end
  end
  return (length or 0) > 0 and state.keys or nil
end

function CSVLogger:on_train_begin()
  self:on_train_interrupt()
  local from, append = self.resumed, self.append
  self.resumed, self.keys = nil, nil
  if from then
    append = true
    self.keys = cut_back(self, from)
  end
  self.header_wanted = not append or (length_of(self.path) or 0) == 0
  local file, reason = io.open(self.path, append and "ab" or "wb")
  if not file then failed(reason) end
  self.file = file
  self.whole = file:seek "end" or 0 -- bytes of whole lines
end

local function put(file, line)
  local ok, reason = file:write(line)
  if ok then ok, reason = file:flush() end
  return ok, reason
end

function CSVLogger:write(cells)
  for i, cell in ipairs(cells) do
    if cell:find("[\r\n\"]") or cell:find(self.separator, 1, true) then
      cells[i] = '"' .. cell:gsub('"', '""') .. '"'
    end
  end
  local line = table.concat(cells, self.separator) .. "\r\n"
  local ok, reason = core.size_guarded(put, self.file, line)
  if ok then
    self.whole = self.whole + #line
    return
  end
  self:on_train_interrupt()
  core.truncate(self.path, self.whole) -- what went before stays; no half line (a device cannot be cut: no matter)
  failed(("%s: %s"):format(self.path, reason))
end

-- The columns are those of the first epoch; without validation in it, room for validation is left.
local function columns(logs)
  local keys, validated = {}, false
  for key in pairs(logs) do
    keys[#keys + 1] = key
    validated = validated or key:find("^val_") ~= nil
  end
  table.sort(keys)
  if not validated then
    for i = 1, #keys do keys[#keys + 1] = "val_" .. keys[i] end
  end
  return keys
end

function CSVLogger:on_epoch_end(epoch, logs)
  if not self.keys then
    self.keys = columns(logs)
    if self.header_wanted then self:write { "epoch", table.unpack(self.keys) } end
  end
  local cells = { ("%d"):format(epoch - 1) }
  for i, key in ipairs(self.keys) do
    local value = logs[key]
    if value == nil then value = "NA" end
    cells[i + 1] = type(value) == "number" and number.repr(value) or tostring(value)
  end
  self:write(cells)
end

function CSVLogger:on_train_end()
  local file = self.file
  self.file = nil
  local ok, reason = core.size_guarded(file.close, file)
  if not ok then failed(("%s: %s"):format(self.path, reason)) end
end

function CSVLogger:on_train_interrupt()
  if self.file then
    core.size_guarded(self.file.close, self.file) -- it may still hold the line that did not fit
    self.file = nil
  end
end

function CSVLogger:state() return { whole = self.whole, keys = self.keys } end

function CSVLogger:restore(state) self.resumed = state end

return CSVLogger
