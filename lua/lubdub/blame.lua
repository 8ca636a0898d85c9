--- Errors that point at the caller's line.
-- A wrong argument is often found several functions below the public one. `blame` raises the message with
-- the position of the first function that is not lubdub's own: the line where the user can mend it.
-- @module lubdub.blame

local own = debug.getinfo(1, "S").source:match("^(.*[/\\])") or "\0"

--- Raises `message`.
-- @tparam string message "function: what was expected, what came"
-- @tparam any ... for string.format; without them the message is taken as it is
return function(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and (info.what == "C" or info.source:sub(1, #own) == own) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(message, info and level or 0) -- no line of the caller is left after a tail call, as in the REPL
end
