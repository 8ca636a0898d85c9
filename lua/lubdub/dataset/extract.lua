--- Features of every row of a data set, in one tensor: row i of the tensor is row i of the data set.
--
-- Files are read, cut, resampled and transformed in parallel (csrc/pipeline). Every row is tried; those that fail
-- end in one error that lists them, or, with `skip`, are left out of the tensor and of the data set beside it.
-- @module lubdub.dataset.extract
local blame = require "lubdub.blame"
local duration = require "lubdub.dataset.duration"
local options = require "lubdub.options"
local preprocessing = require "lubdub.preprocessing"
local progress = require "lubdub.progress"

-- So many failures are listed, the others counted.
local MOST = 20

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
  filter = false, remove_spikes = false, normalize = false, envelope = false, scale = options.none, standardize = false,
  scaler = false, skip = how.skip, progress = how.progress, strict = how.strict, cache = how.cache,
  verify = how.verify }

-- The steps of a plan and its options. The duration may be that of the windows.
local function steps_of(self, plan, o)
  if o.duration and not (type(o.duration) == "number" and o.duration > 0) then
    blame("extract: duration must be seconds above 0, got %s", tostring(o.duration))
  end
  return preprocessing.steps(plan, { duration = duration.of("extract", self, o.duration or nil), offset = o.offset,
    pad = o.pad, mono = o.mono, res_type = o.res_type, filter = o.filter, remove_spikes = o.remove_spikes,
    normalize = o.normalize, envelope = o.envelope, scale = o.scale, standardize = o.standardize, scaler = o.scaler })
end

--- @tparam Dataset self
-- @param plan e.g. `lubdub.MFCC { n_mfcc = 40 }`; or the steps of `lubdub.preprocessing.steps`, which say all but
-- `skip`, `progress`, `strict`, `cache` and `verify`
-- @tparam ?table given `duration`: seconds of each recording (default: a window's own, or else all of it, and then
-- all must be equally long); `offset`: seconds to leave out at the start (0); `pad`: false; true fills shorter
-- recordings with zeros at the end; `skip`: false; true leaves out what cannot be used; `progress`: true shows a
-- bar, on a terminal; `cache`: false, or a folder that keeps features for the next time (lubdub.cache);
-- `verify`: false; true compares the content of every file with what the cache knows; `mono`, `res_type`, `strict`, and
-- the steps `filter`, `remove_spikes`, `normalize`, `envelope`, `scale`, `standardize`, `scaler`: as in
-- `lubdub.preprocessing`
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
  local steps = given_steps and duration.of_steps("extract", self, plan) or steps_of(self, plan, o)

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
