--- JSON as Keras files need it, over dkjson: the same value gives the same text in every run, numbers keep
-- all their digits, and Python's None is `false` on this side, as everywhere in lubdub.
-- @module lubdub.keras.json
local dkjson = require "dkjson"
local failure = require "lubdub.keras.failure"

local json = { null = dkjson.null }

--- An object whose keys keep their order: `json.object("class_name", "Dense", "config", {...})`.
-- A key whose value is nil is left out.
function json.object(...)
  local object, order = {}, {}
  for i = 1, select("#", ...), 2 do
    local key, value = select(i, ...)
    if value ~= nil then
      object[key] = value
      order[#order + 1] = key
    end
  end
  return setmetatable(object, { __jsontype = "object", __jsonorder = order })
end

--- Adds `key` at the end of an object made by `json.object`.
function json.add(object, key, value)
  local order = getmetatable(object).__jsonorder
  order[#order + 1] = key
  object[key] = value
end

-- The shortest text that reads back as the same double; dkjson's own has 14 digits.
local function exact(number)
  if number ~= number or math.abs(number) == math.huge then
    error(("JSON has no number %s"):format(number), 0)
  end
  local text
  for digits = 15, 17 do
    text = ("%." .. digits .. "g"):format(number)
    if tonumber(text) == number then break end
  end
  if not text:find "[.e]" then text = text .. ".0" end
  return setmetatable({}, { __tojson = function() return text end })
end

-- A copy in which floats are exact and the keys of plain tables are sorted.
local function prepared(value)
  if math.type(value) == "float" then return exact(value) end
  if type(value) ~= "table" or value == dkjson.null then return value end
  local copy, meta = {}, getmetatable(value)
  for key, element in pairs(value) do copy[key] = prepared(element) end
  if meta and meta.__jsonorder then return setmetatable(copy, meta) end
  if #value > 0 or next(value) == nil then return setmetatable(copy, { __jsontype = "array" }) end
  local order = {}
  for key in pairs(value) do
    if type(key) ~= "string" then error("JSON has no keys but text, got " .. tostring(key), 0) end
    order[#order + 1] = key
  end
  table.sort(order)
  return setmetatable(copy, { __jsontype = "object", __jsonorder = order })
end

--- The text of a value. An empty table is a list, unless made by `json.object`.
-- @raise on values that JSON does not have
function json.encode(value)
  return (dkjson.encode(prepared(value)))
end

--- The value of a text, with `false` for null and plain tables; nil and the reason where it is no JSON.
function json.decode(text)
  local ok, result = failure.tried(function() return table.pack(dkjson.decode(text, 1, false, nil, nil)) end)
  if not ok then return nil, "is nested too deeply" end -- nothing but the stack's end makes dkjson raise
  if result[3] then return nil, result[3] end
  return result[1]
end

return json
