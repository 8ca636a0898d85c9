--- Penalties on weights, added to the loss, with Keras' names and options: `lubdub.regularizers.L2(0.01)`,
-- `lubdub.regularizers.L1L2 { l1 = 0.01, l2 = 0.01 }`. Layers take such an object, or its name ("l2"), as
-- kernel_regularizer or bias_regularizer. As in Keras the loss that fit and evaluate report holds the penalties.
-- @module lubdub.regularizers
-- @usage lubdub.layers.Dense { units = 5, kernel_regularizer = lubdub.regularizers.L2(0.001) }

--- l2 sum(w^2).
-- @function L2
-- @tparam ?table options l2 (0.01; may be given alone)
-- @treturn table
-- @usage lubdub.regularizers.L2(0.001)

--- l1 sum |w|.
-- @function L1
-- @tparam ?table options l1 (0.01; may be given alone)
-- @treturn table
-- @usage lubdub.regularizers.L1(0.001)

--- Both.
-- @function L1L2
-- @tparam ?table options l1 (0), l2 (0)
-- @treturn table
-- @usage lubdub.regularizers.L1L2 { l1 = 0.01, l2 = 0.01 }

return require "lubdub.objects"("regularizers", require("lubdub.core").regularizers)
