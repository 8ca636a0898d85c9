--- Class weights as weights of rows, for fit and train_on_batch.
-- @module lubdub.class_weight
local Tensor = require("lubdub.core").Tensor
local blame = require "lubdub.blame"

local class_weight = {}

--- Checks a table { [class] = weight } against the model's classes.
function class_weight.check(where, model, weights)
  if type(weights) ~= "table" then
    blame("%s: class_weight must be a table { [class] = weight }, got %s", where, type(weights))
  end
  if #model.output_shape ~= 1 then blame("%s: class_weight needs a model with one output per class", where) end
  local classes = math.max(model.output_shape[1], 2)
  for class, weight in pairs(weights) do
    if math.type(class) ~= "integer" or class < 1 or class > classes then
      blame("%s: class_weight has the key %s, but the classes are counted from 1 to %d", where,
        type(class) == "string" and "'" .. class .. "'" or tostring(class), classes)
    end
    if type(weight) ~= "number" or weight - weight ~= 0 or weight < 0 then
      blame("%s: class_weight[%d] must be a number of at least 0, got %s", where, class, tostring(weight))
    end
  end
end

--- Weights (n) of the rows of y: class numbers (n), one-hot (n, classes), or (n, 1) with 0 for class 1 and 1 for
-- class 2. A class without a weight counts 1.
function class_weight.rows(y, weights)
  local shape, list = y:shape(), {}
  if #shape == 1 then
    for i, class in ipairs(y:totable()) do list[i] = weights[math.floor(class + 0.5)] or 1 end
  elseif shape[2] == 1 then
    for i, row in ipairs(y:totable()) do list[i] = weights[math.floor(row[1] + 0.5) + 1] or 1 end
  else
    for i, class in ipairs(y:argmax(2):totable()) do list[i] = weights[math.tointeger(class)] or 1 end
  end
  return Tensor(list)
end

--- A batch source whose rows are weighted.
function class_weight.source(where, source, weights)
  return function(epoch, seed)
    local next_batch, state, control, closing = source(epoch, seed)
    return function(_, last)
      local x, y, w = next_batch(state, last)
      if x == nil then return nil end
      if w ~= nil then blame("%s: class_weight and a source's sample weights cannot be given together", where) end
      return x, y, class_weight.rows(y, weights)
    end, nil, control, closing
  end
end

return class_weight
