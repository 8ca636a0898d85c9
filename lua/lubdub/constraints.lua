--- What weights must obey after each step of training, with Keras' names and options, but that axes are counted from 1:
-- `lubdub.constraints.MaxNorm(3)`, `lubdub.constraints.NonNeg()`. Layers take such an object, or its name ("non_neg"),
-- as kernel_constraint or bias_constraint. The norm of a group of weights is the root of its sum of squares; a group is
-- what lies along the named axes: for a Dense layer's kernel (inputs, units) and axis 1 what goes into one unit, for a
-- Conv2D's (height, width, channels, filters) and axis { 1, 2, 3 } one filter.
-- @module lubdub.constraints
-- @usage lubdub.layers.Dense { units = 5, kernel_constraint = lubdub.constraints.MaxNorm(0.25) }

--- Groups whose norm is larger are made shorter.
-- @function MaxNorm
-- @tparam ?table options max_value (2; may be given alone), axis (1; or a list)
-- @treturn table
-- @usage lubdub.constraints.MaxNorm { max_value = 1, axis = { 1, 2, 3 } }

--- Groups whose norm lies outside are moved towards the bound, by `rate` of the way.
-- @function MinMaxNorm
-- @tparam ?table options min_value (0; may be given alone), max_value (1), rate (1), axis (1; or a list)
-- @treturn table
-- @usage lubdub.constraints.MinMaxNorm { min_value = 0.5, max_value = 2, rate = 0.9 }

--- Groups get the norm 1.
-- @function UnitNorm
-- @tparam ?table options axis (1; or a list)
-- @treturn table
-- @usage lubdub.constraints.UnitNorm { axis = 1 }

--- What is negative becomes 0.
-- @function NonNeg
-- @treturn table
-- @usage lubdub.constraints.NonNeg()

return require "lubdub.objects"("constraints", require("lubdub.core").constraints)
