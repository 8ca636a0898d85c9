--- How weights begin, with Keras' names and options: `lubdub.initializers.HeNormal()`,
-- `lubdub.initializers.Constant(0.1)`, `lubdub.initializers.RandomNormal { stddev = 0.01, seed = 1 }`.
-- Layers take such an object, or its name ("he_normal"), as kernel_initializer and the like. Without a seed of its own
-- an initializer follows the seed of the model.
-- @module lubdub.initializers
-- @usage lubdub.layers.Dense { units = 5, kernel_initializer = "he_normal" }

--- Uniform within sqrt(6 / (fan_in + fan_out)); what most layers begin with.
-- @function GlorotUniform
-- @tparam ?table options seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.GlorotUniform { seed = 1 }

--- Normal (cut at two deviations) with variance 2 / (fan_in + fan_out).
-- @function GlorotNormal
-- @tparam ?table options seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.GlorotNormal()

--- Uniform within sqrt(6 / fan_in); for relu.
-- @function HeUniform
-- @tparam ?table options seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.HeUniform()

--- Normal (cut at two deviations) with variance 2 / fan_in; for relu.
-- @function HeNormal
-- @tparam ?table options seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.layers.Dense { units = 5, kernel_initializer = lubdub.initializers.HeNormal() }

--- Uniform within sqrt(3 / fan_in).
-- @function LecunUniform
-- @tparam ?table options seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.LecunUniform()

--- Normal (cut at two deviations) with variance 1 / fan_in.
-- @function LecunNormal
-- @tparam ?table options seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.LecunNormal()

--- The general form of Glorot's, He's and Lecun's.
-- @function VarianceScaling
-- @tparam ?table options scale (1), mode ("fan_in"; or "fan_out", "fan_avg"), distribution ("truncated_normal"; or
-- "untruncated_normal", "uniform"), seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.VarianceScaling { scale = 2, mode = "fan_avg" }

--- An orthogonal matrix; what recurrent weights begin with.
-- @function Orthogonal
-- @tparam ?table options gain (1), seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.Orthogonal()

--- Normal.
-- @function RandomNormal
-- @tparam ?table options mean (0), stddev (0.05), seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.RandomNormal { stddev = 0.01, seed = 1 }

--- Normal, cut at two deviations.
-- @function TruncatedNormal
-- @tparam ?table options mean (0), stddev (0.05), seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.TruncatedNormal()

--- Uniform.
-- @function RandomUniform
-- @tparam ?table options minval (-0.05), maxval (0.05), seed (false: follows the model's)
-- @treturn table
-- @usage lubdub.initializers.RandomUniform { minval = -1, maxval = 1 }

--- One number everywhere.
-- @function Constant
-- @tparam ?table options value (0; may be given alone)
-- @treturn table
-- @usage lubdub.initializers.Constant(0.1)

--- Zeros.
-- @function Zeros
-- @tparam ?table options none of its own
-- @treturn table
-- @usage lubdub.initializers.Zeros()

--- Ones.
-- @function Ones
-- @tparam ?table options none of its own
-- @treturn table
-- @usage lubdub.initializers.Ones()

return require "lubdub.objects"("initializers", require("lubdub.core").initializers)
