--- The world's failures on their way out of deep calls. Reading a model asks a file for many things, each of which
-- may fail: a failure is raised as an object of its own, and `failure.caught` turns it into `nil, reason`
-- where the public function ends. Everything else that is raised goes on.
-- @module lubdub.keras.failure
local failure = {}

local Failure = { __tostring = function(self) return self.reason end }

--- Raises a failure of the world.
function failure.raise(format, ...)
  error(setmetatable({ reason = format:format(...) }, Failure), 0)
end

--- Raises a caller's mistake: a model that Keras' files cannot hold.
function failure.mistake(format, ...)
  error("keras.save: " .. format:format(...), 0)
end

--- Passes the results of a function on that gives `nil, reason` when it fails; nil alone is a result.
function failure.check(...)
  local value, reason = ...
  if value == nil and reason ~= nil then error(setmetatable({ reason = reason }, Failure), 0) end
  return ...
end

local function finish(ok, ...)
  if ok then return ... end
  local problem = ...
  if getmetatable(problem) == Failure then return nil, problem.reason end
  error(problem, 0)
end

--- Calls `f(...)`; gives its results, or nil and the reason.
function failure.caught(f, ...)
  return finish(pcall(f, ...))
end

--- Calls `f(...)`, which makes of a file's words what they mean; gives its results, or nil and the reason. The checks
-- on the way name what is wrong; what they all let through and Lua then stumbles over is the file's fault as well,
-- and must not become an error in the program of somebody who opened it. A host's interrupt and a lack of memory go on.
function failure.reading(path, f, ...)
  local function finish_reading(ok, ...)
    if ok then return ... end
    local problem = ...
    if getmetatable(problem) == Failure then return nil, problem.reason end
    if type(problem) ~= "string" or problem:find "interrupted!$" or problem:find "not enough memory" then
      error(problem, 0)
    end
    return nil, ("%s: what it says of its model makes no sense (%s)"):format(path, problem)
  end
  return finish_reading(pcall(f, ...))
end

local function tried(ok, ...)
  if ok then return true, ... end
  local problem = tostring((...))
  if problem:find "interrupted!$" then error(problem, 0) end
  return false, (problem:gsub("^[^\n]-%.lua:%d+: ", ""))
end

--- Calls `f(...)` where its mistakes are the file's: true and its results, or false and the message without the
-- place in our code. A host's interrupt goes on.
function failure.tried(f, ...)
  return tried(pcall(f, ...))
end

return failure
