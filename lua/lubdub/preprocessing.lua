--- From a recording to what a model takes, as data: an ordered list of named steps with their options.
-- A model file carries such a list as JSON, so that a prediction needs nothing else. Steps:
--
--    { name = "load", options = { sr =, duration =, offset =, mono =, pad =, res_type = } }
--    { name = "mfcc" | "melspectrogram" | ..., options = ... }         -- a key of lubdub.feature.names
--    { name = "deltas", options = { order =, width =, mode = } }       -- appends deltas of order 1 to `order`
--    { name = "scale", options = { by = } }                            -- multiplies
--
-- `load` and one feature come first, in this order.
-- @module lubdub.preprocessing
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local feature = require "lubdub.feature"
local options = require "lubdub.options"
local outward = require "lubdub.outward"
local warning = require "lubdub.warning"

local preprocessing = {}

local features, name_of = feature.names, {}
for name, kind in pairs(features) do name_of[kind] = name end

local load_defaults = {
  sr = 22050, duration = false, offset = 0, mono = true, pad = false, res_type = "soxr_hq", strict = false,
}

-- What the steps after the feature do to the whole tensor.
local transforms = {
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

-- Reads a list of steps: load options, plan, the steps that follow.
local function read_steps(where, steps)
  if type(steps) ~= "table" then
    blame("%s: steps must be a list, got %s", where, type(steps))
  end
  local first, second = steps[1], steps[2]
  if type(first) ~= "table" or first.name ~= "load" or type(second) ~= "table" or not features[second.name] then
    blame("%s: the first steps must be 'load' and a feature such as 'mfcc'", where)
  end
  local load = options.read("load", first.options, load_defaults)
  local plan = feature[features[second.name]](second.options)
  if load.sr ~= plan.sr then
    blame("%s: load gives %g Hz, and %s takes %g Hz", where, load.sr, second.name, plan.sr)
  end
  local rest = {}
  for i = 3, #steps do
    local step = steps[i]
    if type(step) ~= "table" or not transforms[step.name] then
      blame("%s: unknown step '%s' at place %d", where, tostring(type(step) == "table" and step.name), i)
    end
    rest[#rest + 1] = step
  end
  return load, plan, rest
end

--- The steps of an extraction.
-- @tparam Plan plan lubdub.MFCC or one of its siblings
-- @tparam ?table given duration (false), offset (0), mono (true), pad (false), res_type ("soxr_hq"), and
-- scale (a number to multiply by; none unless given)
-- @treturn table steps, without functions or userdata
function preprocessing.steps(plan, given)
  local kind = type(plan) == "userdata" and plan.kind
  if not name_of[kind] then
    blame("preprocessing.steps: expected a feature plan such as lubdub.MFCC{}, got %s", type(plan))
  end
  local o = options.read("preprocessing.steps", given, {
    duration = false, offset = 0, mono = true, pad = false, res_type = "soxr_hq", scale = options.none,
  })
  local steps = {
    { name = "load", options = { sr = plan.sr, duration = o.duration, offset = o.offset, mono = o.mono, pad = o.pad,
      res_type = o.res_type } },
    { name = name_of[kind], options = plan:config() },
  }
  if o.scale then steps[3] = { name = "scale", options = { by = o.scale } } end
  return steps
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
  local load, plan, rest = read_steps("preprocessing.run", steps)
  local job <close> = outward(core.pipeline.Extraction, {
    items = items, plan = plan, duration = load.duration, offset = load.offset, mono = load.mono, pad = load.pad,
    res_type = load.res_type, strict = load.strict or o.strict,
  })
  local done, total
  repeat
    done, total = outward(job.advance, job)
    if o.progress then o.progress(done, total) end
  until done == total
  local warnings = job:warnings()
  for _, message in pairs(warnings) do warning.warn(message) end
  local x = job:result()
  for _, step in ipairs(rest) do x = transforms[step.name](x, step.options) end
  return x, job:errors(), warnings
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
