/* GlobalMaxPooling2D: the largest value of each channel; (H, W, C) -> (C), or (1, 1, C) with keepdims. The first place
 * (in row-major order) that holds it takes the gradient. */
#include "nn/layers/pooling.h"

static const lub_option options[] = {LUB_GLOBAL_POOL_OPTIONS};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  return lub_global_pool_output_shape("global_max_pooling2d", "(N, H, W, C)", 2, layer, in, out, err);
}

const lub_layer_kind lub_global_max_pooling2d_kind = {.name = "GlobalMaxPooling2D",
                                                      .options = options,
                                                      .options_size = sizeof(lub_global_pool_options),
                                                      .activation_at = -1,
                                                      .inputs = 1,
                                                      .output_shape = output_shape,
                                                      .forward = lub_global_max_forward,
                                                      .backward = lub_global_max_gradients};
