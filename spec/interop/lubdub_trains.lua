--- Opens the random models that write_random.py saved: NAME.h5 and NAME.keras must predict within 1e-5 what Keras
-- predicted, and NAME.keras must go on training: after one more step its predictions are within 1e-5 of Keras' after
-- its own.
-- usage: lua5.4 spec/interop/lubdub_trains.lua FOLDER     (from the repository's root, after make)
package.path = "lua/?.lua;lua/?/init.lua;spec/?.lua;" .. package.path
package.cpath = "lua/?.so;" .. package.cpath

local lubdub = require "lubdub"
local json = require "dkjson"
local lfs = require "lfs"
local ramp = require "support.ramp"

local TOLERANCE = 1e-5
local folder = assert(arg[1], "usage: lubdub_trains.lua FOLDER")

local function difference(model, x, rows)
  local largest = (model:predict(x) - lubdub.Tensor(rows)):abs():max()
  return largest == largest and largest or math.huge
end

local warned
lubdub.on_warning(function(message) warned = message end)

-- The largest differences of one model, by what was compared; or nil and why it cannot be.
local function check(stem)
  local file <close> = assert(io.open(stem .. ".json"))
  local expected, found = json.decode(file:read "a"), {}
  local x = ramp(expected.input_shape)
  for _, format in ipairs { "h5", "keras" } do
    warned = nil
    local model, reason = lubdub.load_model(stem .. "." .. format)
    if not model or warned then return nil, reason or warned end
    found[format] = difference(model, x, expected.predictions)
    if format == "keras" and expected.next then
      model:train_on_batch(x, lubdub.to_categorical({ 1, 2, 3, 1 }, 3))
      found.next = difference(model, x, expected.next)
    end
  end
  return found
end

local stems = {}
for name in lfs.dir(folder) do
  if name:find "^keras_.*%.json$" then stems[#stems + 1] = folder .. "/" .. name:sub(1, -6) end
end
table.sort(stems)

local worst, failed = { h5 = 0, keras = 0, next = 0 }, 0
for _, stem in ipairs(stems) do
  local found, reason = check(stem)
  for what, value in pairs(found or {}) do
    worst[what] = math.max(worst[what], value)
    if value > TOLERANCE then reason = ("%s differs by %.1e"):format(what, value) end
  end
  if reason then
    failed = failed + 1
    print(("%s: %s"):format(stem:match "[^/]+$", reason))
  end
end
print(("%d random models of Keras in lubdub: largest differences h5 %.1e, keras %.1e, next %.1e"):format(#stems,
  worst.h5, worst.keras, worst.next))
os.exit(failed == 0 and #stems > 0)
