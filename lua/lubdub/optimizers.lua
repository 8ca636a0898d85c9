--- The optimizers: `lubdub.optimizers.Adam { learning_rate = 1e-4 }`, with Keras' names and defaults.
-- @module lubdub.optimizers
local core = require "lubdub.core"

local optimizers = {}
for kind, new in pairs(core.optimizers) do
  if type(new) == "function" then optimizers[kind] = new end
end

local function names()
  local list = {}
  for kind in pairs(optimizers) do list[#list + 1] = kind:lower() end
  table.sort(list)
  return table.concat(list, ", ")
end

--- What `compile` understands as an optimizer: an optimizer itself, or the name of one with its defaults.
-- @tparam string where the asking function's name, for the message
-- @param which "adam", "sgd", ... (in any case), or an optimizer
-- @return the optimizer
local function get(where, which)
  if type(which) == "userdata" and (getmetatable(which) or {}).__name == "lubdub.Optimizer" then return which end
  if type(which) == "string" then
    for kind, new in pairs(optimizers) do
      if kind:lower() == which:lower() then return new {} end
    end
  end
  local got = type(which) == "string" and "'" .. which .. "'" or type(which)
  error(("%s: optimizer must be one of %s, or an optimizer such as optimizers.Adam { }, got %s"):format(
    where, names(), got), 3)
end

return setmetatable(optimizers, {
  __tostring = function() return "optimizers: " .. names() end,
  __index = { get = get },
})
