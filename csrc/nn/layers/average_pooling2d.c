/* AveragePooling2D: the mean of each window and channel of (H, W, C); with "same" padding, of its
 * real elements alone. (Keras wants a pool_size; here it is 2 as for the others.) */
#include "nn/layers/pooling.h"

static const lub_option options[] = {LUB_POOL_OPTIONS(2)};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  lub_status status = lub_check_input("average_pooling2d", in, 3, "(N, H, W, C)", err);
  return status == LUB_OK ? lub_pool_output_shape("average_pooling2d", layer, in, out, err) : status;
}

const lub_layer_kind lub_average_pooling2d_kind = {.name = "AveragePooling2D",
                                                   .options = options,
                                                   .options_size = sizeof(lub_pool_options),
                                                   .activation_at = -1,
                                                   .inputs = 1,
                                                   .output_shape = output_shape,
                                                   .scratch = lub_pool_scratch,
                                                   .forward = lub_average_pool_forward,
                                                   .backward = lub_average_pool_gradients};
