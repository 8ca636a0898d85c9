--- Numbers as Python writes them, in the files and messages that are Keras' to the character.
-- @module lubdub.callbacks.number
local number = {}

--- Rounds to float32, in which Keras compares.
function number.float32(x) return (string.unpack("<f", string.pack("<f", x))) end

--- Python's repr of a float: the shortest text that reads back as the same number.
-- @tparam number x
-- @treturn string
function number.repr(x)
  if math.type(x) == "integer" then return ("%d"):format(x) end
  if x ~= x then return "nan" end
  if x == math.huge then return "inf" end
  if x == -math.huge then return "-inf" end
  local text
  for digits = 1, 17 do
    text = ("%." .. digits - 1 .. "e"):format(x)
    if tonumber(text) == x then break end
  end
  local sign, mantissa, exponent = text:match("^(-?)([%d.]+)e([-+]%d+)$")
  local digits = mantissa:gsub("%.", "")
  exponent = math.tointeger(exponent)
  if exponent < -4 or exponent >= 16 then
    return ("%s%se%s%02d"):format(sign, mantissa, exponent < 0 and "-" or "+", math.abs(exponent))
  end
  if exponent < 0 then return sign .. "0." .. ("0"):rep(-exponent - 1) .. digits end
  local missing = exponent + 1 - #digits
  if missing >= 0 then return sign .. digits .. ("0"):rep(missing) .. ".0" end
  return sign .. digits:sub(1, exponent + 1) .. "." .. digits:sub(exponent + 2)
end

return number
