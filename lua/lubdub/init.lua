--- lubdub: from a folder of recordings to a trained, explainable sound classifier.
-- `require "lubdub"` gives one table; its parts are loaded when they are first used.
-- @module lubdub
-- @usage
-- local clips = lubdub.datasets.hearts { n = 100 }:shuffle(42)
-- local rest, test = clips:split { test_size = 0.2, seed = 42, groups = "patient" }
-- local x = rest:extract(lubdub.MFCC { n_mfcc = 13 }, { duration = 4 })

-- Nothing above this may use Lua 5.4's syntax: another Lua must be able to read it.
if _VERSION ~= "Lua 5.4" then
  error("lubdub needs Lua 5.4, and this is " .. _VERSION .. ": run your script with lua5.4", 0)
end

local core = require "lubdub.core"
local namespace = require "lubdub.namespace"

--- Seconds on a clock that only goes forward.
-- @function clock
-- @treturn number
-- @usage local start = lubdub.clock() print(lubdub.clock() - start)

--- How many threads the library works with; no result depends on it.
-- @function set_num_threads
-- @tparam integer n below 1: as many as the cores that this process may use, or as LUBDUB_NUM_THREADS says
-- @usage lubdub.set_num_threads(2)

--- How many threads the library works with.
-- @function num_threads
-- @treturn integer
-- @usage print(lubdub.num_threads())

--- The set of kernels in use: "plain", "avx2" or "avx512"; LUBDUB_CPU chooses another.
-- @function cpu
-- @treturn string
-- @treturn table a list of those that this CPU can run
-- @usage print(lubdub.cpu())

local lubdub = {
  _VERSION = "scm",
  Tensor = core.Tensor,
  clock = core.clock,
  set_num_threads = core.set_num_threads,
  num_threads = core.num_threads,
  cpu = core.cpu,
}

-- name = { module, field of it } ; no field: the module itself
local parts = {
  audio = { "lubdub.audio" },
  MFCC = { "lubdub.feature", "MFCC" },
  MelSpectrogram = { "lubdub.feature", "MelSpectrogram" },
  STFT = { "lubdub.feature", "STFT" },
  RMS = { "lubdub.feature", "RMS" },
  ZeroCrossingRate = { "lubdub.feature", "ZeroCrossingRate" },
  SpectralCentroid = { "lubdub.feature", "SpectralCentroid" },
  SpectralBandwidth = { "lubdub.feature", "SpectralBandwidth" },
  SpectralRolloff = { "lubdub.feature", "SpectralRolloff" },
  SpectralContrast = { "lubdub.feature", "SpectralContrast" },
  ChromaSTFT = { "lubdub.feature", "ChromaSTFT" },
  feature = { "lubdub.feature" },
  stream = { "lubdub.stream", "new" },
  power_to_db = { "lubdub.feature", "power_to_db" },
  amplitude_to_db = { "lubdub.feature", "amplitude_to_db" },
  delta = { "lubdub.feature", "delta" },
  signal = { "lubdub.signal" },
  augment = { "lubdub.augment" },
  StandardScaler = { "lubdub.standard_scaler", "StandardScaler" },
  preprocessing = { "lubdub.preprocessing" },
  synth = { "lubdub.synth" },
  Dataset = { "lubdub.dataset" },
  datasets = { "lubdub.datasets" },
  Table = { "lubdub.table" },
  resample = { "lubdub.resample" },
  cross_validate = { "lubdub.validation.cross_validate", "cross_validate" },
  grid_search = { "lubdub.validation.search", "grid_search" },
  random_search = { "lubdub.validation.search", "random_search" },
  ParameterGrid = { "lubdub.validation.grid", "ParameterGrid" },
  random = { "lubdub.random" },
  split = { "lubdub.split" },
  LabelEncoder = { "lubdub.labels", "LabelEncoder" },
  to_categorical = { "lubdub.labels", "to_categorical" },
  class_weights = { "lubdub.labels", "class_weights" },
  layers = { "lubdub.layers" },
  optimizers = { "lubdub.optimizers" },
  initializers = { "lubdub.initializers" },
  regularizers = { "lubdub.regularizers" },
  constraints = { "lubdub.constraints" },
  losses = { "lubdub.losses" },
  Sequential = { "lubdub.sequential" },
  Model = { "lubdub.functional" },
  set_seed = { "lubdub.seed", "set_seed" },
  callbacks = { "lubdub.callbacks" },
  explain = { "lubdub.explain" },
  metrics = { "lubdub.metrics" },
  plot = { "lubdub.plot" },
  report = { "lubdub.report", "new" },
  load_model = { "lubdub.keras", "load_model" },
  display = { "lubdub.display" },
  help = { "lubdub.help", "help" },
  inspect = { "lubdub.keras", "inspect" },
  onnx = { "lubdub.onnx" },
  on_warning = { "lubdub.warning", "on_warning" },
}

-- A module, or a class, as users meet it: it prints its name at the least.
local function face(name, value)
  local meta = getmetatable(value)
  if type(value) ~= "table" then return value end
  if not meta then return namespace("lubdub." .. name, value) end
  if not meta.__tostring then meta.__tostring = function() return "lubdub." .. name end end
  return value
end

face("Tensor", core.Tensor)

return namespace("lubdub", lubdub, function(name)
  local part = parts[name]
  if not part then return nil end
  local value = require(part[1])
  if part[2] then value = value[part[2]] end
  return face(name, value)
end, function()
  local all = {}
  for name in pairs(lubdub) do all[name] = true end
  for name in pairs(parts) do all[name] = true end
  return all
end)
