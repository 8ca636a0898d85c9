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
      -- .keras files with the optimizers of TensorFlow until 2.10 would hold no arrays, so that there are none here
      assert.equal(3, model.trainer.iterations)
      model:train_on_batch(x, targets(6))
      assert.is_true(difference(model:predict(x), expected.next) < 1e-5)
    end)
  end
end)
