--- Features of every row of a data set, in one tensor: row i of the tensor is row i of the data set.
--
-- Files are read, cut, resampled and transformed in parallel (csrc/pipeline). Every row is tried; those that fail
-- end in one error that lists them, or, with `skip`, are left out of the tensor and of the data set beside it.
-- @module lubdub.dataset.extract
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local options = require "lubdub.options"
local progress = require "lubdub.progress"
local row = require "lubdub.row"

-- So many failures are listed, the others counted.
local MOST = 20

-- What the pipeline is to read for each row: a path or samples, from where, how long.
local function items_of(self, o)
  local items = {}
  for i, clip in self:iter() do
    local data = row.data(clip)
    local window = data.offset and data.duration
    if window and o.duration and o.duration > window + 1e-9 then
      blame("extract: duration = %g s is longer than row %d, a window of %g s", o.duration, i, window)
    end
    if not data.path and not data.audio then blame("extract: row %d has neither path nor audio", i) end
    if data.audio and not data.samplerate then blame("extract: row %d has audio, but no samplerate", i) end
    items[i] = {
      path = data.path, audio = data.audio, sr = data.audio and data.samplerate or nil,
      offset = (data.offset or 0) + o.offset, duration = o.duration or window or false,
    }
  end
  return items
end

-- Which rows failed, ascending.
local function failed_rows(errors)
  local failed = {}
  for i in pairs(errors) do failed[#failed + 1] = i end
  table.sort(failed)
  return failed
end

local function report(errors, failed, n)
  local lines = { ("extract: %d of %d recordings cannot be used (skip = true leaves them out):"):format(#failed, n) }
  for k = 1, math.min(#failed, MOST) do lines[k + 1] = ("  row %d: %s"):format(failed[k], errors[failed[k]]) end
  if #failed > MOST then lines[#lines + 1] = ("  ... and %d more"):format(#failed - MOST) end
  return table.concat(lines, "\n")
end

--- @tparam Dataset self
-- @param plan e.g. `lubdub.MFCC { n_mfcc = 40 }`
-- @tparam ?table given `duration`: seconds of each recording (default: a window's own, or else all of it, and then
-- all must be equally long); `offset`: seconds to leave out at the start (0); `pad`: false; true fills shorter
-- recordings with zeros at the end; `skip`: false; true leaves out what cannot be used; `progress`: true shows a
-- bar, on a terminal
-- @treturn Tensor (rows, n_mfcc, frames, 1)
-- @treturn ?Dataset with `skip`: the rows of the tensor
-- @raise on recordings that cannot be read, or are too short, with the reason of each
return function(self, plan, given)
  local o = options.read("extract", given,
    { duration = options.none, offset = 0, pad = false, skip = false, progress = true })
  if type(plan) ~= "userdata" then
    blame("extract: expected a plan such as lubdub.MFCC { n_mfcc = 40 }, got %s", type(plan))
  end
  if #self == 0 then blame("extract: the data set is empty") end

  local job = core.pipeline.Extraction { items = items_of(self, o), plan = plan, pad = o.pad }
  local bar = o.progress and progress.bar { label = "extract", total = #self, unit = "clip" }
  local done, total
  repeat
    done, total = job:advance()
    if bar then bar:update(done) end
  until done == total
  if bar then bar:clear() end

  local errors = job:errors()
  local failed = failed_rows(errors)
  if #failed > 0 and (not o.skip or #failed == #self) then blame("%s", report(errors, failed, #self)) end
  local features = job:result()
  if not o.skip then return features end

  local kept = {}
  for i = 1, #self do
    if not errors[i] then kept[#kept + 1] = i end
  end
  if #failed > 0 then features = features:take(kept) end
  return features, self:take(kept)
end
