-- Constraints on weights: three steps of training against Keras in float64 (spec/golden/make_constraints.py), files,
-- and what is refused.
local lubdub = require "lubdub"
local json = require "support.json"
local lists = require "support.lists"
local temporary = require "support.temporary"
local constraints, layers, Tensor = lubdub.constraints, lubdub.layers, lubdub.Tensor
local golden = json "constraints.json"

local function flat_steps(list, shape)
  return Tensor(list):reshape { 3, 8, table.unpack(shape) }
end

local function check_training(model, case)
  local x, y = flat_steps(case.x, model.input_shape), flat_steps(case.y, { 3 })
  for step = 1, 3 do model:train_on_batch(x[step], y[step]) end
  local weights = model:get_weights()
  assert.equal(#case.after, #weights)
  for i, expected in ipairs(case.after) do
    assert.is_true(lists.relative_difference(lists.of(weights[i]), expected, 1e-3) < 1e-5, ("weight %d"):format(i))
  end
end

describe("constraints", function()
  for number, case in ipairs(golden) do
    it("hold after every step as in Keras, whose file they come from: " .. number, function()
      check_training(lubdub.load_model(("spec/golden/constraints_%d.h5"):format(number)), case)
    end)

    it("are written to files: " .. number, function()
      local folder, remove = temporary.folder()
      for _, name in ipairs { "/net.h5", "/net.keras" } do
        lubdub.load_model(("spec/golden/constraints_%d.h5"):format(number)):save(folder .. name)
        check_training(lubdub.load_model(folder .. name), case)
      end
      remove()
    end)
  end

  it("leave frozen layers alone", function()
    local model = lubdub.Sequential { layers.Input { 4 }, layers.Dense { units = 3, kernel_constraint = "unit_norm",
      trainable = false }, layers.Dense { units = 2, kernel_constraint = "unit_norm" } }
    model:compile { optimizer = "sgd", loss = "mse" }
    local before = model:get_weights()
    model:train_on_batch(Tensor.randn { 5, 4, seed = 1 }, Tensor.randn { 5, 2, seed = 2 })
    local after = model:get_weights()
    assert.is_true(before[1]:equal(after[1]))
    for _, norm in ipairs(lists.of((after[3] * after[3]):sum(1))) do assert.near(1, norm, 1e-6) end
  end)

  it("are copied with their model", function()
    local model = lubdub.Sequential { layers.Input { 4 }, layers.Dense { units = 3,
      kernel_constraint = constraints.MaxNorm { max_value = 0.5, axis = { 1, 2 } } } }
    assert.same({ "max_norm", max_value = 0.5, axis = { 1, 2 } }, model:clone().layers[1]:config().kernel_constraint)
  end)

  it("print themselves", function()
    assert.equal("max_norm(axis = 1, max_value = 3.0)", tostring(constraints.MaxNorm(3)))
    assert.equal("unit_norm(axis = { 1, 2 })", tostring(constraints.UnitNorm { axis = { 1, 2 } }))
    assert.equal("non_neg()", tostring(constraints.non_neg()))
  end)

  it("say what is wrong", function()
    local function dense(constraint)
      return function()
        lubdub.Sequential { layers.Input { 4 }, layers.Dense { units = 2, kernel_constraint = constraint } }
      end
    end
    assert.error_matches(function() constraints.MaxNorm(-1) end, "MaxNorm: option 'max_value' must be at least 0")
    assert.error_matches(function() constraints.MinMaxNorm { rate = 1.5 } end, "MinMaxNorm: option 'rate' must be")
    assert.error_matches(function() return constraints.L2 end, "there is no 'L2'; there are MaxNorm, MinMaxNorm,")
    assert.error_matches(dense "max_nrm", "'kernel_constraint' must be one of max_norm, .* got 'max_nrm'")
    assert.error_matches(dense { "unit_norm", axis = 3 },
      "layer 1 %(dense%): Dense: kernel: unit_norm: axis must be 1 to 2, or %-1 to %-2, for a weight of %(4, 2%); got")
    assert.error_matches(dense { "unit_norm", axis = 0 }, "got 0")
    assert.error_matches(dense { "max_norm", axis = { 1, -2 } }, "max_norm: axis %-2 is named twice")
  end)
end)
