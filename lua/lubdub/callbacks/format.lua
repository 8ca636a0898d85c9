--- Python's format strings for file names: "{epoch:02d}-{val_loss:.2f}.h5". A field is a name and perhaps a format,
--
--    [[fill]align][sign][#][0][width][, or _][.precision][type]      type: d x X o e E f F g G %, or none
--
-- and stands for a number; `{{` and `}}` are braces.
-- @module lubdub.callbacks.format
local repr = require("lubdub.callbacks.number").repr

local function unsigned(value)
  local text = value ~= value and "nan" or value == math.huge and "inf"
  return text or value
end

-- Without zeros at the end of the digits behind the point.
local function without_zeros(digits)
  return (digits:gsub("(%..-)0*$", "%1"):gsub("%.$", ""))
end

-- A float of no type, with a precision: significant digits, and a point where there is no exponent.
local function significant(value, precision)
  precision = math.max(precision, 1)
  local mantissa, exponent = ("%." .. precision - 1 .. "e"):format(value):match "^(.*)e(.*)$"
  local power = math.tointeger(exponent)
  if power < -4 or power >= precision - 1 then
    return without_zeros(mantissa) .. "e" .. exponent
  end
  local text = without_zeros(("%." .. math.max(precision - 1 - power, 0) .. "f"):format(value))
  return text:find(".", 1, true) and text or text .. ".0"
end

-- The digits of a number that is not negative; nil where the type is not for it.
local function digits_of(value, kind, precision, alternative)
  local whole = math.type(value) == "integer"
  if whole and (kind == "" or kind == "d" or kind:find "[xXo]") then
    if precision then return nil end
    local prefix = alternative == "#" and kind:find "[xXo]" and "0" .. kind or ""
    return prefix .. ("%" .. (kind == "" and "d" or kind)):format(value)
  end
  if not kind:find "^[eEfFgG%%]?$" then return nil end
  value = unsigned(value + 0.0)
  local tail = kind == "%" and "%" or ""
  if type(value) == "string" then return (kind:find "[EFG]" and value:upper() or value) .. tail end
  if kind == "" then return precision and significant(value, precision) or repr(value) end
  if kind == "%" then value = value * 100 end
  local letter = kind == "%" and "f" or kind == "F" and "f" or kind
  return ("%" .. alternative .. "." .. (precision or 6) .. letter):format(value) .. tail
end

local function grouped(digits, mark)
  local whole, rest = digits:match "^(%d+)(.*)$"
  if not whole then return digits end
  return whole:reverse():gsub("%d%d%d", "%0" .. mark):reverse():gsub("^%" .. mark, "") .. rest
end

local function pad(sign, digits, width, fill, align)
  local missing = width - #sign - #digits
  if missing <= 0 then return sign .. digits end
  if align == "=" then return sign .. fill:rep(missing) .. digits end
  local before = align == "<" and 0 or align == "^" and missing // 2 or missing
  return fill:rep(before) .. sign .. digits .. fill:rep(missing - before)
end

-- One number in a format; nil where Python refuses, or it is no format that is known here.
local function format_number(value, spec)
  local fill, align, rest = spec:match("^(" .. utf8.charpattern .. ")([<>=^])(.*)$")
  if not fill then align, rest = spec:match "^([<>=^]?)(.*)$" end
  local plus, alternative, zero, width, mark, precision, kind =
    rest:match "^([-+ ]?)(#?)(0?)(%d*)([,_]?)(%.?%d*)([a-zA-Z%%]?)$"
  if not plus or precision == "." or zero ~= "" and mark ~= "" or mark ~= "" and kind:find "[xXo]" then return nil end
  precision = precision ~= "" and math.tointeger(tonumber(precision:sub(2))) or nil
  if #width > 3 or precision and precision > 99 then return nil end
  if zero ~= "" and align == "" then align = "=" end
  local negative = value < 0 or value == 0 and math.type(value) == "float" and 1 / value < 0
  local digits = digits_of(negative and -value or value, kind, precision, alternative)
  if not digits then return nil end
  if mark ~= "" then digits = grouped(digits, mark) end
  local sign = negative and "-" or plus ~= "-" and plus or ""
  return pad(sign, digits, tonumber(width) or 0, fill or zero ~= "" and "0" or " ", align)
end

local function fill_in(name, spec, values)
  local value = values[name]
  if value == nil then return nil, ("there is no '%s' here"):format(name) end
  if type(value) ~= "number" and spec == "" then return tostring(value) end
  if type(value) ~= "number" then return nil, ("'%s' is not a number"):format(name) end
  if spec:find "[dxXo]$" and math.type(value) ~= "integer" then
    return nil, ("'%s' is not a whole number"):format(name)
  end
  local text = format_number(value, spec)
  if text then return text end
  return nil, ("'%s' is no format that is known here; use for example :02d or :.2f"):format(spec)
end

--- Fills a format string.
-- @tparam string text
-- @tparam table values name = number
-- @treturn string or nil and the reason
return function(text, values)
  local parts, at = {}, 1
  while true do
    local from = text:find("[{}]", at)
    parts[#parts + 1] = text:sub(at, (from or 0) - 1)
    if not from then return table.concat(parts) end
    local brace, name, spec, behind = text:sub(from, from), text:match("^{([^{}:]*):?([^{}]*)}()", from)
    if text:sub(from + 1, from + 1) == brace then
      parts[#parts + 1], at = brace, from + 2
    elseif name then
      local filled, reason = fill_in(name, spec, values)
      if not filled then return nil, reason end
      parts[#parts + 1], at = filled, behind
    else
      return nil, ("'%s' stands alone; as a character it is '%s'"):format(brace, brace:rep(2))
    end
  end
end
