--- Numbers as Python writes them, in the files and messages that are Keras' to the character; and its
-- format strings, for file names such as "{epoch:02d}-{val_loss:.2f}.h5".
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

-- One replacement field; returns nil and a reason where it cannot be filled.
local function fill(name, spec, values)
  local value = values[name]
  if value == nil then return nil, ("there is no '%s' here"):format(name) end
  if spec == "" then return type(value) == "number" and number.repr(value) or tostring(value) end
  local align, flags, width, precision, kind = spec:match("^([<>]?)([-+ 0]*)(%d*)(%.?%d*)([dfFeEgG]?)$")
  if not kind or (kind == "" and precision ~= "") or precision == "." then
    return nil, ("'%s' is no format that is known here; use for example :02d or :.2f"):format(spec)
  end
  flags = flags:gsub("-", "")
  if align == "<" then flags = flags .. "-" end
  if kind == "" or kind == "d" then
    local whole = math.tointeger(value)
    if not whole then return nil, ("'%s' is not a whole number"):format(name) end
    value, kind = whole, "d"
  elseif type(value) ~= "number" then
    return nil, ("'%s' is not a number"):format(name)
  end
  return ("%" .. flags .. width .. precision .. (kind == "F" and "f" or kind)):format(value)
end

--- Fills a Python format string: `{name}`, `{name:02d}`, `{name:.2f}`; `{{` and `}}` are braces.
-- @tparam string text
-- @tparam table values name = value
-- @treturn string or nil and the reason
function number.format(text, values)
  local reason
  text = text:gsub("{{", "\1"):gsub("}}", "\2"):gsub("{([^{}:]*):?([^{}]*)}", function(name, spec)
    local filled, why = fill(name, spec, values)
    reason = reason or why
    return filled or ""
  end)
  if reason then return nil, reason end
  return (text:gsub("[\1\2]", { ["\1"] = "{", ["\2"] = "}" }))
end

return number
