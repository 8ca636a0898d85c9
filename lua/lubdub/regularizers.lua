--- Penalties on weights, added to the loss, with Keras' names and options: `lubdub.regularizers.L2(0.01)`,
-- `lubdub.regularizers.L1L2 { l1 = 0.01, l2 = 0.01 }`. Layers take such an object, or its name ("l2"), as
-- kernel_regularizer or bias_regularizer. As in Keras the loss that fit and evaluate report holds the penalties.
-- @module lubdub.regularizers
return require "lubdub.objects"("regularizers", require("lubdub.core").regularizers)
