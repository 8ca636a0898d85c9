--- From a recording to what a model takes, as data: an ordered list of named steps with their options.
-- A model file carries such a list as JSON, so that a prediction needs nothing else. Steps:
--
--    { name = "load", options = { sr =, duration =, offset =, mono =, pad =, res_type = } }
--    { name = "filter", options = { order =, cutoff =, btype =, zero_phase = } }   -- of lubdub.signal.butter
--    { name = "remove_spikes" | "normalize" | "envelope", options = ... }          -- of lubdub.signal
--    { name = "mfcc" | "melspectrogram" | ..., options = ... }                     -- a key of lubdub.feature.names
--    { name = "deltas", options = { order =, width =, mode = } }                   -- appends order 1 to `order`
--    { name = "scale", options = { by = } }                                        -- multiplies
--    { name = "standardize", options = { per = "clip" | "coefficient" } }          -- each clip by itself
--    { name = "standard_scaler", options = { axis =, mean = Tensor, scale = Tensor } }  -- of lubdub.StandardScaler
--
-- `load` comes first, then steps on the signal (which has its duration by then), one feature, and steps on that.
-- @module lubdub.preprocessing
-- @usage
-- local steps = lubdub.preprocessing.steps(lubdub.MFCC { n_mfcc = 40 }, { duration = 4, scale = 0.01 })
-- local x = clips:extract(steps)
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local feature = require "lubdub.feature"
local options = require "lubdub.options"
local outward = require "lubdub.outward"
local signal = require "lubdub.signal"
local standard_scaler = require "lubdub.standard_scaler"
local warning = require "lubdub.warning"

local preprocessing = {}

local features, kind_name = feature.names, {}
for name, kind in pairs(features) do kind_name[kind] = name end

local load_defaults = {
  sr = 22050, duration = false, offset = 0, mono = true, pad = false, res_type = "soxr_hq", strict = false,
}

-- What the core does to each signal, from a step's options and the sample rate.
local treatments = {
  filter = function(given, sr)
    local o = { sr = sr }
    for name, value in pairs(given or {}) do o[name] = value end
    local filter = signal.butter(o)
    return { kind = filter.zero_phase and "sosfiltfilt" or "sosfilt", sos = filter.sos }
  end,
}
for _, kind in ipairs { "remove_spikes", "normalize", "envelope" } do
  treatments[kind] = function(given, sr)
    local treatment = {}
    for name, value in pairs(given or {}) do treatment[name] = value end
    treatment.kind, treatment.sr = kind, sr
    return treatment
  end
end

-- What the steps after the feature do to the whole tensor.
local transforms = {
  standardize = standard_scaler.standardize,
  standard_scaler = function(x, given) return standard_scaler.of_step(given):transform(x) end,
  scale = function(x, given)
    local o = options.read("scale", given, { by = options.none })
    if math.type(o.by) == nil or o.by ~= o.by then
      blame("scale: by must be a number, got %s", tostring(o.by))
    end
    return o.by == 1 and x or x * o.by
  end,
  -- (clips, rows, frames, 1) becomes (clips, rows * (1 + order), frames, 1)
  deltas = function(x, given)
    local o = options.read("deltas", given, { order = 1, width = 9, mode = "interp" })
    if math.type(o.order) ~= "integer" or o.order < 1 then
      blame("deltas: order must be a whole number from 1, got %s", tostring(o.order))
    end
    local all = { x }
    for order = 1, o.order do
      all[order + 1] = feature.delta(x, { order = order, width = o.width, mode = o.mode, axis = 3 })
    end
    return core.Tensor.concat(all, 2)
  end,
}

local function name_of(step) return type(step) == "table" and step.name end

-- Reads a list of steps: load options, treatments of the signal, plan (nil without a feature), the steps that follow.
local function read_steps(where, steps, no_feature)
  if type(steps) ~= "table" then
    blame("%s: steps must be a list, got %s", where, type(steps))
  end
  local load = name_of(steps[1]) == "load" and options.read("load", steps[1].options, load_defaults)
  local at, treated = 2, {}
  while load and treatments[name_of(steps[at])] do
    treated[#treated + 1] = treatments[steps[at].name](steps[at].options, load.sr)
    at = at + 1
  end
  local step, plan = steps[at], nil
  if not load or not features[name_of(step)] and not (no_feature and step == nil) then
    blame("%s: the first steps must be 'load' and a feature such as 'mfcc'; between them may be 'filter', "
      .. "'remove_spikes', 'normalize' and 'envelope'", where)
  end
  if step then
    plan = feature[features[step.name]](step.options)
    if load.sr ~= plan.sr then
      blame("%s: load gives %g Hz, and %s takes %g Hz", where, load.sr, step.name, plan.sr)
    end
  end
  local rest = {}
  for i = at + 1, #steps do
    if not transforms[name_of(steps[i])] then
      blame("%s: unknown step '%s' at place %d", where, tostring(name_of(steps[i])), i)
    end
    rest[#rest + 1] = steps[i]
  end
  return load, treated, plan, rest
end

-- The options of a step that may be given as true, a name (of option `first`), or a table.
local function step_options(given, first)
  if given == true then return {} end
  if type(given) == "string" then return { [first] = given } end
  return given
end

local function add_signal_steps(steps, o, sr)
  local function add(name, given)
    if not given then return end
    if type(given) ~= "table" then
      blame("preprocessing.steps: %s must be a table of options, got %s", name, type(given))
    end
    -- begun on nothing much, so that mistakes show now
    outward(core.signal.treat, core.Tensor.zeros { 1 }, treatments[name](given, sr))
    steps[#steps + 1] = { name = name, options = given }
  end
  local filter = o.filter
  if type(filter) == "table" and filter.sos then
    if filter.sr ~= sr then
      blame("preprocessing.steps: the filter is for %g Hz, the plan for %g Hz", filter.sr, sr)
    end
    filter = filter:config()
    filter.sr = nil
  end
  add("filter", filter)
  add("remove_spikes", step_options(o.remove_spikes, "window"))
  add("normalize", step_options(o.normalize, "norm"))
  add("envelope", step_options(o.envelope, "method"))
end

--- The steps of an extraction.
-- @tparam Plan plan lubdub.MFCC or one of its siblings
-- @tparam ?table given duration (false), offset (0), mono (true), pad (false), res_type ("soxr_hq"); and, none unless
-- given, in the order in which they are done: filter (a Filter of lubdub.signal.butter, or its options without sr),
-- remove_spikes (true or options), normalize ("peak", "rms" or options), envelope ("hilbert", "homomorphic" or
-- options), scale (a number to multiply by), standardize ("clip" or "coefficient"), scaler (a fitted
-- lubdub.StandardScaler)
-- @treturn table steps, without functions or userdata
function preprocessing.steps(plan, given)
  local kind = type(plan) == "userdata" and plan.kind
  if not kind_name[kind] then
    blame("preprocessing.steps: expected a feature plan such as lubdub.MFCC{}, got %s", type(plan))
  end
  local o = options.read("preprocessing.steps", given, {
    duration = false, offset = 0, mono = true, pad = false, res_type = "soxr_hq", filter = false, remove_spikes = false,
    normalize = false, envelope = false, scale = options.none, standardize = false, scaler = false,
  })
  local steps = {
    { name = "load", options = { sr = plan.sr, duration = o.duration, offset = o.offset, mono = o.mono, pad = o.pad,
      res_type = o.res_type } },
  }
  add_signal_steps(steps, o, plan.sr)
  steps[#steps + 1] = { name = kind_name[kind], options = plan:config() }
  if o.scale then steps[#steps + 1] = { name = "scale", options = { by = o.scale } } end
  if o.standardize then
    local given_options = step_options(o.standardize, "per")
    standard_scaler.check_options(given_options)
    steps[#steps + 1] = { name = "standardize", options = given_options }
  end
  if o.scaler then
    if not standard_scaler.is(o.scaler) then
      blame("preprocessing.steps: scaler must be a fitted lubdub.StandardScaler, got %s", type(o.scaler))
    end
    steps[#steps + 1] = o.scaler:step()
  end
  return steps
end

-- Advances an extraction of features, or of signals without a plan.
local function extract(items, plan, load, treated, o)
  local job <close> = outward(core.pipeline.Extraction, {
    items = items, plan = plan or false, sr = not plan and load.sr or nil, treatments = treated,
    duration = load.duration, offset = load.offset, mono = load.mono, pad = load.pad,
    res_type = load.res_type, strict = load.strict or o.strict,
  })
  local done, total
  repeat
    done, total = outward(job.advance, job)
    if o.progress then o.progress(done, total) end
  until done == total
  local warnings = job:warnings()
  for _, message in pairs(warnings) do warning.warn(message) end
  return job:result(), job:errors(), warnings
end

--- Runs the steps over recordings: the row of every one that fails is zeros, and its reason is in the second result.
-- @tparam table steps
-- @tparam table items a list of paths, or of tables with `path`, or with `audio` (a Tensor) and `samplerate`, and
-- `offset` (0 s), which adds to that of the step: a data set is such a list
-- @tparam ?table given progress: called with (items done, items in all) some 30 times a second;
-- strict (false): a file with less data than it promises fails
-- @treturn Tensor (#items, ...)
-- @treturn table { [item] = "path: reason" } of the items that failed
-- @treturn table { [item] = message } of the items that gave a warning
function preprocessing.run(steps, items, given)
  local o = options.read("preprocessing.run", given, { progress = false, strict = false })
  local load, treated, plan, rest = read_steps("preprocessing.run", steps)
  local x, errors, warnings = extract(items, plan, load, treated, o)
  return preprocessing.transform(x, rest), errors, warnings
end

--- Runs the steps after the feature, which treat every row by itself.
-- @tparam Tensor x (items, ...)
-- @tparam table rest the third result of `parts`
-- @treturn Tensor
function preprocessing.transform(x, rest)
  for _, step in ipairs(rest) do x = transforms[step.name](x, step.options) end
  return x
end

--- Runs the steps up to the feature, which may be missing: the signals themselves, loaded and treated in parallel.
-- @tparam table steps
-- @tparam table items as in `run`
-- @tparam ?table given as in `run`
-- @treturn Tensor (#items, samples)
-- @treturn table { [item] = "path: reason" } of the items that failed
function preprocessing.signals(steps, items, given)
  local o = options.read("preprocessing.signals", given, { progress = false, strict = false })
  local load, treated = read_steps("preprocessing.signals", steps, true)
  if not load.sr then blame "preprocessing.signals: load must say sr" end
  return extract(items, nil, load, treated, o)
end

--- The parts of a list of steps: for whoever runs them in another way.
-- @treturn table the options of load, with defaults
-- @treturn Plan the feature
-- @treturn table the steps after the feature
function preprocessing.parts(steps)
  local load, _, plan, rest = read_steps("preprocessing.parts", steps)
  return load, plan, rest
end

--- Applies the steps to one recording or a list of them.
-- @tparam table steps
-- @param input a path, a table with `path` or with `audio` and `samplerate`, or a list of such
-- @treturn[1] Tensor (number of recordings, ...), row i from recording i
-- @treturn[2] nil
-- @treturn[2] string "path: reason" of every recording that failed, a line each
function preprocessing.apply(steps, input)
  local single = type(input) == "string" or (type(input) == "table" and (input.path or input.audio))
  local x, errors = preprocessing.run(steps, single and { input } or input)
  if next(errors) == nil then return x end
  local rows, lines = {}, {}
  for row in pairs(errors) do rows[#rows + 1] = row end
  table.sort(rows)
  for i, row in ipairs(rows) do lines[i] = errors[row] end
  return nil, table.concat(lines, "\n")
end

local function value_text(value)
  if type(value) == "string" then return '"' .. value .. '"' end
  if type(value) == "userdata" then return ("Tensor {%s}"):format(table.concat(value:shape(), ", ")) end
  if type(value) == "table" then return "{" .. #value .. " values}" end
  return math.type(value) == "float" and ("%.7g"):format(value) or tostring(value)
end

-- "name = value, ..." of the options that are not at their defaults, in alphabetical order.
local function differing(given, defaults)
  local names, parts = {}, {}
  for name, value in pairs(given or {}) do
    if value ~= defaults[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = name .. " = " .. value_text(given[name]) end
  return table.concat(parts, ", ")
end

--- One line of text for each step: its name, and its options where they are not the defaults.
-- @tparam table steps
-- @treturn string
function preprocessing.describe(steps)
  local lines = {}
  for i, step in ipairs(steps) do
    local defaults = {}
    if step.name == "load" then
      defaults = load_defaults
    elseif features[step.name] then
      defaults = core.feature.plan(features[step.name]):config()
    end
    lines[i] = ("%d. %s(%s)"):format(i, step.name, differing(step.options, defaults))
  end
  return table.concat(lines, "\n")
end

return preprocessing
