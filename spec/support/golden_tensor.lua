--- Tensors of the golden files: { shape =, data = flat list }.
local Tensor = require("lubdub").Tensor

--- @tparam table kept
-- @treturn lubdub.Tensor
return function(kept)
  return Tensor(kept.data):reshape(kept.shape)
end
