/* Conv2D: y[h][w][o] = bias[o] + sum over i, j, c of x[h*sh + i*dh - ph][w*sw + j*dw - pw][c] * kernel[i][j][c][o],
 * a cross-correlation as in Keras; x is (H, W, C), the kernel (kh, kw, C / groups, O), y (H', W', O). With groups, the
 * g-th O / groups filters see the g-th C / groups channels alone. */
#include "nn/layers/convolution.h"

static const lub_option options[] = {LUB_CONV_OPTIONS(2, lub_padding_names)};

static lub_status check(const void *o, lub_error *err) { return lub_conv_check("Conv2D", 2, o, err); }

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  return lub_conv_output_shape("conv2d", "(N, H, W, C)", 2, layer, in, out, err);
}

const lub_layer_kind lub_conv2d_kind = {.name = "Conv2D",
                                        .options = options,
                                        .options_size = sizeof(lub_conv_options),
                                        .activation_at = offsetof(lub_conv_options, activation),
                                        .inputs = 1,
                                        .check = check,
                                        .output_shape = output_shape,
                                        .params = lub_conv_params,
                                        .scratch = lub_conv_scratch,
                                        .forward = lub_conv_forward,
                                        .backward = lub_conv_gradients};
