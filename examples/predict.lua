-- What a trained model says of recordings: label and probability, a line per file.
--   lua examples/predict.lua out/heartbeat.h5 file.wav ...
-- The model's file carries its labels and the way from a recording to its input; nothing else is needed.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../lua/"
package.path = here .. "?.lua;" .. here .. "?/init.lua;" .. package.path
package.cpath = here .. "?.so;" .. package.cpath
local lubdub = require "lubdub"

local parser = require "argparse"("predict.lua", "Classify recordings with a trained model.")
parser:argument("model", "A model saved by lubdub, such as out/heartbeat.h5.")
parser:argument("files", "Recordings: wav, flac, ogg, ...", nil, nil, "+")
local args = parser:parse()

local function give_up(reason)
  io.stderr:write("predict.lua: ", reason, "\n")
  os.exit(1)
end

local model, reason = lubdub.load_model(args.model)
if not model then give_up(reason) end
if not (model.labels and model.preprocessing) then
  give_up(args.model .. ": it carries no labels or no preprocessing; was it saved by examples/train.lua?")
end

local failed = 0
for _, path in ipairs(args.files) do
  local x, why = lubdub.preprocessing.apply(model.preprocessing, path)
  if x then
    local probabilities = model:predict(x)[1]
    local best = probabilities:argmax()
    print(("%s\t%s\t%.3f"):format(path, model.labels[best], probabilities[best]))
  else
    failed = failed + 1
    io.stderr:write("predict.lua: ", why, "\n")
  end
end
os.exit(failed == 0 and 0 or 1)
