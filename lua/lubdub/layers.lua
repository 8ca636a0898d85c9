--- The layers: `lubdub.layers.Conv2D { filters = 16, kernel_size = 2 }`, with Keras' names and defaults.
-- Each is a function from one table of options to a layer, which prints itself; `print(lubdub.layers)`
-- lists them. Every layer also takes `name` and `trainable`.
-- @module lubdub.layers
local core = require "lubdub.core"
require "lubdub.graph" -- layers can be called

local kinds = core.layers.names()
table.sort(kinds)

local layers = {}
for _, kind in ipairs(kinds) do layers[kind] = core.layers[kind] end

return setmetatable(layers, {
  __tostring = function() return "layers: " .. table.concat(kinds, ", ") end,
  __index = function(_, name)
    error(("layers: there is no layer '%s'; there are %s"):format(tostring(name), table.concat(kinds, ", ")), 2)
  end,
})
