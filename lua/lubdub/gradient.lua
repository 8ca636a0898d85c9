--- model:gradient: how one output unit depends on the inputs, or on what a layer says.
-- Everything is as in predict: batch normalization goes by its moving statistics, nothing is dropped.
-- @module lubdub.gradient
local Tensor = require("lubdub.core").Tensor
local batches = require "lubdub.batches"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local evaluate = require "lubdub.evaluate"
local graph = require "lubdub.graph"
local options = require "lubdub.options"

-- The number of the call whose output is asked, nil for the model's inputs.
local function find_layer(where, model, asked)
  if not asked then return nil end
  if graph.is_symbolic(asked) then
    for i, call in ipairs(model.calls) do
      if call == asked then return i end
    end
    blame("%s: layer: %s is not part of the model", where, tostring(asked))
  end
  local layer = graph.is_layer(asked) and asked or model:get_layer(asked)
  local found
  for i, call in ipairs(model.calls) do
    if call.layer == layer then
      if found then
        blame("%s: layer %s is called more than once in the model; give what the call that you mean returned", where,
          layer.name)
      end
      found = i
    end
  end
  if not found and layer.kind == "Input" then
    if #model.inputs == 1 and model.inputs[1].layer == layer then return nil end
    blame("%s: layer: leave it out for the gradients of all inputs", where)
  end
  if not found then blame("%s: layer: %s is not part of the model", where, tostring(layer)) end
  return found
end

-- The asked units as a tensor (n); nil for the largest of each sample.
local function read_units(where, asked, n, shape)
  local units = 1
  for _, size in ipairs(shape) do units = units * size end
  local function unit(value)
    if type(value) ~= "number" or value < 1 or value > units or value % 1 ~= 0 then
      blame("%s: output must be the number of an output unit, from 1 to %d, got %s", where, units, tostring(value))
    end
    return value
  end
  if not asked then return nil end
  if Tensor.is(asked) then
    if #asked:shape() ~= 1 then blame("%s: output must be a number, or a list of one for each row", where) end
    asked = asked:totable()
  end
  if type(asked) ~= "table" then return Tensor.full { n, value = unit(asked) } end
  if #asked ~= n then blame("%s: output lists %d units for %d rows", where, #asked, n) end
  local list = {}
  for i, value in ipairs(asked) do list[i] = unit(value) end
  return Tensor(list)
end

local function rows_like(n, tensor)
  local shape = tensor:shape()
  shape[1] = n
  return Tensor.zeros(shape)
end

--- Values and gradients of one output unit of each row.
-- @tparam lubdub.model model with one output
-- @param x (n, ...), a tensor, or a list of one for each input
-- @tparam ?table given output (which unit: a number from 1, or a list or tensor of one for each row; units are counted
-- over the flattened outputs where these have several axes; default: the largest of each row), before_softmax (false;
-- true: the unit before the final softmax or sigmoid, where the model has one), layer (whose output the gradients are
-- of: a name, a number, a layer, or the symbolic tensor of one of its calls; default: the inputs), batch_size (32)
-- @return the gradients, of the shape of what they are of; a list of them for several inputs
-- @return what they are of: the layer's output, or x
-- @treturn lubdub.Tensor the units' values (n)
-- @treturn lubdub.Tensor the units' numbers (n)
return function(model, x, given)
  local where = "gradient"
  local o = options.read(where, given, { output = false, before_softmax = false, layer = false, batch_size = 32 })
  if math.type(o.batch_size) ~= "integer" or o.batch_size < 1 then
    blame("%s: batch_size must be a whole number of at least 1, got %s", where, tostring(o.batch_size))
  end
  model:build_for(where, x)
  check.data(where, model, x)
  if #model.outputs > 1 then
    blame("%s: the model has %d outputs; make one with a single output of them: lubdub.Model { inputs = model.inputs, "
      .. "outputs = model.outputs[1] }", where, #model.outputs)
  end
  local layer = find_layer(where, model, o.layer)
  local n = batches.rows(x)
  local units = read_units(where, o.output, n, model.output_shape)
  local trainer = model:ensure_trainer()

  local gradients, values = {}, nil
  local scores, numbers = Tensor.zeros { n }, Tensor.zeros { n }
  local first = 1
  for part, part_units in batches.of_tensors(x, units, nil, { batch_size = o.batch_size, shuffle = false })(1, 0) do
    graph.engine(where .. ": ", trainer.begin_gradient, trainer, part, part_units, layer, o.before_softmax)
    evaluate.finish(trainer)
    local answer, last = trainer:gradient(), first + batches.rows(part) - 1
    for k, gradient in ipairs(answer.gradients) do
      gradients[k] = gradients[k] or rows_like(n, gradient)
      gradients[k]:slice(1, first, last):copy(gradient)
    end
    if layer then
      values = values or rows_like(n, answer.values)
      values:slice(1, first, last):copy(answer.values)
    end
    scores:slice(1, first, last):copy(answer.scores)
    numbers:slice(1, first, last):copy(answer.units)
    first = last + 1
  end
  return #gradients > 1 and gradients or gradients[1], values or x, scores, numbers
end
