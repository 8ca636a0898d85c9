--- How often the model is right. Keras' formulas: the largest output, or those above a threshold.
-- @module lubdub.fit_metrics.accuracy

--- How often the model is right, counted as its outputs and targets suggest.
-- @function Accuracy
-- @tparam ?table options name ("accuracy"), threshold (0.5; of single outputs)
-- @treturn lubdub.Metric
-- @usage model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }

--- How often outputs lie on the right side of the threshold.
-- @function BinaryAccuracy
-- @tparam ?table options name ("binary_accuracy"), threshold (0.5)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.BinaryAccuracy { threshold = 0.4 }

--- How often the largest output is the right class, of one-hot rows.
-- @function CategoricalAccuracy
-- @tparam ?table options name ("categorical_accuracy")
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.CategoricalAccuracy()

--- How often the largest output is the right class, of class numbers from 1.
-- @function SparseCategoricalAccuracy
-- @tparam ?table options name ("sparse_categorical_accuracy")
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.SparseCategoricalAccuracy()

--- How often the right class is among the k largest outputs, of one-hot rows.
-- @function TopKCategoricalAccuracy
-- @tparam ?table options name ("top_k_categorical_accuracy"), k (5)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.TopKCategoricalAccuracy { k = 2 }

--- How often the right class is among the k largest outputs, of class numbers from 1.
-- @function SparseTopKCategoricalAccuracy
-- @tparam ?table options name ("sparse_top_k_categorical_accuracy"), k (5)
-- @treturn lubdub.Metric
-- @usage lubdub.metrics.SparseTopKCategoricalAccuracy { k = 2 }

local blame = require "lubdub.blame"
local class = require "lubdub.fit_metrics.class"
local counts = require("lubdub.core").counts

local function start(self) self.right, self.total = 0, 0 end

local function value(self) return self.total > 0 and self.right / self.total or 0.0 end

-- Adds a count that was weighted with w (n), or not.
local function add(self, right, p, w)
  self.right = self.right + right
  self.total = self.total + (w and w:sum() or p:shape(1))
end

-- Class numbers (n, ..., 1) as (n, ...).
local function numbers(y, p)
  local shape = y:shape()
  if #shape == #p:shape() and shape[#shape] == 1 then return y:reshape(table.move(shape, 1, #shape - 1, 1, {})) end
  return y
end

local function accuracy(count)
  return function(self, y, p, w) add(self, count(self.options, y, p, w), p, w) end
end

local function binary(o, y, p, w) return counts.binary(y, p, w, o.threshold or 0.5) end
local function categorical(_, y, p, w) return counts.right(y, p, w) end
local function sparse(_, y, p, w) return counts.right_numbers(numbers(y, p), p, w) end

-- Keras' choice by shape: one column is a yes or no; a target without a column per class is a class number.
local function by_shape(o, y, p, w)
  local y_shape, p_shape = y:shape(), p:shape()
  if p_shape[#p_shape] == 1 then return binary(o, y, p, w) end
  if #y_shape < #p_shape or y_shape[#y_shape] == 1 then return sparse(o, y, p, w) end
  return categorical(o, y, p, w)
end

local function check_k(o)
  if math.type(o.k) ~= "integer" or o.k < 1 then
    blame("%s: k must be a whole number of at least 1, got %s", o.name, tostring(o.k))
  end
end

local function check_threshold(o)
  if type(o.threshold) ~= "number" then
    blame("BinaryAccuracy: threshold must be a number, got %s", tostring(o.threshold))
  end
end

local function metric(kind, name, count, own, check)
  local like_outputs = count ~= by_shape and not kind:find "^Sparse"
  return class(kind, { name = name, direction = "up", like_outputs = like_outputs, options = own, check = check,
    start = start, add = accuracy(count), value = value })
end

return {
  Accuracy = metric("Accuracy", "accuracy", by_shape),
  BinaryAccuracy = metric("BinaryAccuracy", "binary_accuracy", binary, { threshold = 0.5 }, check_threshold),
  CategoricalAccuracy = metric("CategoricalAccuracy", "categorical_accuracy", categorical),
  SparseCategoricalAccuracy = metric("SparseCategoricalAccuracy", "sparse_categorical_accuracy", sparse),
  TopKCategoricalAccuracy = metric("TopKCategoricalAccuracy", "top_k_categorical_accuracy",
    function(o, y, p, w) return counts.top_k(y, p, w, o.k) end, { k = 5 }, check_k),
  SparseTopKCategoricalAccuracy = metric("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy",
    function(o, y, p, w) return counts.top_k_numbers(numbers(y, p), p, w, o.k) end, { k = 5 }, check_k),
}
