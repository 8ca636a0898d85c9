--- Features of every row of a data set, in one tensor: row i of the tensor is row i of the data set.
--
-- Files are read, cut, resampled and transformed in parallel (csrc/pipeline). Every row is tried; those that fail
-- end in one error that lists them, or, with `skip`, are left out of the tensor and of the data set beside it.
-- @module lubdub.dataset.extract
local blame = require "lubdub.blame"
local options = require "lubdub.options"
local preprocessing = require "lubdub.preprocessing"
local progress = require "lubdub.progress"
local row = require "lubdub.row"

-- So many failures are listed, the others counted.
local MOST = 20

-- How long the piece of each row is that is read: the given duration, or that of the windows.
local function duration_of(self, given)
  local duration, first = given, nil
  for i, clip in self:iter() do
    local data = row.data(clip)
    local window = data.offset and data.duration
    if window and given and given > window + 1e-9 then
      blame("extract: duration = %g s is longer than row %d, a window of %g s", given, i, window)
    elseif window and not given then
      if first and math.abs(window - duration) > 1e-9 then
        blame("extract: row %d is a window of %g s, row %d of %g s; give a duration", first, duration, i, window)
      end
      duration, first = window, first or i
    end
  end
  return duration or false
end

-- Runs the steps. A mistake that only the recordings reveal is told at the caller's line.
local function run(steps, self, given, cache)
  local run_steps = cache and require("lubdub.cache").run or preprocessing.run
  local ok, features, errors = pcall(run_steps, steps, self, given, cache)
  if ok then return features, errors end
  local mistake = type(features) == "string" and
    (features:match "extract: .*" or features:match "preprocessing%.run: .*")
  if mistake then blame("%s", mistake) end
  error(features, 0)
end

local function report(errors, failed, n)
  local lines = { ("extract: %d of %d recordings cannot be used (skip = true leaves them out):"):format(#failed, n) }
  for k = 1, math.min(#failed, MOST) do lines[k + 1] = ("  row %d: %s"):format(failed[k], errors[failed[k]]) end
  if #failed > MOST then lines[#lines + 1] = ("  ... and %d more"):format(#failed - MOST) end
  return table.concat(lines, "\n")
end

local how = { skip = false, progress = true, strict = false, cache = false, verify = false }
local what = { duration = options.none, offset = 0, pad = false, mono = true, res_type = "soxr_hq",
  scale = options.none, skip = how.skip, progress = how.progress, strict = how.strict, cache = how.cache,
  verify = how.verify }

-- The steps of a plan and its options. The duration may be that of the windows.
local function steps_of(self, plan, o)
  if o.duration and not (type(o.duration) == "number" and o.duration > 0) then
    blame("extract: duration must be seconds above 0, got %s", tostring(o.duration))
  end
  return preprocessing.steps(plan, { duration = duration_of(self, o.duration or nil), offset = o.offset, pad = o.pad,
    mono = o.mono, res_type = o.res_type, scale = o.scale })
end

-- Given steps, the first of which learns the duration of the windows where it has none.
local function with_duration(self, steps)
  local load = steps[1]
  if type(load) ~= "table" or load.name ~= "load" then return steps end
  local duration = duration_of(self, load.options and load.options.duration or nil)
  local copy, read = table.move(steps, 1, #steps, 1, {}), { duration = duration }
  for name, value in pairs(load.options or {}) do
    if name ~= "duration" then read[name] = value end
  end
  copy[1] = { name = "load", options = read }
  return copy
end

--- @tparam Dataset self
-- @param plan e.g. `lubdub.MFCC { n_mfcc = 40 }`; or the steps of `lubdub.preprocessing.steps`, which say all but
-- `skip`, `progress`, `strict`, `cache` and `verify`
-- @tparam ?table given `duration`: seconds of each recording (default: a window's own, or else all of it, and then
-- all must be equally long); `offset`: seconds to leave out at the start (0); `pad`: false; true fills shorter
-- recordings with zeros at the end; `skip`: false; true leaves out what cannot be used; `progress`: true shows a
-- bar, on a terminal; `cache`: false, or a folder that keeps features for the next time (lubdub.cache);
-- `verify`: false; true compares the content of every file with what the cache knows; `mono`, `res_type`, `scale`,
-- `strict`: as in `lubdub.preprocessing`
-- @treturn Tensor (rows, n_mfcc, frames, 1)
-- @treturn ?Dataset with `skip`: the rows of the tensor
-- @raise on recordings that cannot be read, or are too short, with the reason of each
return function(self, plan, given)
  local given_steps = type(plan) == "table"
  if not given_steps and type(plan) ~= "userdata" then
    blame("extract: expected a plan such as lubdub.MFCC { n_mfcc = 40 }, got %s", type(plan))
  end
  local o = options.read("extract", given, given_steps and how or what)
  if #self == 0 then blame("extract: the data set is empty") end
  if o.cache and type(o.cache) ~= "string" then
    blame("extract: cache must be the path of a folder, or false, got %s", tostring(o.cache))
  end
  local steps = given_steps and with_duration(self, plan) or steps_of(self, plan, o)

  local bar = o.progress and progress.bar { label = "extract", total = #self, unit = "clip" }
  local features, errors = run(steps, self, {
    strict = o.strict, progress = bar and function(done) bar:update(done) end,
  }, o.cache and { path = o.cache, verify = o.verify })
  if bar then bar:clear() end

  local kept, failed = {}, {}
  for i = 1, #self do
    local list = errors[i] and failed or kept
    list[#list + 1] = i
  end
  if #failed > 0 and (not o.skip or #kept == 0) then blame("%s", report(errors, failed, #self)) end
  if not o.skip then return features end
  if #failed > 0 then features = features:take(kept) end
  return features, self:take(kept)
end
