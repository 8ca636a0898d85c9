--- Protocol Buffers, as much of them as ONNX needs: messages of varints, 32-bit floats, bytes and other messages.
-- A message keeps its pieces, and they are put together once: weights are not copied from level to level.
-- The format: https://protobuf.dev/programming-guides/encoding.
-- @module lubdub.onnx.protobuf
local protobuf = {}

local VARINT, LENGTH, FIXED32 = 0, 2, 5

local Message = {}
Message.__index = Message

--- An empty message.
function protobuf.message() return setmetatable({ size = 0 }, Message) end

local function varint(n)
  local bytes = {}
  while n < 0 or n > 127 do -- negative ones are the large ones of 64 bits
    bytes[#bytes + 1] = string.char(n & 127 | 128)
    n = n >> 7
  end
  bytes[#bytes + 1] = string.char(n)
  return table.concat(bytes)
end

local function append(self, piece)
  self[#self + 1] = piece
  self.size = self.size + #piece
end

--- Adds an integer: of the types int32, int64, enum, bool.
function Message:integer(field, n) append(self, varint(field << 3 | VARINT) .. varint(n)) end

--- Adds a number of the type float.
function Message:float(field, x) append(self, varint(field << 3 | FIXED32) .. string.pack("<f", x)) end

--- Adds bytes.
function Message:bytes(field, bytes)
  append(self, varint(field << 3 | LENGTH) .. varint(#bytes))
  append(self, bytes)
end

--- Adds text. Readers insist on UTF-8: text that is none has a question mark for every byte that is not ASCII.
function Message:text(field, text) self:bytes(field, protobuf.utf8(text)) end

--- Adds a message, as it is by now.
function Message:message(field, message)
  append(self, varint(field << 3 | LENGTH) .. varint(message.size))
  table.move(message, 1, #message, #self + 1, self)
  self.size = self.size + message.size
end

--- The whole message.
-- @treturn string
function Message:encode() return table.concat(self) end

--- A text, or what is left of it in UTF-8.
function protobuf.utf8(text) return utf8.len(text) and text or (text:gsub("[\x80-\xff]", "?")) end

return protobuf
