--- Losses as metrics: means over the rows, from the model's outputs alone.
-- @module lubdub.fit_metrics.means

--- The mean of (y - p)^2.
-- @function MeanSquaredError
-- @tparam ?table options name ("mean_squared_error")
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.MeanSquaredError()

--- The root of the mean of (y - p)^2.
-- @function RootMeanSquaredError
-- @tparam ?table options name ("root_mean_squared_error")
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.RootMeanSquaredError()

--- The mean of |y - p|.
-- @function MeanAbsoluteError
-- @tparam ?table options name ("mean_absolute_error")
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.MeanAbsoluteError()

--- -sum(y log p) of one-hot rows.
-- @function CategoricalCrossentropy
-- @tparam ?table options name ("categorical_crossentropy"), from_logits (false), label_smoothing (0)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.CategoricalCrossentropy()

--- -log p of the right class, of class numbers from 1.
-- @function SparseCategoricalCrossentropy
-- @tparam ?table options name ("sparse_categorical_crossentropy"), from_logits (false)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.SparseCategoricalCrossentropy()

--- -(y log p + (1 - y) log(1 - p)).
-- @function BinaryCrossentropy
-- @tparam ?table options name ("binary_crossentropy"), from_logits (false), label_smoothing (0)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.BinaryCrossentropy()

local class = require "lubdub.fit_metrics.class"
local losses = require "lubdub.losses"

local function start(self) self.sum, self.total = 0, 0 end
local function mean(self) return self.total > 0 and self.sum / self.total or 0.0 end

local function squeezed(loss, y, p)
  local shape = y:shape()
  if loss.class_numbers and #shape == #p:shape() and shape[#shape] == 1 then
    return y:reshape(table.move(shape, 1, #shape - 1, 1, {}))
  end
  return y
end

-- A loss' class as one of metrics; own are its options.
local function of_loss(kind, name, own, value)
  local function loss_of(self)
    if not self.loss then
      local given = {}
      for option in pairs(own) do given[option] = self.options[option] end
      self.loss = losses[kind == "RootMeanSquaredError" and "MeanSquaredError" or kind](given)
    end
    return self.loss
  end
  return class(kind, { name = name, direction = "down", options = own, start = start, value = value or mean,
    check = function(o) loss_of { options = o } end,
    add = function(self, y, p, w)
      local loss, n = loss_of(self), p:shape(1)
      self.sum = self.sum + n * loss(squeezed(loss, y, p), p, w)
      self.total = self.total + (w and w:sum() or n)
    end })
end

local smooth = { from_logits = false, label_smoothing = 0.0 }

return {
  MeanSquaredError = of_loss("MeanSquaredError", "mean_squared_error", {}),
  RootMeanSquaredError = of_loss("RootMeanSquaredError", "root_mean_squared_error", {},
    function(self) return math.sqrt(mean(self)) end),
  MeanAbsoluteError = of_loss("MeanAbsoluteError", "mean_absolute_error", {}),
  BinaryCrossentropy = of_loss("BinaryCrossentropy", "binary_crossentropy", smooth),
  CategoricalCrossentropy = of_loss("CategoricalCrossentropy", "categorical_crossentropy", smooth),
  SparseCategoricalCrossentropy = of_loss("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy",
    { from_logits = false }),
}
