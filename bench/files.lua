-- Model files: milliseconds to load and to save the notebook's model, and the speed at which 100 MB of weights are
-- written and read, beside what the disk and the system's cache give (dd, with fsync, with and without O_DIRECT; cat).
--   lua5.4 bench/files.lua [rounds] [folder]
-- Saving is timed in /dev/shm too, where syncing costs nothing.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"
local layers = lubdub.layers

local rounds = tonumber(arg[1]) or 9
local folder = arg[2] or os.getenv "TMPDIR" or "/tmp"
local path = ("%s/lubdub_bench_%d.h5"):format(folder, os.time())

-- Times things by turns, so that what else the machine does meets all of them, and prints the least and the middle of
-- each one's times and the first one. A thing is { what it is, bytes or false, function }.
local function report(...)
  local things, times = { ... }, {}
  for i = 1, rounds do
    for k, thing in ipairs(things) do
      collectgarbage()
      collectgarbage()
      local started = lubdub.clock()
      thing[3]()
      times[k] = times[k] or {}
      times[k][i] = 1000 * (lubdub.clock() - started)
    end
  end
  for k, list in ipairs(times) do
    local what, bytes, first = things[k][1], things[k][2], list[1]
    table.sort(list)
    local speed = bytes and ("   %.2f GB/s at best"):format(bytes / list[1] / 1e6) or ""
    print(("%-46s %8.2f ms at best, %8.2f middle, %8.2f first%s"):format(what, list[1], list[rounds // 2 + 1], first,
      speed))
  end
end

local function shell(command) return function() assert(os.execute(command)) end end

local notebook = here .. "spec/golden/notebook_net.h5"
report { "load the notebook's model", false, function() assert(lubdub.load_model(notebook)) end }
local model = lubdub.load_model(notebook)
report { "save it in " .. folder, false, function() assert(model:save(path)) end }
local memory = ("/dev/shm/lubdub_bench_%d.h5"):format(os.time())
if model:save(memory) then
  report { "save it in /dev/shm", false, function() assert(model:save(memory)) end }
  os.remove(memory)
end

local large = lubdub.Sequential { layers.Input { 5000 }, layers.Dense { units = 5000 }, layers.Dense { units = 200 } }
local archive = path:gsub("%.h5$", ".keras")
local zeros = path:gsub("%.h5$", ".zeros")
report({ "save 104 MB of weights, .h5", 104e6, function() assert(large:save(path)) end },
  { "save 104 MB of weights, .keras", 104e6, function() assert(large:save(archive)) end },
  { "dd bs=1M conv=fsync", 104e6,
    shell(("dd if=/dev/zero of='%s' bs=1M count=99 conv=fsync 2> /dev/null"):format(zeros)) })
os.remove(zeros)
large = nil -- luacheck: ignore
local file <close> = assert(io.open(path, "rb"))
local bytes = file:seek "end"
report({ "load 104 MB of weights, .h5", bytes, function() assert(lubdub.load_model(path)) end },
  { "load 104 MB of weights, .keras", bytes, function() assert(lubdub.load_model(archive)) end },
  { "cat", bytes, shell(("cat '%s' > /dev/null"):format(path)) },
  { "dd bs=1M, from the cache", bytes, shell(("dd if='%s' of=/dev/null bs=1M 2> /dev/null"):format(path)) })
if os.execute(("dd if='%s' of=/dev/null bs=1M iflag=direct 2> /dev/null"):format(path)) then
  report { "dd bs=1M iflag=direct, from the disk", bytes,
    shell(("dd if='%s' of=/dev/null bs=1M iflag=direct 2> /dev/null"):format(path)) }
end
os.remove(path)
os.remove(archive)
