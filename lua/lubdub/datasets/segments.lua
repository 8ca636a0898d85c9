--- The heart's states in a recording, as people marked them: CirCor's .tsv files.
-- @module lubdub.datasets.segments
local blame = require "lubdub.blame"
local Table = require "lubdub.table"

local states = { [0] = "unannotated", "S1", "systole", "S2", "diastole" }

--- Reads them.
-- @function segments
-- @param what a row with the column `segmentation`, or the path of a .tsv file
-- @treturn[1] lubdub.Table start and stop in seconds; state: S1, systole, S2, diastole or unannotated
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
return function(what)
  local path = what
  if type(what) == "table" then
    path = what.segmentation
    if path == nil then blame "datasets.segments: the row has no column segmentation" end
  end
  if type(path) ~= "string" then blame("datasets.segments: expected a row or a path, got %s", type(path)) end
  local file, reason = io.open(path, "rb")
  if not file then return nil, reason end
  local rows, n = {}, 0
  for line in file:lines() do
    n = n + 1
    if line:find "%S" then
      local start, stop, state = line:match "^%s*(%S+)%s+(%S+)%s+(%d)%s*$"
      start, stop, state = tonumber(start), tonumber(stop), states[tonumber(state)]
      if not start or not stop or not state or stop < start then
        file:close()
        return nil, ("%s: line %d: expected start, stop and a state from 0 to 4, got %q"):format(path, n, line)
      end
      rows[#rows + 1] = { start = start, stop = stop, state = state }
    end
  end
  file:close()
  return Table({ "start", "stop", "state" }, rows)
end
