--- How weights begin, with Keras' names and options: `lubdub.initializers.HeNormal()`,
-- `lubdub.initializers.Constant(0.1)`, `lubdub.initializers.RandomNormal { stddev = 0.01, seed = 1 }`.
-- Layers take such an object, or its name ("he_normal"), as kernel_initializer and the like. Without a seed of its own
-- an initializer follows the seed of the model.
-- @module lubdub.initializers
return require "lubdub.objects"("initializers", require("lubdub.core").initializers)
