--- Activations as nodes of ONNX.
-- Those that operator set 13 has no operator for are made of others, by csrc/nn/activation.h's formulas.
-- @module lubdub.onnx.activations
local activations = {}

--- Softmax over axes of a sample, counted from 1. ONNX's own works along one.
function activations.softmax(b, x, axes)
  if #axes == 1 then return b:same("Softmax", x, { axis = b.place(x, axes[1]) }) end
  local places = {}
  for i, axis in ipairs(axes) do places[i] = b.place(x, axis) end
  return b:same("Exp", b:same("Sub", x, nil, b:same("ReduceLogSumExp", x, { axes = places })))
end

local function plain(op, attributes) return function(b, x) return b:same(op, x, attributes) end end

local makers = {
  linear = function(_, x) return x end,
  relu = plain "Relu",
  sigmoid = plain "Sigmoid",
  tanh = plain "Tanh",
  relu6 = function(b, x) return b:same("Clip", x, nil, b:number(0), b:number(6)) end,
  leaky_relu = plain("LeakyRelu", { alpha = 0.2 }),
  elu = plain("Elu", { alpha = 1.0 }),
  selu = plain("Selu", { alpha = 1.6732632423543772, gamma = 1.0507009873554805 }),
  gelu = function(b, x)
    local half = b:same("Mul", x, nil, b:number(0.5))
    local e = b:same("Erf", b:same("Mul", x, nil, b:number(math.sqrt(0.5))))
    return b:same("Mul", half, nil, b:same("Add", e, nil, b:number(1)))
  end,
  silu = function(b, x) return b:same("Mul", x, nil, b:same("Sigmoid", x)) end,
  hard_sigmoid = plain("HardSigmoid", { alpha = 1 / 6, beta = 0.5 }),
  keras2_hard_sigmoid = plain("HardSigmoid", { alpha = 0.2, beta = 0.5 }),
  softplus = plain "Softplus",
  softsign = plain "Softsign",
  exponential = plain "Exp",
  softmax = function(b, x) return activations.softmax(b, x, { #x.shape }) end,
}
makers.swish = makers.silu

-- What operators of recurrent layers call an activation: { name, alpha, beta }; nil where they have none such.
activations.of_cells = {
  linear = { "Affine", 1.0, 0.0 },
  relu = { "Relu" },
  sigmoid = { "Sigmoid" },
  tanh = { "Tanh" },
  leaky_relu = { "LeakyRelu", 0.2 },
  elu = { "Elu", 1.0 },
  hard_sigmoid = { "HardSigmoid", 1 / 6, 0.5 },
  keras2_hard_sigmoid = { "HardSigmoid", 0.2, 0.5 },
  softplus = { "Softplus" },
  softsign = { "Softsign" },
}

--- Whether there are nodes for an activation.
function activations.known(name) return makers[name or "linear"] ~= nil end

--- Adds the nodes of an activation.
function activations.add(b, name, x) return makers[name or "linear"](b, x) end

return activations
