--- A reader of ONNX files, for tests: plain tables out of protobuf, by the field numbers of onnx.proto.
local onnx_reader = {}

local function varint(bytes, at)
  local n, shift = 0, 0
  while true do
    local byte = bytes:byte(at)
    n, shift, at = n | (byte & 127) << shift, shift + 7, at + 1
    if byte < 128 then return n, at end
  end
end

-- A message as { [field] = list of integers, floats or strings }.
local function fields(bytes)
  local message, at = {}, 1
  while at <= #bytes do
    local tag, value
    tag, at = varint(bytes, at)
    local field, wire = tag >> 3, tag & 7
    if wire == 0 then
      value, at = varint(bytes, at)
    elseif wire == 2 then
      local length
      length, at = varint(bytes, at)
      assert(at + length - 1 <= #bytes, "a field is longer than its message")
      value, at = bytes:sub(at, at + length - 1), at + length
    else
      assert(wire == 5, "wire type " .. wire)
      value, at = string.unpack("<f", bytes, at)
    end
    message[field] = message[field] or {}
    table.insert(message[field], value)
  end
  return message
end

local function first(message, field) return message[field] and message[field][1] end

local function each(message, field, read)
  local list = {}
  for i, bytes in ipairs(message[field] or {}) do list[i] = read(fields(bytes)) end
  return list
end

local ATTRIBUTE = { [1] = 2, [2] = 3, [3] = 4, [6] = 7, [7] = 8, [8] = 9 } -- field of each type
local function attribute(m)
  local kind = first(m, 20)
  local values = m[ATTRIBUTE[kind]]
  return { name = first(m, 1), value = kind >= 6 and values or values[1] }
end

local function node(m)
  local result = { inputs = m[1] or {}, outputs = m[2], name = first(m, 3), op = first(m, 4) }
  for _, one in ipairs(each(m, 5, attribute)) do result[one.name] = one.value end
  return result
end

local function tensor(m)
  local kind, values = first(m, 2), {}
  local format, size = table.unpack(({ [1] = { "<f", 4 }, [7] = { "<i8", 8 } })[kind])
  local raw = first(m, 9)
  for i = 1, #raw // size do values[i] = (string.unpack(format, raw, (i - 1) * size + 1)) end
  return { name = first(m, 8), dims = m[1] or {}, values = values, kind = kind, bytes = #raw }
end

local function info(m)
  local shape = fields(first(fields(first(fields(first(m, 2)), 1)), 2))
  return { name = first(m, 1), shape = each(shape, 1, function(dim) return first(dim, 1) or first(dim, 2) end) }
end

--- The model of a file's bytes: nodes, constants (by name), inputs, outputs, metadata, opset, name, producer.
function onnx_reader.read(bytes)
  local model = fields(bytes)
  local graph = fields(first(model, 7))
  local constants, metadata = {}, {}
  for _, one in ipairs(each(graph, 5, tensor)) do
    assert(not constants[one.name], "two constants are named " .. one.name)
    constants[one.name] = one
  end
  for _, entry in ipairs(each(model, 14, function(m) return m end)) do metadata[first(entry, 1)] = first(entry, 2) end
  return { nodes = each(graph, 1, node), constants = constants, inputs = each(graph, 11, info),
    outputs = each(graph, 12, info), metadata = metadata, name = first(graph, 2), producer = first(model, 2),
    opset = first(fields(first(model, 8)), 2) }
end

return onnx_reader
