--- Calls into the C half whose errors shall point at the user's line, not at ours.
-- @module lubdub.outward
local blame = require "lubdub.blame"

local function results(ok, ...)
  if ok then return ... end
  local message = ...
  if type(message) ~= "string" then error(message, 0) end
  blame((message:gsub("^[^:\n]*%.lua:%d+: ", "")))
end

--- Calls `f` with the arguments that follow; a message that it raises is raised at the first line that is not lubdub's.
-- @tparam function f
-- @return what it returns
return function(f, ...) return results(pcall(f, ...)) end
