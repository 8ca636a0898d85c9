-- Train a small classifier, and write one web page on how good it is and where it is wrong.
--   lua examples/report.lua                              the built-in hearts
--   lua examples/report.lua --data ../data/pascal2011    real recordings (the PASCAL 2011 set)
--   lua examples/report.lua --folds 5                    cross-validation: every recording is a test once
local here = (arg[0]:match "^(.*)/" or ".") .. "/../lua/"
package.path = here .. "?.lua;" .. here .. "?/init.lua;" .. package.path
package.cpath = here .. "?.so;" .. package.cpath
local lubdub = require "lubdub"
local parser = require "argparse"("report.lua", "Train a heart sound classifier and report on it.")
parser:option("--data", "Folder of the PASCAL 2011 recordings; without it, the built-in hearts.")
parser:option("--epochs", "At most so many epochs.", "60", tonumber)
parser:option("--folds", "Cross-validate in so many folds, in place of one split.", nil, tonumber)
parser:option("--seed", "Of everything that is drawn.", "42", tonumber)
parser:option("--theme", "light or dark.", "light")
parser:option("--out", "The page.", "out/report.html")
local args = parser:parse()
lubdub.set_seed(args.seed)
assert(lubdub.datasets.make_folder(args.out:match "^(.*)/" or "."))

local clips = args.data and lubdub.datasets.pascal(args.data) or lubdub.datasets.hearts { n = 300 }
clips = clips:filter(function(clip) return clip.label and clip.duration >= 4 end):shuffle(args.seed)
local encoder = lubdub.LabelEncoder(clips:column "label")
local steps = lubdub.preprocessing.steps(lubdub.MFCC { n_mfcc = 40 }, { duration = 4, scale = 0.1 })

local layers = lubdub.layers
local function new_model()
  local model = lubdub.Sequential {
    layers.Input { 40, 173, 1 },
    layers.Conv2D { filters = 16, kernel_size = 3, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Conv2D { filters = 32, kernel_size = 3, activation = "relu" },
    layers.MaxPooling2D { pool_size = 2 },
    layers.Dropout { rate = 0.3 },
    layers.GlobalAveragePooling2D(),
    layers.Dense { units = #encoder.classes, activation = "softmax" },
  }
  model:compile { optimizer = lubdub.optimizers.Adam { learning_rate = 0.002 }, loss = "categorical_crossentropy",
    metrics = { "accuracy" } }
  return model
end

local settings = { data = args.data or "built-in hearts", epochs = args.epochs, ["batch size"] = 32 }
local report
if args.folds then
  local result = lubdub.cross_validate {
    data = clips, features = steps, model = new_model, labels = encoder.classes, seed = args.seed,
    folds = args.folds, fit = { epochs = args.epochs, batch_size = 32, class_weight = "balanced", verbose = 0 },
    keep_models = true,
  }
  report = lubdub.report(result, { preprocessing = steps, settings = settings, theme = args.theme })
else
  local rest, test = clips:split { test_size = 0.25, seed = args.seed, groups = "patient" }
  local train, valid = rest:split { test_size = 0.2, seed = args.seed, groups = "patient" }
  local model = new_model()
  model.labels, model.preprocessing = encoder.classes, steps
  local function tensors(part)
    return part:extract(steps), encoder:to_categorical(part:column "label")
  end
  local x, y = tensors(train)
  local history = model:fit(x, y, {
    epochs = args.epochs, batch_size = 32, validation_data = { tensors(valid) }, seed = args.seed,
    class_weight = lubdub.class_weights(train:column "label", encoder),
    callbacks = { lubdub.callbacks.EarlyStopping { patience = 15, restore_best_weights = true } },
  })
  report = lubdub.report { model = model, history = history, train = train, validation = valid, test = test,
    seed = args.seed, settings = settings, theme = args.theme }
end
print(report)
assert(report:save(args.out))
print(("Wrote %s; open it in a browser."):format(args.out))
