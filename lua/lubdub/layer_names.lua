--- Names for layers that were given none: Keras' (conv2d, conv2d_1, ...), counted within the model.
-- @module lubdub.layer_names
local blame = require "lubdub.blame"
local snake_case = require "lubdub.snake_case"

--- Names the layers of a list that have no name; a layer may stand in it twice.
-- @tparam string where the asking function, for messages
-- @tparam table list
-- @raise where two layers have one name
return function(where, list)
  local taken, counts = {}, {}
  for _, layer in ipairs(list) do
    local name = layer.name
    if name and taken[name] and not rawequal(taken[name], layer) then
      blame("%s: two layers have the name '%s'; names must differ", where, name)
    end
    if name then taken[name] = layer end
  end
  for _, layer in ipairs(list) do
    if not layer.name then
      local prefix = snake_case(layer.kind == "Input" and "InputLayer" or layer.kind)
      local name
      repeat
        local count = counts[prefix] or 0
        name = count == 0 and prefix or ("%s_%d"):format(prefix, count)
        counts[prefix] = count + 1
      until not taken[name]
      layer.name, taken[name] = name, layer
    end
  end
end
