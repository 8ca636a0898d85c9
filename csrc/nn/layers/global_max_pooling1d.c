/* GlobalMaxPooling1D: the largest value of each channel; (T, C) -> (C), or (1, C) with keepdims. The first place that
 * holds it takes the gradient. */
#include "nn/layers/pooling.h"

static const lub_option options[] = {LUB_GLOBAL_POOL_OPTIONS};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  return lub_global_pool_output_shape("global_max_pooling1d", "(N, T, C)", 1, layer, in, out, err);
}

const lub_layer_kind lub_global_max_pooling1d_kind = {.name = "GlobalMaxPooling1D",
                                                      .options = options,
                                                      .options_size = sizeof(lub_global_pool_options),
                                                      .activation_at = -1,
                                                      .inputs = 1,
                                                      .output_shape = output_shape,
                                                      .forward = lub_global_max_forward,
                                                      .backward = lub_global_max_gradients};
