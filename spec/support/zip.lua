--- Zip archives as strings, right and wrong ones.
local crc32 = require "support.crc32"

--- @tparam table members list of { name, bytes, and fields that replace what would be right: method, flags, crc, size
-- (declared), stored (declared) }
-- @treturn string
return function(members)
  local parts, directory, at = {}, {}, 0
  for _, member in ipairs(members) do
    local name, bytes = member[1], member[2]
    local fields = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, member.flags or 0, member.method or 0, 0, 0x21,
      member.crc or crc32(bytes), member.stored or #bytes, member.size or #bytes, #name, 0)
    parts[#parts + 1] = "PK\3\4" .. fields .. name .. bytes
    directory[#directory + 1] = "PK\1\2" .. string.pack("<I2", 20) .. fields ..
      string.pack("<I2I2I2I4I4", 0, 0, 0, 0, at) .. name
    at = at + #parts[#parts]
  end
  local listed = table.concat(directory)
  return table.concat(parts) .. listed ..
    "PK\5\6" .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #members, #members, #listed, at, 0)
end
