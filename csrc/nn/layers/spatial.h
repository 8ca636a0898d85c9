/* spatial.h - what SpatialDropout1D and 2D share: dropout of whole channels. */
#ifndef LUB_NN_LAYERS_SPATIAL_H
#define LUB_NN_LAYERS_SPATIAL_H

#include "nn/layers/kinds.h"

void lub_spatial_dropout_forward(const lub_pass *pass);
void lub_spatial_dropout_gradients(const lub_pass *pass);

#endif
