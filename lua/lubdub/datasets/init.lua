--- Data sets: functions that find recordings and know their labels and groups.
--
--    lubdub.datasets.pascal "data/pascal2011"     the PASCAL challenge of 2011
--    lubdub.datasets.physionet2016 "data/2016"    the PhysioNet challenge of 2016
--    lubdub.datasets.circor2022 "data/circor"     CirCor DigiScope, the PhysioNet challenge of 2022
--    lubdub.datasets.yaseen2018 "data/yaseen"     Yaseen, Son and Kwon 2018
--    lubdub.datasets.from_folder "my recordings"  a folder for each class (`folder` is the same)
--    lubdub.datasets.from_csv "my table.csv"      a line for each recording
--    lubdub.datasets.hearts { n = 400, seed = 1 } the built-in toy hearts
--
-- A folder that is not there, or that holds no recordings, is an error that names it, and says what was expected.
-- What is missing or odd in it is one warning; `clips:check()` lists it.
-- @module lubdub.datasets
-- @usage local clips = lubdub.datasets.hearts { n = 20, seed = 1 }
local there = {
  pascal = "pascal", physionet2016 = "physionet2016", circor2022 = "circor2022", yaseen2018 = "yaseen2018",
  folder = "folder", from_folder = "folder", from_csv = "from_csv", hearts = "hearts", segments = "segments",
  make_folder = "make_folder",
}

return require "lubdub.namespace"("lubdub.datasets", {}, function(name)
  return there[name] and require("lubdub.datasets." .. there[name]) or nil
end, function() return there end)
