--- Where in its input a model sees what it says: saliency, Grad-CAM, integrated gradients.
--
--    local map = lubdub.explain.grad_cam(model, x)        -- (n, 40, 173), from 0 to 1: how much each place speaks for
--                                                         -- the class that the model chose
-- All go by model:gradient, and take its options `output` and `before_softmax` (here true unless given: class scores
-- before the softmax, which else lets the other classes in).
-- @module lubdub.explain
-- @usage
-- local map = lubdub.explain.grad_cam(model, x)
-- print(map)
local Tensor = require("lubdub.core").Tensor
local blame = require "lubdub.blame"
local options = require "lubdub.options"

local explain = {}

-- Each row by its own largest value, where that is not 0.
local function normalized(maps)
  local most = maps
  for axis = maps:ndim(), 2, -1 do most = most:max(axis) end
  local shape, divisors = maps:shape(), most:totable()
  for axis = 2, #shape do shape[axis] = 1 end
  for row, divisor in ipairs(divisors) do divisors[row] = divisor > 0 and divisor or 1 end
  return maps / Tensor(divisors):reshape(shape)
end

local function single_input(where, model, x)
  model:build_for(where, x)
  if #model.inputs > 1 then blame("%s: the model has %d inputs; only models with one are explained", where,
    #model.inputs) end
  return type(x) == "table" and x[1] or x
end

--- The largest absolute gradient over the channels at each place of the input (Simonyan, Vedaldi and Zisserman 2013,
-- Deep Inside Convolutional Networks, section 3).
-- @tparam lubdub.model model with one input and one output
-- @tparam lubdub.Tensor x (n, ..., channels)
-- @tparam ?table given output, before_softmax (true), batch_size (as of model:gradient), normalize (true: each map from
-- 0 to 1)
-- @treturn lubdub.Tensor (n, ...); of inputs with a single axis (n, features)
-- @treturn lubdub.Tensor the units' values (n)
-- @treturn lubdub.Tensor the units' numbers (n)
function explain.saliency(model, x, given)
  local o = options.read("saliency", given, { output = false, before_softmax = true, batch_size = 32,
    normalize = true })
  x = single_input("saliency", model, x)
  local gradient, _, scores, units = model:gradient(x, { output = o.output, before_softmax = o.before_softmax,
    batch_size = o.batch_size })
  local maps = gradient:abs()
  if maps:ndim() > 2 then maps = maps:max(-1) end
  return o.normalize and normalized(maps) or maps, scores, units
end

-- The weights (to, from) of linear interpolation between the centers of `from` cells at those of `to` cells.
local function interpolation(from, to)
  local rows = {}
  for i = 1, to do
    local row = {}
    for j = 1, from do row[j] = 0 end
    local at = math.max(0, math.min(from - 1, (i - 0.5) * from / to - 0.5))
    local low = math.floor(at)
    row[low + 1] = 1 - (at - low)
    if at > low then row[low + 2] = at - low end
    rows[i] = row
  end
  return Tensor(rows)
end

-- Maps (n, h, w) or (n, t) at the size of the input.
local function resized(maps, shape)
  if maps:ndim() == 2 then return maps:matmul(interpolation(maps:shape(2), shape[1]):transpose()) end
  return interpolation(maps:shape(2), shape[1]):matmul(maps)
    :matmul(interpolation(maps:shape(3), shape[2]):transpose())
end

-- The last convolution; kinds that stand for one begin or end so.
local function last_convolution(model)
  for i = #model.calls, 1, -1 do
    if model.calls[i].layer.kind:find "Conv[12]D$" then return model.calls[i] end
  end
  blame("grad_cam: the model has no convolution; name a layer whose output is (n, ..., channels): layer = \"...\"")
end

--- Grad-CAM (Selvaraju and others 2017, Grad-CAM: Visual Explanations from Deep Networks, equations 1 and 2): the
-- channels A_k of a layer, each weighted by the mean of its gradient over all places, summed and cut at 0:
-- max(0, sum_k mean(dy / dA_k) A_k); then linearly interpolated to the size of the input.
-- @tparam lubdub.model model with one input (n, h, w, channels) or (n, t, channels) and one output
-- @tparam lubdub.Tensor x
-- @tparam ?table given layer (the last convolution; as of model:gradient), output, before_softmax (true), batch_size,
-- normalize (true: each map from 0 to 1)
-- @treturn lubdub.Tensor (n, h, w) or (n, t)
-- @treturn lubdub.Tensor the units' values (n)
-- @treturn lubdub.Tensor the units' numbers (n)
function explain.grad_cam(model, x, given)
  local o = options.read("grad_cam", given, { layer = false, output = false, before_softmax = true, batch_size = 32,
    normalize = true })
  x = single_input("grad_cam", model, x)
  local gradient, values, scores, units = model:gradient(x, { layer = o.layer or last_convolution(model),
    output = o.output, before_softmax = o.before_softmax, batch_size = o.batch_size })
  local axes = values:ndim()
  if axes ~= x:ndim() or axes < 3 or axes > 4 then
    blame("grad_cam: the layer's output must have the input's axes, (n, h, w, channels) or (n, t, channels); "
      .. "it has %d axes, the input %d", axes, x:ndim())
  end
  local weights = gradient
  for axis = 2, axes - 1 do weights = weights:mean(axis, { keepdims = true }) end
  local maps = resized((weights * values):sum(-1):maximum(0), model.input_shape)
  return o.normalize and normalized(maps) or maps, scores, units
end

--- Integrated gradients (Sundararajan, Taly and Yan 2017, Axiomatic Attribution for Deep Networks, equation 3): the
-- gradient's mean along the straight way from a baseline to x, times x less the baseline. Over the whole input that
-- sums up to what the unit has more at x than at the baseline, the better the more steps.
-- @tparam lubdub.model model with one input and one output
-- @tparam lubdub.Tensor x (n, ...)
-- @tparam ?table given steps (50), baseline (0, another number, or a tensor that fits x), output,
-- before_softmax (true), batch_size
-- @treturn lubdub.Tensor of the shape of x
-- @treturn lubdub.Tensor the units' values at x (n)
-- @treturn lubdub.Tensor the units' numbers (n)
function explain.integrated_gradients(model, x, given)
  local where = "integrated_gradients"
  local o = options.read(where, given, { steps = 50, baseline = 0, output = false, before_softmax = true,
    batch_size = 32 })
  if math.type(o.steps) ~= "integer" or o.steps < 1 then
    blame("%s: steps must be a whole number of at least 1, got %s", where, tostring(o.steps))
  end
  x = single_input(where, model, x)
  local ask = { output = o.output, before_softmax = o.before_softmax, batch_size = o.batch_size }
  local _, _, scores, units = model:gradient(x, ask)
  ask.output = units
  local way, total = x - o.baseline, nil
  if way:ndim() ~= x:ndim() or way:size() ~= x:size() then blame("%s: the baseline does not fit x", where) end
  for step = 1, o.steps do
    local gradient = model:gradient(x - way * (1 - (step - 0.5) / o.steps), ask)
    total = total and total + gradient or gradient
  end
  return way * total / o.steps, scores, units
end

return explain
