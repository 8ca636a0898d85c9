/* SpatialDropout2D (Tompson et al. 2015): dropout of whole channels of (H, W, C). Channel c of a sample is dropped
 * where lub_hash32(key, c) < rate * 2^32; the others are divided by 1 - rate. */
#include "nn/layers/spatial.h"

static const lub_option options[] = {LUB_RATE_OPTION, LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  *out = *in;
  return lub_check_input("spatial_dropout2d", in, 3, "(N, H, W, C)", err);
}

const lub_layer_kind lub_spatial_dropout2d_kind = {.name = "SpatialDropout2D",
                                                   .options = options,
                                                   .options_size = sizeof(lub_dropout_options),
                                                   .activation_at = -1,
                                                   .inputs = 1,
                                                   .training_only = true,
                                                   .output_shape = output_shape,
                                                   .forward = lub_spatial_dropout_forward,
                                                   .backward = lub_spatial_dropout_gradients};
