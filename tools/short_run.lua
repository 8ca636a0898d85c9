--- A little of everything, for valgrind: synthetic hearts to files, features, a net trained for two epochs, evaluated,
-- saved, loaded again, and asked about a file; and mistakes that a session survives. It checks that the loaded
-- model says what the saved one said.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"

local folder = os.tmpname()
os.remove(folder)
assert(lubdub.datasets.make_folder(folder))
local path = folder .. "/heartbeat.h5"

lubdub.set_seed(1)
local clips = lubdub.datasets.hearts { n = 10, seed = 1 }
local wav = folder .. "/heart.wav"
assert(lubdub.audio.write(wav, clips[1].audio, clips[1].samplerate))
local mfcc = lubdub.MFCC { sr = 22050, n_mfcc = 10 }
local steps = lubdub.preprocessing.steps(mfcc, { duration = 1, scale = 0.01 })
local encoder = lubdub.LabelEncoder(clips:column "label")
local x, y = clips:extract(steps), encoder:to_categorical(clips:column "label")

local layers = lubdub.layers
local model = lubdub.Sequential {
  layers.Input { x:shape()[2], x:shape()[3], 1 },
  layers.Conv2D { filters = 4, kernel_size = 2, activation = "relu" },
  layers.MaxPooling2D { pool_size = 2 },
  layers.Dropout { rate = 0.2 },
  layers.GlobalAveragePooling2D(),
  layers.Dense { units = #encoder.classes, activation = "softmax" },
}
model.labels, model.preprocessing = encoder.classes, steps
model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
model:fit(x, y, { batch_size = 4, epochs = 2, validation_data = { x, y }, seed = 1, verbose = 0,
  class_weight = lubdub.class_weights(clips:column "label", encoder) })
model:evaluate(x, y)
lubdub.metrics.classification_report(clips:column "label", encoder:decode(model:predict(x)))
assert(model:save(path))

local loaded = assert(lubdub.load_model(path))
assert(loaded:predict(x):allclose(model:predict(x)), "the loaded model predicts something else")
loaded:predict(assert(lubdub.preprocessing.apply(loaded.preprocessing, wav)))

assert(not lubdub.load_model(wav) and not lubdub.audio.load(path) and not model:save(wav .. "/no.h5"))
assert(not pcall(model.predict, model, lubdub.Tensor.zeros { 1, 2, 3, 1 }))
os.remove(wav)
os.remove(path)
os.remove(folder)
