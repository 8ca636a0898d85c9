--- The losses, with Keras' names and options: `lubdub.losses.CategoricalCrossentropy { label_smoothing = 0.1 }`.
-- `compile` takes such a loss or a name: "categorical_crossentropy", "mse", "CategoricalCrossentropy", ... A loss can
-- be called, `loss(y_true, y_pred, sample_weight) -> number`, and `loss:gradient(y_true, y_pred, sample_weight)` is
-- the tensor of its slopes.
-- The classes of SparseCategoricalCrossentropy are counted from 1, as LabelEncoder gives them.
-- @module lubdub.losses
-- @usage model:compile { optimizer = "adam", loss = lubdub.losses.CategoricalCrossentropy { label_smoothing = 0.1 } }
local core = require "lubdub.core"
local blame = require "lubdub.blame"

--- -sum(y log p) of one-hot rows.
-- @function CategoricalCrossentropy
-- @tparam ?table options from_logits (false), label_smoothing (0)
-- @treturn Loss
-- @usage local loss = lubdub.losses.CategoricalCrossentropy { label_smoothing = 0.1 }

--- Categorical crossentropy of class numbers, counted from 1.
-- @function SparseCategoricalCrossentropy
-- @tparam ?table options from_logits (false)
-- @treturn Loss
-- @usage lubdub.losses.SparseCategoricalCrossentropy()

--- -(y log p + (1 - y) log(1 - p)), the mean over the outputs.
-- @function BinaryCrossentropy
-- @tparam ?table options from_logits (false), label_smoothing (0)
-- @treturn Loss
-- @usage lubdub.losses.BinaryCrossentropy()

--- The mean of (y - p)^2.
-- @function MeanSquaredError
-- @tparam ?table options none of its own
-- @treturn Loss
-- @usage print(lubdub.losses.MeanSquaredError()(lubdub.Tensor { { 1, 2 } }, lubdub.Tensor { { 1, 4 } }))

--- The mean of |y - p|.
-- @function MeanAbsoluteError
-- @tparam ?table options none of its own
-- @treturn Loss
-- @usage lubdub.losses.MeanAbsoluteError()

--- Squared where the error is small, absolute where it is large.
-- @function Huber
-- @tparam ?table options delta (1: where the one becomes the other)
-- @treturn Loss
-- @usage lubdub.losses.Huber { delta = 0.5 }

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
