--- Warnings: one line on stderr, once per message, unless the program takes them over.
-- @module lubdub.warning
local warning = {}

local function per_object() return setmetatable({}, { __mode = "k" }) end -- an object's warnings go with it

local said, handler = per_object(), nil

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
function warning.warn(message, object)
  local about = object == nil and warning or object
  local messages = said[about]
  if not messages then
    messages = {}
    said[about] = messages
  end
  if messages[message] then return end
  messages[message] = true
  if handler then handler(message) else io.stderr:write("lubdub: ", message, "\n") end
end

return warning
