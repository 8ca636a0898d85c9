--- The callbacks of one fit or evaluate, called together.
-- @module lubdub.callbacks.list
local blame = require "lubdub.blame"

local CallbackList = {}
CallbackList.__index = CallbackList

local function is_callback(value)
  if type(value) ~= "table" then return false end
  for _, event in ipairs { "on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end",
    "on_epoch_end", "on_train_end", "on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end",
    "on_predict_begin", "on_predict_batch_begin", "on_predict_batch_end", "on_predict_end" } do
    if value[event] then return true end
  end
  return false
end

--- Checks what a caller gave as callbacks.
-- @tparam string where the asking function's name
-- @param given a list of callbacks, one callback, nil or false
-- @treturn table a new list
function CallbackList.check(where, given)
  if given and is_callback(given) then given = { given } end
  if given and type(given) ~= "table" then
    blame("%s: callbacks must be a list, got %s", where, type(given))
  end
  local list = {}
  for i, callback in ipairs(given or {}) do
    if type(callback) ~= "table" then blame("%s: callback %d must be a table, got %s", where, i, type(callback)) end
    if rawget(callback, "kind") and rawget(callback, "__index") then
      blame("%s: callback %d is a class; call it: callbacks.%s { }", where, i, callback.kind)
    end
    list[i] = callback
  end
  return list
end

--- The first callback of a kind.
-- @tparam table list
-- @tparam string kind "History", "ProgressBar"
-- @return the callback, or nil
function CallbackList.find(list, kind)
  for _, callback in ipairs(list) do
    if callback.kind == kind then return callback end
  end
  return nil
end

--- Makes a list ready: every callback knows its model and the params.
-- @tparam table list
-- @tparam table model
-- @tparam table params epochs, steps, verbose
-- @treturn CallbackList the same list
function CallbackList.new(list, model, params)
  for _, callback in ipairs(list) do
    if callback.set_params then callback:set_params(params) end
    if callback.set_model then callback:set_model(model) else callback.model = model end
  end
  return setmetatable(list, CallbackList)
end

--- Calls a method of all that have it, in order.
-- @tparam string event "on_epoch_end", ...
-- @param ... its arguments
function CallbackList:call(event, ...)
  for i = 1, #self do
    local method = self[i][event]
    if method then method(self[i], ...) end
  end
end

return CallbackList
