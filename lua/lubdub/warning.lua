--- Warnings: one line on stderr, once per message, unless the program takes them over.
-- @module lubdub.warning
local warning = {}

local function per_object() return setmetatable({}, { __mode = "k" }) end -- an object's warnings go with it

local said, handler, quiet = per_object(), nil, 0

--- Gives every later warning to `f(message)`, once per message and object; nil brings stderr back.
-- @tparam ?function f
-- @usage lubdub.on_warning(function(message) print("careful: " .. message) end)
function warning.on_warning(f)
  if f ~= nil and type(f) ~= "function" then
    error("on_warning: expected a function or nil, got " .. type(f), 2)
  end
  handler, said = f, per_object()
end

--- Says `message` once for `object` (or once at all, without one).
-- @tparam string message
-- @param[opt] object any value that the message is about
-- @tparam ?string key what counts as the same message (default: the same text)
function warning.warn(message, object, key)
  if quiet > 0 then return end
  local about = object == nil and warning or object
  local messages = said[about]
  if not messages then
    messages = {}
    said[about] = messages
  end
  key = key or message
  if messages[key] then return end
  messages[key] = true
  if handler then handler(message) else io.stderr:write("lubdub: ", message, "\n") end
end

--- Calls `f` with the arguments that follow, and drops its warnings.
-- @tparam function f
-- @return what it returns
function warning.quietly(f, ...)
  quiet = quiet + 1
  local loud <close> = setmetatable({}, { __close = function() quiet = quiet - 1 end }) -- luacheck: ignore
  return f(...)
end

return warning
