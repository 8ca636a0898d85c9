/* GlobalAveragePooling2D: the mean over height and width of each channel; (H, W, C) -> (C), or (1, 1, C) with
 * keepdims. */
#include "nn/layers/pooling.h"

static const lub_option options[] = {LUB_GLOBAL_POOL_OPTIONS};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  return lub_global_pool_output_shape("global_average_pooling2d", "(N, H, W, C)", 2, layer, in, out, err);
}

const lub_layer_kind lub_global_average_pooling2d_kind = {.name = "GlobalAveragePooling2D",
                                                          .options = options,
                                                          .options_size = sizeof(lub_global_pool_options),
                                                          .activation_at = -1,
                                                          .inputs = 1,
                                                          .output_shape = output_shape,
                                                          .forward = lub_global_average_forward,
                                                          .backward = lub_global_average_gradients};
