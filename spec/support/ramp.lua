--- The arrays of golden models: element i (from 0, row-major) of array k (0) is
-- ((i * 7919 + k * 997) % 2003) / 1001.5 - 1, times `scale` (1).
local Tensor = require "lubdub".Tensor

return function(shape, k, scale)
  local values, size = {}, 1
  for _, n in ipairs(shape) do size = size * n end
  for i = 0, size - 1 do values[i + 1] = (((i * 7919 + (k or 0) * 997) % 2003) / 1001.5 - 1) * (scale or 1) end
  return Tensor(values):reshape(shape)
end
