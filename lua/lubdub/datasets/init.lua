--- Data sets: functions that find recordings and know their labels and groups.
--
--    lubdub.datasets.pascal "data/pascal2011"     the PASCAL challenge of 2011
--    lubdub.datasets.folder "my recordings"       a folder for each class
--    lubdub.datasets.hearts { n = 400, seed = 1 } the built-in toy hearts
--
-- A folder that is not there, or that holds no recordings, is an error that names it.
-- @module lubdub.datasets
-- @usage local clips = lubdub.datasets.hearts { n = 20, seed = 1 }
local there = { pascal = true, folder = true, hearts = true, make_folder = true }

return require "lubdub.namespace"("lubdub.datasets", {}, function(name)
  return there[name] and require("lubdub.datasets." .. name) or nil
end, function() return there end)
