/* Cropping2D: cuts off what is above, below, left and right of (H, W, C); cropping = 1, {rows, columns}, or {{above,
 * below}, {left, right}}. */
#include "nn/layers/margins.h"

static const lub_option options[] = {{.name = "cropping", .type = LUB_OPTION_PAIRS, .count = 2, .offset = offsetof(lub_margins, pair),
                                      .fallback = 0, .min = 0, .max = 1 << 20},
                                     LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  lub_status status = lub_check_input("cropping2d", in, 3, "(N, H, W, C)", err);
  return status == LUB_OK ? lub_margins_shape("cropping2d", layer->options, -1, in, out, err) : status;
}

const lub_layer_kind lub_cropping2d_kind = {.name = "Cropping2D",
                                            .options = options,
                                            .options_size = sizeof(lub_margins),
                                            .activation_at = -1,
                                            .inputs = 1,
                                            .output_shape = output_shape,
                                            .forward = lub_crop_forward,
                                            .backward = lub_crop_backward};
