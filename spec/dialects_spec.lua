-- Files of Keras 2 (tf.keras 2.4 to 2.15 and stand-alone Keras 2.2, 2.3), which spec/golden/make_dialects.py made: they
-- predict what they predicted there, and train on as they would have done.
local lubdub = require "lubdub"
local dkjson = require "dkjson"
local ramp = require "support.ramp"

local Tensor = lubdub.Tensor
local folder = "spec/golden/dialects/"

local function expectations()
  local file <close> = assert(io.open(folder .. "expected.json"))
  return dkjson.decode(file:read "a")
end

-- Runs f; gives its results and a list of the warnings.
local function listening(f)
  local said = {}
  lubdub.on_warning(function(message) said[#said + 1] = message end)
  local results = table.pack(pcall(f))
  lubdub.on_warning(nil)
  assert(results[1], results[2])
  return results[2], said
end

local function difference(tensor, rows) return (tensor - Tensor(rows)):abs():max() end

local function targets(n)
  local classes = {}
  for i = 1, n do classes[i] = (i - 1) % 3 + 1 end
  return lubdub.to_categorical(classes, 3)
end

describe("files of Keras 2", function()
  for name, expected in pairs(expectations()) do
    it("predict the same, and train on as there: " .. name, function()
      local model, said = listening(function() return assert(lubdub.load_model(folder .. name)) end)
      assert.same({}, said)
      local x = ramp(expected.shape)
      assert.is_true(difference(model:predict(x), expected.predictions) < 1e-5)
      if not expected.next then return end -- it was not compiled
      assert.equal(3, model.trainer.iterations)
      model:train_on_batch(x, targets(6))
      assert.is_true(difference(model:predict(x), expected.next) < 1e-5)
    end)
  end

  it("whose hard_sigmoid Keras 3 does not have are kept, with a warning", function()
    local model = listening(function() return assert(lubdub.load_model(folder .. "keras_2_2_adam.h5")) end)
    assert.equal("keras2_hard_sigmoid", model:get_layer "hard":config().activation)
    assert.equal("keras2_hard_sigmoid", model:get_layer "lstm_1":config().recurrent_activation)
    assert.is_false(model:get_layer "gru_1":config().reset_after)
    for _, ending in ipairs { ".h5", ".keras" } do
      local name = os.tmpname()
      local back, said = listening(function()
        assert(model:save(name .. ending))
        return assert(lubdub.load_model(name .. ending))
      end)
      os.remove(name)
      os.remove(name .. ending)
      for _, message in ipairs(said) do assert.matches("Keras has no activation keras2_hard_sigmoid", message) end
      local x = ramp { 6, 5, 2 }
      assert.equal(model:predict(x):to_bytes(), back:predict(x):to_bytes())
    end
  end)
end)
