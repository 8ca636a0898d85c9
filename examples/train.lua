-- Train a heart sound classifier, look at it, and keep it: the whole notebook in one screen.
--   lua examples/train.lua                              the built-in hearts
--   lua examples/train.lua --data ../data/pascal2011    real recordings (the PASCAL 2011 set)
local here = (arg[0]:match "^(.*)/" or ".") .. "/../lua/"
package.path = here .. "?.lua;" .. here .. "?/init.lua;" .. package.path
package.cpath = here .. "?.so;" .. package.cpath
local lubdub = require "lubdub"
local parser = require "argparse"("train.lua", "Train a heart sound classifier.")
parser:option("--data", "Folder of the PASCAL 2011 recordings; without it, the built-in hearts.")
parser:option("--epochs", "At most so many epochs (built-in hearts: 120, PASCAL: 500).", nil, tonumber)
parser:option("--batch-size", "Recordings per step.", "16", tonumber)
parser:option("--seed", "Of everything that is drawn.", "42", tonumber)
parser:option("--groups", "Column that no split may cut, or none.", "patient")
parser:option("--out", "Folder for the pictures and the model.", "out")
local args = parser:parse()
local groups = args.groups ~= "none" and args.groups or nil
lubdub.set_seed(args.seed)
assert(lubdub.datasets.make_folder(args.out)) -- before the work, not after it

local clips = args.data and lubdub.datasets.pascal(args.data) or lubdub.datasets.hearts()
clips = clips:filter(function(clip) return clip.label and clip.duration >= 4 end):shuffle(args.seed)
print(clips)

-- Test data choose nothing: the epoch to keep is chosen on a validation part.
local rest, test = clips:split { test_size = 0.2, seed = args.seed, groups = groups }
local train, valid = rest:split { test_size = 0.2, seed = args.seed, groups = groups }
local mfcc = lubdub.MFCC { sr = 22050, n_mfcc = 40 }
local steps = lubdub.preprocessing.steps(mfcc, { duration = 4, scale = 0.1 })
local encoder = lubdub.LabelEncoder(clips:column "label")
local function tensors(part)
  return part:extract(steps), encoder:to_categorical(part:column "label")
end
local x_train, y_train = tensors(train)
local x_valid, y_valid = tensors(valid)
local x_test, y_test = tensors(test)

local layers = lubdub.layers
local model = lubdub.Sequential {
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
model.labels, model.preprocessing = encoder.classes, steps -- the model's file carries them
print(model)
model:compile {
  optimizer = lubdub.optimizers.Adam { learning_rate = 0.002 },
  loss = "categorical_crossentropy", metrics = { "accuracy" },
}

local started = lubdub.clock()
local history = model:fit(x_train, y_train, {
  batch_size = args.batch_size, epochs = args.epochs or args.data and 500 or 120,
  validation_data = { x_valid, y_valid }, seed = args.seed,
  class_weight = lubdub.class_weights(train:column "label", encoder),
  callbacks = {
    lubdub.callbacks.EarlyStopping { monitor = "val_loss", patience = 50, restore_best_weights = true },
  },
})
print(("Trained in %.1f s."):format(lubdub.clock() - started))

print(model:evaluate(x_test, y_test))
local truth, predicted = test:column "label", encoder:decode(model:predict(x_test))
print(lubdub.metrics.classification_report(truth, predicted))
print(lubdub.metrics.confusion_matrix(truth, predicted, { labels = encoder.classes }))

assert(lubdub.plot.history(history):save(args.out .. "/curves.png"))
assert(lubdub.plot.confusion_matrix(truth, predicted, { normalize = "true" }):save(args.out .. "/confusion.png"))
assert(model:save(args.out .. "/heartbeat.h5"))
print(("Wrote curves.png, confusion.png and heartbeat.h5 to %s."):format(args.out))
