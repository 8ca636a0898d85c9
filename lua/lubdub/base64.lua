--- Bytes as text, for pictures and sounds inside of pages (RFC 4648).
-- @module lubdub.base64
local letters = {}
do
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  for i = 0, 4095 do
    local high, low = i >> 6, i & 63
    letters[i] = alphabet:sub(high + 1, high + 1) .. alphabet:sub(low + 1, low + 1)
  end
end

--- @tparam string bytes
-- @treturn string
return function(bytes)
  local parts, whole = {}, #bytes - #bytes % 3
  for i = 1, whole, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | b << 8 | c
    parts[#parts + 1] = letters[n >> 12] .. letters[n & 4095]
  end
  local a, b = bytes:byte(whole + 1, #bytes)
  if b then
    local n = a << 16 | b << 8
    parts[#parts + 1] = letters[n >> 12] .. letters[n & 4095]:sub(1, 1) .. "="
  elseif a then
    parts[#parts + 1] = letters[a << 4] .. "=="
  end
  return table.concat(parts)
end
