--- Values as bytes and back, exactly: whole numbers, floats to the last bit (NaN and infinities too), strings,
-- booleans, tensors, and tables of them. JSON has fewer numbers, and takes 1 and 1.0 for the same.
-- A value is a letter and what it needs, little-endian:
--
--    T F         true, false
--    i d         int64, float64
--    s           a string: length (u64), bytes
--    x           a tensor: rank (u8), sizes (i64), a string of float32
--    t           a table: number of pairs (u64), key, value, ...
--
-- @module lubdub.pack
local Tensor = require("lubdub.core").Tensor

local pack = {}

-- === to bytes ===

-- `path` names the value in errors; `open` are the tables around it.
local function add(parts, value, path, open)
  local kind = math.type(value) or type(value)
  if kind == "boolean" then
    parts[#parts + 1] = value and "T" or "F"
  elseif kind == "integer" then
    parts[#parts + 1] = ("<c1i8"):pack("i", value)
  elseif kind == "float" then
    parts[#parts + 1] = ("<c1d"):pack("d", value)
  elseif kind == "string" then
    parts[#parts + 1] = ("<c1s8"):pack("s", value)
  elseif Tensor.is(value) then
    local shape, bytes = value:shape(), value:to_bytes()
    parts[#parts + 1] = ("<c1B" .. ("i8"):rep(#shape)):pack("x", #shape, table.unpack(shape))
    parts[#parts + 1] = ("<I8"):pack(#bytes)
    parts[#parts + 1] = bytes
  elseif kind == "table" then
    if open[value] then error(path .. " is inside itself", 0) end
    open[value] = true
    local at, count = #parts + 1, 0
    parts[at] = ""
    for key, element in next, value do
      count = count + 1
      add(parts, key, path .. ", a key of it,", open)
      add(parts, element, ("%s.%s"):format(path, tostring(key)), open)
    end
    parts[at] = ("<c1I8"):pack("t", count)
    open[value] = nil
  else
    error(("%s is a %s; numbers, strings, booleans, tensors and tables of them can be kept"):format(path, kind), 0)
  end
end

--- The bytes of a value. Metatables are left out.
-- @param value
-- @tparam string name what it is called in errors
-- @treturn string
-- @raise on what cannot be kept, such as a function, with its place: "state.best is a function; ..."
function pack.encode(value, name)
  local parts = {}
  add(parts, value, name, {})
  return table.concat(parts)
end

-- === from bytes ===

local readers

-- The value at a place of the text, and the place behind it. What ends too soon makes string.unpack raise.
local function read(text, at)
  local reader = readers[text:sub(at, at)]
  if not reader then error(("there is no value at byte %d"):format(at), 0) end
  return reader(text, at + 1)
end

readers = {
  T = function(_, at) return true, at end,
  F = function(_, at) return false, at end,
  i = function(text, at) return ("<i8"):unpack(text, at) end,
  d = function(text, at) return ("<d"):unpack(text, at) end,
  s = function(text, at) return ("<s8"):unpack(text, at) end,
  x = function(text, at)
    local rank, from = ("B"):unpack(text, at)
    local shape = { ("<" .. ("i8"):rep(rank)):unpack(text, from) }
    local bytes, behind = ("<s8"):unpack(text, table.remove(shape))
    return Tensor.from_bytes(bytes, shape), behind
  end,
  t = function(text, at)
    local value, count, behind = {}, ("<I8"):unpack(text, at)
    for _ = 1, count do
      local key, element
      key, behind = read(text, behind)
      element, behind = read(text, behind)
      value[key] = element
    end
    return value, behind
  end,
}

--- The value of bytes that pack.encode gave.
-- @tparam string text
-- @return the value
-- @raise where they are no such bytes
function pack.decode(text)
  local value, at = read(text, 1)
  if at ~= #text + 1 then error("more bytes than a value has", 0) end
  return value
end

return pack
