--- The built-in hearts as a data set: made from a seed, in memory, on any machine.
-- A toy: results on it say that the software works, never how good a method is.
-- @module lubdub.datasets.hearts
local Dataset = require "lubdub.dataset"

--- Makes them. Rows have `audio`, `samplerate`, `label`, `patient`, and `group`, which is the patient.
-- @function hearts
-- @tparam ?table options of `lubdub.synth.hearts`: `n`, `seed`, ...
-- @treturn Dataset
-- @usage local clips = lubdub.datasets.hearts { n = 20, seed = 1 }
return function(options)
  return Dataset(require("lubdub.synth").hearts(options)):map(function(clip)
    clip.group = clip.group or clip.patient
    return clip
  end)
end
