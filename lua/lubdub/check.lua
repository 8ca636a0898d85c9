--- What fit, evaluate and predict ask of their data before they start: tensors of the right shape,
-- rows that belong together, and nothing that is not a number.
-- @module lubdub.check
local Tensor = require("lubdub.core").Tensor
local blame = require "lubdub.blame"

local check = {}

--- A shape as text, the batch axis as "n": (n, 40, 173, 1).
-- @tparam table shape sizes; false stands for any
-- @tparam ?boolean per_sample whether the batch axis is missing
-- @treturn string
function check.shape_text(shape, per_sample)
  local parts = per_sample and { "n" } or {}
  for _, size in ipairs(shape) do parts[#parts + 1] = size and ("%d"):format(size) or "any" end
  return "(" .. table.concat(parts, ", ") .. (#parts == 1 and ",)" or ")")
end

-- What a value that is no tensor is called.
local function described(value)
  local class = (getmetatable(value) or {}).__name
  if class == "lubdub.Symbolic" then return "a symbolic tensor, which has no data: " .. tostring(value) end
  if class == "lubdub.Layer" then return "the layer " .. tostring(value) end
  return type(value)
end

--- Raises an error unless `value` is a tensor with rows.
function check.tensor(where, name, value)
  if not Tensor.is(value) then
    blame("%s: %s must be a tensor, got %s", where, name, described(value))
  end
  local shape = value:shape()
  if #shape == 0 then blame("%s: %s must have rows, got a tensor without dimensions", where, name) end
  if shape[1] == 0 then blame("%s: %s has no rows", where, name) end
  return shape
end

--- Raises an error unless the rows of a tensor have this shape.
-- @tparam string where the function, for the message
-- @tparam string name of the tensor there
-- @tparam table shape of the tensor
-- @tparam table expected the shape of one sample
function check.sample_shape(where, name, shape, expected)
  local fits = #shape == #expected + 1
  for i, size in ipairs(expected) do fits = fits and (not size or shape[i + 1] == size) end
  if not fits then
    blame("%s: %s must be %s, got %s", where, name, check.shape_text(expected, true), check.shape_text(shape))
  end
end

--- Raises an error that names the row unless every element is finite.
-- A sum of floats that is made in double is finite exactly when they all are.
function check.finite(where, name, tensor)
  local total = tensor:sum()
  if total - total == 0 then return end
  for row = 1, tensor:shape()[1] do
    local sum = Tensor.is(tensor[row]) and tensor[row]:sum() or tensor[row]
    if sum - sum ~= 0 then
      blame("%s: %s has %s in row %d; every value must be a finite number", where, name,
        sum ~= sum and "NaN" or "an infinite value", row)
    end
  end
end

-- (n,) as (n, 1) or the other way round, where that is what is wanted.
local function as_target(y, shape, target)
  if #shape == 1 and #target == 1 and target[1] == 1 then return y:reshape { shape[1], 1 } end
  if #shape == #target + 2 and shape[#shape] == 1 then
    return y:reshape(table.move(shape, 1, #shape - 1, 1, {}))
  end
  return y
end

-- Targets that are class numbers must be; those that are shares lie between 0 and 1.
local function check_classes(where, name, model, y)
  local loss = model.loss_function
  if not loss then return end
  if not loss.class_numbers then
    if not loss.kind:find "Crossentropy$" or #y == 0 then return end
    local low, high = y:min(), y:max()
    if low < 0 or high > 1 then
      blame("%s: %s has the value %g; %s takes shares from 0 to 1, such as one-hot rows", where, name,
        low < 0 and low or high, loss.name)
    end
    return
  end
  local classes = model.output_shape[#model.output_shape]
  local at, value = loss:wrong_target(y, classes)
  if at then
    blame("%s: %s has %g in row %d; %s takes class numbers, counted from 1 to %d", where, name, value,
      (at - 1) // (y:size() // y:shape(1)) + 1, loss.name, classes)
  end
end

--- Checks the inputs of a model: a tensor, or a list of one for each input; shapes and rows.
-- @tparam string where the function's name
-- @tparam lubdub.model model
-- @param x
-- @tparam ?string name of x there
-- @treturn integer the number of rows
function check.inputs(where, model, x, name)
  name = name or "x"
  local shapes = model.input_shapes
  local is_list = type(x) == "table" and getmetatable(x) == nil and (#shapes > 1 or Tensor.is(x[1]))
  if not is_list and #shapes == 1 then
    local shape = check.tensor(where, name, x)
    check.sample_shape(where, name, shape, shapes[1])
    return shape[1]
  end
  if not is_list or #x ~= #shapes then
    local names = {}
    for i, input in ipairs(model.inputs) do names[i] = input.layer.name end
    blame("%s: %s must be a list of %d tensors (%s), got %s", where, name, #shapes, table.concat(names, ", "),
      is_list and #x or Tensor.is(x) and "a tensor" or described(x))
  end
  local n
  for i, one in ipairs(x) do
    local part = ("%s[%d]"):format(name, i)
    local shape = check.tensor(where, part, one)
    check.sample_shape(where, part, shape, shapes[i])
    n = n or shape[1]
    if shape[1] ~= n then blame("%s: %s[1] has %d rows and %s has %d", where, name, n, part, shape[1]) end
  end
  return n
end

local function finite_inputs(where, name, x)
  if type(x) ~= "table" then return check.finite(where, name, x) end
  for i, one in ipairs(x) do check.finite(where, ("%s[%d]"):format(name, i), one) end
end

--- Checks x, y and w of one call together: shapes, rows, finite values.
-- @tparam string where the function's name
-- @tparam lubdub.Sequential model
-- @param x a tensor, or a list of them
-- @tparam ?lubdub.Tensor y
-- @tparam ?lubdub.Tensor w one weight per row
-- @tparam ?string prefix of the arguments' names, "validation "
-- @return y and w, with (n,) made (n, 1) where the model has one output, and class numbers and weights (n, 1) made (n,)
function check.data(where, model, x, y, w, prefix)
  prefix = prefix or ""
  local n = check.inputs(where, model, x, prefix .. "x")
  if y ~= nil then
    local y_shape = check.tensor(where, prefix .. "y", y)
    local target = model:target_shape()
    y = as_target(y, y_shape, target)
    y_shape = y:shape()
    check.sample_shape(where, prefix .. "y", y_shape, target)
    if y_shape[1] ~= n then
      blame("%s: %sx has %d rows and %sy has %d", where, prefix, n, prefix, y_shape[1])
    end
  end
  if w ~= nil then
    local w_shape = check.tensor(where, prefix .. "sample_weight", w)
    if #w_shape == 2 and w_shape[2] == 1 then w = w:reshape { w_shape[1] } end
    check.sample_shape(where, prefix .. "sample_weight", w:shape(), {})
    if w_shape[1] ~= n then
      blame("%s: %sx has %d rows and %ssample_weight has %d", where, prefix, n, prefix, w_shape[1])
    end
  end
  finite_inputs(where, prefix .. "x", x)
  if y ~= nil then
    check.finite(where, prefix .. "y", y)
    check_classes(where, prefix .. "y", model, y)
  end
  if w ~= nil then check.finite(where, prefix .. "sample_weight", w) end
  return y, w
end

return check
