--- A file with a model, whatever its format: HDF5 (.h5), an archive of Keras 3 (.keras), or weights alone.
-- What it is, its first bytes tell. Nothing here builds a model.
-- @module lubdub.keras.source
local h5 = require "lubdub.h5"
local dialect = require "lubdub.keras.dialect"
local failure = require "lubdub.keras.failure"
local json = require "lubdub.keras.json"
local legacy = require "lubdub.keras.legacy"
local modern = require "lubdub.keras.modern"
local training = require "lubdub.keras.training"

local check, fail = failure.check, failure.raise

local Source = {}
Source.__index = Source
local source = {}

local LONGEST_JSON = 64 << 20 -- bytes; a model with a thousand layers has a megabyte

local archive_begins = { ["PK\3\4"] = true, ["PK\5\6"] = true } -- with a member, or without any

local function is_archive(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil and archive_begins[file:read(4)] == true
end

local function open_hdf5(path)
  local file, reason = h5.open(path)
  if reason == path .. ": not an HDF5 file" then
    fail("%s: neither an HDF5 file (.h5) nor a zip archive (.keras)", path)
  end
  return check(file, reason)
end

--- Opens a file; use it with `<close>`.
-- @treturn Source fields path, file (an h5.File with the weights), archive (nil for HDF5), dialect, and the texts
-- version and saved, or nil
function source.open(path)
  local self = setmetatable({ path = path }, Source)
  if is_archive(path) then
    self.archive = check(require("lubdub.zip").open(path))
    local closing <close> = setmetatable({}, { __close = function(_, problem) -- luacheck: ignore
      if problem ~= nil then self:close() end
    end })
    local weights = check(self.archive:bytes "model.weights.h5")
    if not weights then fail("%s: model.weights.h5: is missing", path) end
    self.file = check(h5.open_buffer(weights, path .. ": model.weights.h5"))
    local metadata = self:member("metadata.json", true)
    self.version, self.saved = metadata and metadata.keras_version, metadata and metadata.date_saved
  else
    self.file = open_hdf5(path)
    self.version = check(self.file:attribute("/", "keras_version"))
      or check(self.file:kind "/model_weights") and check(self.file:attribute("/model_weights", "keras_version"))
  end
  if type(self.version) ~= "string" then self.version = nil end
  self.dialect = dialect.of(self.version, self.archive and not self.version)
  return self
end

--- Closes both files; a second time does nothing.
function Source:close()
  if self.file then self.file:close() end
  if self.archive then self.archive:close() end
end

Source.__close = Source.close

--- What lubdub writes means what Keras 3 means, whatever the version that its .h5 files name for older readers.
function Source:written_by_lubdub() self.dialect = dialect.of("3.0", true) end

-- === JSON ===

local function decoded(self, where, text)
  if #text > LONGEST_JSON then fail("%s: %s: is longer than any model's", self.path, where) end
  local value, reason = json.decode(text)
  if type(value) ~= "table" then fail("%s: %s: %s", self.path, where, reason or "holds no JSON object") end
  return value
end

--- An archive's member of JSON.
-- @tparam string name
-- @tparam ?boolean optional whether it may be missing: then nil
function Source:member(name, optional)
  local text = check(self.archive:read(name))
  if text == nil and optional then return nil end
  if text == nil then fail("%s: %s: is missing", self.path, name) end
  return decoded(self, name, text)
end

-- An attribute of JSON of the file's root; nil where there is none.
local function attribute(self, name)
  local text = check(self.file:attribute("/", name))
  if text == nil then return nil end
  return decoded(self, "attribute " .. name, type(text) == "string" and text or "")
end

-- Whether a layer has a form that only Keras 3 writes, for files that tell no version.
local function looks_modern(config)
  local layers = type(config.config) == "table" and config.config.layers
  local first = type(layers) == "table" and layers[1]
  return type(first) == "table" and type(first.config) == "table" and first.config.batch_shape ~= nil
end

--- The model's config, or nil where the file holds weights alone. Asked for once.
function Source:find_model_config()
  local config
  if self.archive then config = self:member "config.json" else config = attribute(self, "model_config") end
  if config then
    self.compiled = self.archive and config.compile_config
    if not self.version and looks_modern(config) then self.dialect = dialect.of(nil, true) end
  end
  return config
end

--- The same where it must be there.
function Source:model_config()
  local config = self:find_model_config()
  if config then return config end
  if self:holds_weights() then fail("%s: holds weights without their model", self.path) end
  fail("%s: no model of Keras (it has no attribute model_config)", self.path)
end

--- Whether weights are there, in one layout or the other.
function Source:holds_weights() return modern.has_weights(self) or legacy.has_weights(self) end

--- How the model was compiled; nil where it was not.
function Source:training_config()
  if self.archive then return training.normal(self.compiled) end
  return training.normal(attribute(self, "training_config"))
end

return source
