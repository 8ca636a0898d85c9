/* ZeroPadding2D: zeros above, below, left and right of (H, W, C); padding = 1, {rows, columns}, or {{above, below},
 * {left, right}}. */
#include "nn/layers/margins.h"

static const lub_option options[] = {{.name = "padding", .type = LUB_OPTION_PAIRS, .count = 2, .offset = offsetof(lub_margins, pair),
                                      .fallback = 1, .min = 0, .max = 1 << 20},
                                     LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  lub_status status = lub_check_input("zero_padding2d", in, 3, "(N, H, W, C)", err);
  return status == LUB_OK ? lub_margins_shape("zero_padding2d", layer->options, 1, in, out, err) : status;
}

const lub_layer_kind lub_zero_padding2d_kind = {.name = "ZeroPadding2D",
                                                .options = options,
                                                .options_size = sizeof(lub_margins),
                                                .activation_at = -1,
                                                .inputs = 1,
                                                .output_shape = output_shape,
                                                .forward = lub_pad_forward,
                                                .backward = lub_pad_backward};
