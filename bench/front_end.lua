-- How long the front end takes: features of one clip, extraction of PASCAL, the cache, `require "lubdub"`.
--   lua5.4 bench/front_end.lua [folder]
-- prints the median time of each task, wall and CPU. bench/front_end.py runs this file beside librosa, in turns:
-- with --serve it reads the name of a task and a number of repetitions from each line, and answers with two numbers.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"

local serving = arg[1] == "--serve"
local folder = arg[serving and 2 or 1] or here .. "../shared/data/pascal2011"
lubdub.on_warning(function() end)

-- 4 s of noise with beats in it
local signal = lubdub.Tensor.rand { 88200, seed = 1, low = -1, high = 1 }
for i = 1, 88200, 20000 do
  local quiet = signal:slice(1, i, math.min(88200, i + 15000))
  quiet:copy(quiet * 0.01)
end

local tasks, order = {}, {}
local function task(name, f)
  tasks[name] = f
  order[#order + 1] = name
end

for _, name in ipairs { "mfcc", "melspectrogram", "stft", "rms", "zero_crossing_rate", "spectral_centroid",
  "spectral_bandwidth", "spectral_rolloff", "spectral_contrast", "chroma_stft" } do
  local plan = lubdub[lubdub.feature.names[name]] { [name == "mfcc" and "n_mfcc" or "sr"] = name == "mfcc" and 40
    or 22050 }
  task(name, function() return plan(signal) end)
end
local cepstrum = lubdub.MFCC { n_mfcc = 40 } (signal)
task("delta", function() return lubdub.delta(cepstrum) end)

local clips = lubdub.datasets.pascal(folder)
if clips then
  clips = clips:filter(function(clip) return clip.label and clip.duration >= 4 end)
  local mfcc, cache = lubdub.MFCC { n_mfcc = 40 }, os.tmpname()
  os.remove(cache)
  local kept = setmetatable({}, { __gc = function() os.execute("rm -rf '" .. cache .. "'") end })
  local function extract(given)
    lubdub.set_num_threads(2)
    local x = clips:extract(mfcc, { duration = 4, progress = false, cache = given })
    lubdub.set_num_threads(1)
    return x, kept
  end
  task("pascal", function() return extract(false) end)
  task("pascal_cached", function() return extract(cache) end)
end
task("require", function()
  assert(os.execute(("LUA_PATH='%s' LUA_CPATH='%s' lua5.4 -e 'require \"lubdub\"'"):format(package.path,
    package.cpath)))
end)
task("no_require", function() assert(os.execute "lua5.4 -e ''") end)

lubdub.set_num_threads(1)

-- Seconds of one call, wall and CPU.
local function measure(name, repetitions)
  local wall, cpu = lubdub.clock(), os.clock()
  for _ = 1, repetitions do tasks[name]() end
  return (lubdub.clock() - wall) / repetitions, (os.clock() - cpu) / repetitions
end

if serving then
  io.stdout:setvbuf "line"
  for line in io.lines() do
    local name, repetitions = line:match "^(%S+) (%d+)$"
    print(tasks[name] and ("%.9f %.9f"):format(measure(name, math.tointeger(repetitions))) or "none")
  end
  return
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

print(("%-20s %10s %10s   %s kernels"):format("ms, median", "wall", "CPU", (lubdub.cpu())))
for _, name in ipairs(order) do
  local walls, cpus = {}, {}
  local long = name == "pascal"
  measure(name, 1)
  for i = 1, long and 5 or 20 do walls[i], cpus[i] = measure(name, (long or name:find "require") and 1 or 5) end
  print(("%-20s %10.3f %10.3f"):format(name, 1000 * median(walls), 1000 * median(cpus)))
end
