--- Raises an error that points to the caller's line: the first one outside lubdub's own files,
-- however deep inside the mistake was noticed.
-- @module lubdub.raise
local home = debug.getinfo(1, "S").source:match("^(.*)raise%.lua$")

--- Never returns.
-- @tparam string message a format of string.format, with its values behind it
return function(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info then error(message, 0) end
    if info.what ~= "C" and info.source:sub(1, #home) ~= home then error(message, level) end
    level = level + 1
  end
end
