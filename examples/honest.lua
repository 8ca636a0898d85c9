-- The notebook's recipe judged twice: on its random split, and on patients that the network has never heard.
--   lua examples/honest.lua --data ../data/pascal2011    the PASCAL 2011 recordings
--   lua examples/honest.lua                              the built-in hearts, which say nothing about hearts
local here = (arg[0]:match "^(.*)/" or ".") .. "/../lua/"
package.path = here .. "?.lua;" .. here .. "?/init.lua;" .. package.path
package.cpath = here .. "?.so;" .. package.cpath
local lubdub = require "lubdub"
local parser = require "argparse"("honest.lua", "A random split and a split by patients, side by side.")
parser:option("--data", "Folder of the PASCAL 2011 recordings; without it, the built-in hearts.")
parser:option("--epochs", "Of each training (PASCAL: 500, as in the notebook; built-in hearts: 40).", nil, tonumber)
parser:option("--runs", "Trainings of the random split, each with another seed.", "5", tonumber)
parser:option("--seed", "Of weights, dropout and the order of rows.", "0", tonumber)
local args = parser:parse()
local epochs = args.epochs or args.data and 500 or 40

local clips = args.data and lubdub.datasets.pascal(args.data) or lubdub.datasets.hearts { n = 200 }
clips = clips:filter(function(clip) return clip.label and clip.duration >= 4 end):shuffle(42)
print(clips)
local x = clips:extract(lubdub.MFCC { sr = 22050, n_mfcc = 40 }, { duration = 4 })

-- The notebook's network, optimizer and loss.
local function notebook(_, fold)
  local layers = lubdub.layers
  local model = lubdub.Sequential {
    layers.Input(fold.input_shape),
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
    layers.Dense { units = #fold.labels, activation = "softmax" },
  }
  model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
  return model
end

local function judge(title, folds)
  print(("\n%s, %d epochs"):format(title, epochs))
  local result = lubdub.cross_validate {
    data = clips, features = x, model = notebook, folds = folds, seed = args.seed,
    fit = { epochs = epochs, batch_size = 128, class_weight = "balanced" },
  }
  print(result)
  -- Another draw of patients would give another number: intervals that resample patients, with all their clips.
  local truth, predicted, patients = {}, {}, {}
  for _, fold in ipairs(result.folds) do
    for i, row in ipairs(fold.test) do
      truth[#truth + 1], predicted[#predicted + 1], patients[#patients + 1] = fold.y[i], fold.predicted[i],
        clips[row].patient
    end
  end
  local function interval(name, metric, options)
    print(("%s, resampling patients: %s"):format(name, tostring(lubdub.metrics.bootstrap(truth, predicted,
      { metric = metric, options = options, groups = patients, seed = 0 }))))
  end
  interval("accuracy", "accuracy_score")
  interval("f1_macro", "f1_score", { average = "macro", zero_division = 0, labels = result.labels })
  return { split = title, result = result }
end

local train, test = lubdub.split.train_test_split(#clips, { test_size = 0.2, seed = 42 })
local same = {}
for run = 1, args.runs do same[run] = { train, test } end
local random = judge("random split", same)
local grouped = judge("by patients", lubdub.split.StratifiedGroupKFold { n_splits = 5, shuffle = true, seed = 0 })

-- Keras 3.15 on TensorFlow, the same recipe and the same two splits: means of 3 seeds, and of the 5 folds. Its seconds
-- are those of another day on 2 cores, partly shared.
local keras = { ["random split"] = { 0.588, 0.588, 0.735, 754 }, ["by patients"] = { 0.596, 0.572, 0.643, 770 } }
local rows, comparable = {}, args.data and epochs == 500
for i, judged in ipairs { random, grouped } do
  local result, theirs = judged.result, comparable and keras[judged.split] or {}
  local function mean(name) return (result:interval(name)) end
  rows[2 * i - 1] = { split = judged.split, by = "lubdub", accuracy = mean "accuracy", f1_macro = mean "f1_macro",
    balanced = mean "balanced_accuracy", ["seconds a run"] = result.seconds / #result.folds }
  rows[2 * i] = { split = judged.split, by = "Keras", accuracy = theirs[1], f1_macro = theirs[2], balanced = theirs[3],
    ["seconds a run"] = theirs[4] }
  if not comparable then rows[2 * i].by = "Keras: 500 epochs of PASCAL only" end
end
print(lubdub.Table({ "split", "by", "accuracy", "f1_macro", "balanced", "seconds a run" }, rows,
  { title = "\nMeans after the last epoch", formats = { accuracy = "%.3f", f1_macro = "%.3f", balanced = "%.3f",
    ["seconds a run"] = "%.1f" } }))
