-- The notebook's recipe to the letter on PASCAL: no callbacks, the test part as validation, nothing scaled.
--   lua5.4 bench/notebook.lua [folder] [seeds] [epochs]
-- It prints val_accuracy at the end for each seed, their mean and standard error, and the time.
-- bench/notebook.py does the same in Keras; run both on one machine to compare.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"

local folder = arg[1] or here .. "../shared/data/pascal2011"
local seeds, epochs = tonumber(arg[2]) or 5, tonumber(arg[3]) or 500

local clips = assert(lubdub.datasets.pascal(folder))
  :filter(function(clip) return clip.label and clip.duration >= 4 end)
  :shuffle(42)
local train, test = clips:split { test_size = 0.2, seed = 42, groups = false }
local encoder = lubdub.LabelEncoder(train:column "label")
local mfcc = lubdub.MFCC { sr = 22050, n_mfcc = 40 }
local started = lubdub.clock()
local function tensors(part)
  return part:extract(mfcc, { duration = 4, progress = false }), encoder:to_categorical(part:column "label")
end
local x_train, y_train = tensors(train)
local x_test, y_test = tensors(test)
print(("%d + %d clips, features in %.2f s; %d threads, %s kernels"):format(#train, #test, lubdub.clock() - started,
  lubdub.num_threads(), (lubdub.cpu())))

local function notebook_model()
  local layers = lubdub.layers
  return lubdub.Sequential {
    layers.Input { 40, 173, 1 },
    layers.Conv2D { filters = 16, kernel_size = 2, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = 0.2 },
    layers.Conv2D { filters = 32, kernel_size = 2, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = 0.2 },
    layers.Conv2D { filters = 128, kernel_size = 2, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = 0.5 },
    layers.GlobalAveragePooling2D(),
    layers.Dense { units = #encoder.classes, activation = "softmax" },
  }
end

local results, times = {}, {}
for seed = 0, seeds - 1 do
  lubdub.set_seed(seed)
  local model = notebook_model()
  model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
  started = lubdub.clock()
  local history = model:fit(x_train, y_train, {
    batch_size = 128, epochs = epochs, validation_data = { x_test, y_test }, seed = seed, verbose = 0,
    class_weight = lubdub.class_weights(train:column "label", encoder),
  })
  local seconds, curve = lubdub.clock() - started, history.history.val_accuracy
  local best = math.max(table.unpack(curve))
  print(("seed %d: val_accuracy %.3f at the end, %.3f at best; train accuracy %.3f; %.1f s (%.1f ms per epoch)")
    :format(seed, curve[#curve], best, history.history.accuracy[epochs], seconds, 1000 * seconds / epochs))
  results[#results + 1], times[#times + 1] = curve[#curve], seconds
end

local sum, squares = 0, 0
for _, value in ipairs(results) do sum = sum + value end
local mean = sum / #results
for _, value in ipairs(results) do squares = squares + (value - mean) ^ 2 end
local deviation = #results > 1 and math.sqrt(squares / (#results - 1)) or 0
table.sort(times)
print(("mean of %d seeds: %.3f (sd %.3f, standard error %.3f); median time %.1f s"):format(#results, mean, deviation,
  deviation / math.sqrt(#results), times[#times // 2 + 1]))
