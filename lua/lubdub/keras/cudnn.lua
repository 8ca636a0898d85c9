--- Weights of the layers CuDNNLSTM and CuDNNGRU, which Keras 2 had for graphics cards, as those of LSTM and GRU.
-- Their kernels (in, gates * units) hold each gate's matrix (units, in) as one run of numbers, their recurrent kernels
-- each gate's transposed; the biases of inputs and of states stand one behind the other, where LSTM has
-- their sum, and GRU two rows.
-- @module lubdub.keras.cudnn
local Tensor = require("lubdub.core").Tensor
local failure = require "lubdub.keras.failure"

local cudnn = {}

--- Our layers that can have such weights, and their number of gates.
cudnn.layers = { LSTM = 4, GRU = 3 }

--- Whether a bias of this shape is that of such a layer: one row, with both biases in it.
function cudnn.is_bias(layer, shape)
  return #shape == 1 and shape[1] == 2 * cudnn.layers[layer.kind] * layer:config().units
end

-- The gates of a matrix side by side, each one changed by f.
local function each_gate(matrix, gates, f)
  local rows, columns = table.unpack(matrix:shape())
  local parts = matrix:reshape { rows, gates, columns // gates }:permute { 2, 1, 3 }
  local changed = {}
  for gate = 1, gates do changed[gate] = f(parts[gate]:clone()) end
  return Tensor.stack(changed):permute { 2, 1, 3 }:reshape { rows, columns }
end

--- Reads one weight of such a layer.
-- @tparam table reader with path and file
-- @tparam string object where it lies
-- @tparam Layer layer ours
-- @tparam table weight one of layer:weight_shapes()
function cudnn.read(reader, object, layer, weight)
  local value, wanted, gates = failure.check(reader.file:read(object)), weight.shape, cudnn.layers[layer.kind]
  local bias, size = weight.name:find "bias$", 1
  for _, length in ipairs(wanted) do size = size * length end
  if value:size() ~= (bias and layer.kind == "LSTM" and 2 * size or size) or not bias and #value:shape() ~= 2 then
    failure.raise("%s: %s: does not fit %s of layer %s", reader.path, object, weight.name, layer.name)
  end
  if bias and layer.kind == "LSTM" then
    value = value:reshape { 2, size }
    return value[1] + value[2]
  end
  if bias then return value:reshape(wanted) end
  if weight.name:find "recurrent_kernel$" then
    return each_gate(value, gates, function(gate) return gate:permute { 2, 1 } end)
  end
  return each_gate(value, gates, function(gate)
    local inputs, units = table.unpack(gate:shape())
    return gate:reshape { units, inputs }:permute { 2, 1 }
  end)
end

return cudnn
