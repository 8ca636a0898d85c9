-- Prints how far lubdub is from librosa, feature by feature, over all golden cases:
--   lua5.4 spec/golden/differences.lua        (from the root of the repository, after make)
-- "largest" is the largest difference in units of the largest value of its case; "librosa" is librosa's own distance
-- from float64 in the same units; "off" counts the values that differ by more than 1e-6 of the largest.
package.path = "lua/?.lua;lua/?/init.lua;spec/?.lua;" .. package.path
package.cpath = "lua/?.so;" .. package.cpath
local feature = require "lubdub.feature"
local floats = require "support.floats"
local golden = require "support.json"
local signals = require "support.signals"
local spectral = require "support.spectral"
require("lubdub.warning").on_warning(function() end)

local rows, order = {}, {}

local function add(name, case, x, expected)
  local d, off = spectral.distance(case, x, expected)
  local row = rows[name]
  if not row then
    row = { cases = 0, values = 0, largest = 0, off = 0 }
    rows[name] = row
    order[#order + 1] = name
  end
  row.cases, row.values, row.off = row.cases + 1, row.values + #expected:reshape(-1), row.off + off
  row.largest = math.max(row.largest, d)
  row.peer = case.peer and math.max(row.peer or 0, case.peer)
end

local missing = 0
local next_one = floats "features.f32"
for _, case in ipairs(golden("features.json").cases) do
  case.feature = case.kind
  add(case.kind, case, feature[case.kind](case.options)(signals(case.signal, case.n)), next_one(case.shape))
end
for _, name in ipairs { "spectral", "recordings" } do
  for case, expected in spectral.cases(name) do
    local x = spectral.compute(case)
    if x then add(case.feature .. (case.file and " (recordings)" or ""), case, x, expected) end
    missing = missing + (x and 0 or 1)
  end
end

print(("%-34s %6s %8s %10s %10s %6s"):format("feature", "cases", "values", "largest", "librosa", "off"))
for _, name in ipairs(order) do
  local row = rows[name]
  print(("%-34s %6d %8d %10.1e %10s %6d"):format(name, row.cases, row.values, row.largest,
    row.peer and ("%.1e"):format(row.peer) or "-", row.off))
end
if missing > 0 then print(missing .. " cases not computed: their recordings are not in ../shared/data") end
