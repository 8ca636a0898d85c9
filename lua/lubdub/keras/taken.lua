--- A file's weights on their way to a model: they are set when all are read, so that a file that fails changes nothing.
-- @module lubdub.keras.taken
local failure = require "lubdub.keras.failure"

local Taken = {}
Taken.__index = Taken

--- Reads a layer's weights: `read(...)` gives the tensors, or fails where they do not fit, which leaves the layer out
-- if such layers are to be skipped.
function Taken:add(layer, read, ...)
  local tensors, reason = failure.caught(read, ...)
  if tensors then self[#self + 1] = { layer = layer, tensors = tensors }
  elseif not self.skip_mismatch then failure.raise("%s", reason) end
end

--- Sets what was read. A layer that has taken its weights while they were read comes with none.
-- @treturn table the names of the layers
function Taken:set()
  local names = {}
  for i, one in ipairs(self) do
    if one.tensors[1] then one.layer:set_weights(one.tensors) end
    names[i] = one.layer.name
  end
  return names
end

--- @tparam ?boolean skip_mismatch whether a layer that does not fit is left as it is
return function(skip_mismatch) return setmetatable({ skip_mismatch = skip_mismatch }, Taken) end
