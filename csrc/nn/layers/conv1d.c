/* Conv1D: y[t][o] = bias[o] + sum over i, c of x[t*s + i*d - p][c] * kernel[i][c][o], a cross-correlation as in Keras;
 * x is (T, C), the kernel (k, C / groups, O), y (T', O). With groups, the g-th O / groups filters see the g-th
 * C / groups channels alone. "causal" puts all padding in front, so that no output sees what comes later. */
#include "nn/layers/convolution.h"

static const lub_option options[] = {LUB_CONV_OPTIONS(1, lub_causal_padding_names)};

static lub_status check(const void *o, lub_error *err) { return lub_conv_check("Conv1D", 1, o, err); }

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  return lub_conv_output_shape("conv1d", "(N, T, C)", 1, layer, in, out, err);
}

const lub_layer_kind lub_conv1d_kind = {.name = "Conv1D",
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
