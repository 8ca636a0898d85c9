--- Reads a golden file of little-endian floats, spec/golden/NAME.f32, piece after piece.
local Tensor = require("lubdub").Tensor

--- @tparam string name
-- @treturn function called with a shape, it gives the next Tensor of the file; without one, whether none is left
return function(name)
  local file = assert(io.open("spec/golden/" .. name, "rb"))
  local bytes, at = file:read "a", 1
  file:close()
  return function(shape)
    if not shape then return at == #bytes + 1 end
    local size = 4
    for _, extent in ipairs(shape) do size = size * extent end
    at = at + size
    return Tensor.from_bytes(bytes:sub(at - size, at - 1), shape)
  end
end
