-- Training against Keras' values (spec/golden/make_training.py).
local data = require "support.data"
local golden = require "support.json"
local lubdub = require "lubdub"
local warning = require "lubdub.warning"
local layers, Tensor = lubdub.layers, lubdub.Tensor

local function tensor(stored) return Tensor(stored.data):reshape(stored.shape) end

local function largest_difference(model, stored)
  local worst = 0
  for i, weight in ipairs(model:get_weights()) do
    worst = math.max(worst, (weight - tensor(stored[i])):abs():max())
  end
  return worst
end

describe("a small net follows Keras", function()
  local kept = golden "training_steps.json"
  local x, y = tensor(kept.x), tensor(kept.y)

  local function net(optimizer)
    local model = lubdub.Sequential {
      layers.Input { 10, 12, 1 },
      layers.Conv2D { filters = 4, kernel_size = 2, activation = "relu" },
      layers.MaxPooling2D { pool_size = 2 },
      layers.Conv2D { filters = 8, kernel_size = 2, activation = "relu" },
      layers.GlobalAveragePooling2D(),
      layers.Dense { units = 3, activation = "softmax" },
    }
    local weights = {}
    for i, stored in ipairs(kept.weights) do weights[i] = tensor(stored) end
    model:set_weights(weights)
    model:compile { optimizer = optimizer, loss = "categorical_crossentropy", metrics = { "accuracy" } }
    return model
  end

  local function near(expected, got)
    for name, value in pairs(expected) do
      local ours = got[name]
      if type(value) == "table" then value, ours = value[1], ours[1] end
      assert.near(value, ours, 1e-6, name)
    end
  end

  it("through one step of SGD with learning rate 0.1", function()
    local model = net(lubdub.optimizers.SGD { learning_rate = 0.1 })
    local history = model:fit(x:slice(1, 1, 4), y:slice(1, 1, 4), { batch_size = 4, shuffle = false, verbose = 0 })
    near({ loss = kept.sgd.loss, accuracy = kept.sgd.accuracy }, history.history)
    assert.is_true(largest_difference(model, kept.sgd.weights) < 1e-6)
  end)

  it("through five steps of Adam with class weights and a smaller last batch", function()
    local model = net "adam"
    local history = model:fit(x, y, { batch_size = 4, shuffle = false, class_weight = kept.class_weight, verbose = 0,
      validation_data = { x:slice(1, 1, 7), y:slice(1, 1, 7) } })
    assert.equal(5, model.trainer.iterations)
    near(kept.adam.history, history.history)
    assert.is_true(largest_difference(model, kept.adam.weights) < 2e-6)
    near(kept.adam.evaluate, model:evaluate(x, y, { batch_size = 5 }))
    local weights = Tensor.arange(1, 19) / 10
    near(kept.adam.evaluate_weighted, model:evaluate(x, y, { batch_size = 5, sample_weight = weights }))
    assert.is_true((model:predict(x) - tensor(kept.adam.predict)):abs():max() < 1e-6)
  end)
end)

describe("silence", function()
  -- Max-pooling routes gradients by exact ties: a last digit that is not there in librosa's features of
  -- silent frames moves the losses of the 15 epochs below by 1e-3.
  it("has MFCCs that are exactly 0 behind the first, as librosa's", function()
    for _, bands in ipairs { 128, 41 } do
      local features = lubdub.MFCC { n_mfcc = 40, n_mels = bands }(Tensor.zeros { 22050 })
      assert.near(-100 * bands ^ 0.5, features[1]:min(), 2e-4)
      assert.equal(features[1]:min(), features[1]:max())
      assert.equal(0, features:slice(1, 2, 40):abs():max())
    end
  end)
end)

describe("the notebook's net on PASCAL", function()
  it("follows Keras' loss and val_loss for 15 epochs", function()
    local folder = data "pascal2011"
    if not folder then
      pending "needs ../shared/data/pascal2011"
      return
    end
    local kept = golden "notebook_15_epochs.json"
    local clips = lubdub.datasets.pascal(folder)
      :filter(function(clip) return clip.label and clip.duration >= 4 end)
      :shuffle(42)
    warning.on_warning(function() end) -- patients are on both sides, as in the notebook
    local train, test = clips:split { test_size = 0.2, seed = 42 }
    warning.on_warning(nil)
    local encoder = lubdub.LabelEncoder(clips:column "label")
    local steps = lubdub.preprocessing.steps(lubdub.MFCC { n_mfcc = 40 }, { duration = 4 })
    local function tensors(part, expected)
      local paths = part:column "path"
      for i, path in ipairs(paths) do assert.equal(expected[i], path:sub(#folder + 2)) end
      return assert(lubdub.preprocessing.apply(steps, paths)) / 100, encoder:to_categorical(part:column "label")
    end
    local x, y = tensors(train, kept.train)
    local x_test, y_test = tensors(test, kept.test)

    local model = assert(lubdub.load_model "spec/golden/notebook_start.h5")
    model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
    local history = model:fit(x, y, { batch_size = 128, epochs = 15, shuffle = false, verbose = 0,
      validation_data = { x_test, y_test }, class_weight = kept.class_weight })
    for _, name in ipairs { "loss", "val_loss" } do
      for epoch, value in ipairs(kept.tensorflow[name]) do
        assert.near(1, history.history[name][epoch] / value, 1e-4, ("%s of epoch %d"):format(name, epoch))
      end
    end
  end)
end)
