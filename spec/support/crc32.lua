--- The CRC-32 of a string, as zlib's: what golden files know long contents by.
local table_of = {}
for byte = 0, 255 do
  local value = byte
  for _ = 1, 8 do value = value & 1 == 1 and 0xEDB88320 ~ (value >> 1) or value >> 1 end
  table_of[byte] = value
end

return function(bytes)
  local crc = 0xFFFFFFFF
  for i = 1, #bytes do crc = table_of[(crc ~ bytes:byte(i)) & 255] ~ (crc >> 8) end
  return crc ~ 0xFFFFFFFF
end
