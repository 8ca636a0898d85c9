--- The losses, with Keras' names and options: `lubdub.losses.CategoricalCrossentropy { label_smoothing = 0.1 }`.
-- `compile` takes such a loss or a name: "categorical_crossentropy", "mse", "CategoricalCrossentropy", ... A loss can
-- be called, `loss(y_true, y_pred, sample_weight) -> number`, and `loss:gradient(y_true, y_pred, sample_weight)` is
-- the tensor of its slopes.
-- The classes of SparseCategoricalCrossentropy are counted from 1, as LabelEncoder gives them.
-- @module lubdub.losses
local core = require "lubdub.core"
local blame = require "lubdub.blame"

local losses, names = {}, {}
for class, new in pairs(core.losses) do
  if class ~= "named" then
    losses[class] = new
    names[#names + 1] = class
  end
end
table.sort(names)

--- What `compile` understands as a loss.
-- @tparam string where the asking function's name, for the message
-- @param which a loss or a name
-- @return the loss
local function get(where, which)
  if type(which) == "userdata" and (getmetatable(which) or {}).__name == "lubdub.Loss" then return which end
  if type(which) == "string" then
    local ok, loss = pcall(core.losses.named, which)
    if not ok then blame((loss:gsub("^compile", where))) end
    return loss
  end
  blame("%s: loss must be a name such as \"categorical_crossentropy\", or a loss such as losses.Huber { }, got %s",
    where, type(which))
end

return setmetatable(losses, {
  __tostring = function() return "losses: " .. table.concat(names, ", ") end,
  __index = function(_, name)
    if name == "get" then return get end
    error(("losses: there is no '%s'; there are %s"):format(tostring(name), table.concat(names, ", ")), 2)
  end,
})
