/* Softmax: along the last axis, as a layer of its own. The stage applies it; what is left here is the identity. */
#include <string.h>

#include "nn/layers/kinds.h"

typedef struct softmax_options {
  int64_t axis;
} softmax_options;

static const lub_option options[] = {
    {.name = "axis", .type = LUB_OPTION_INT, .offset = offsetof(softmax_options, axis), .fallback = -1},
    LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  *out = *in;
  return lub_check_last_axis("softmax", ((const softmax_options *)layer->options)->axis, in, err);
}

static void forward(const lub_pass *pass) {
  memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)lub_shape_size(pass->in));
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const int64_t n = lub_shape_size(pass->in);
  for (int64_t i = 0; i < n; i++) pass->gx[0][i] += pass->gy[i];
}

const lub_layer_kind lub_softmax_kind = {.name = "Softmax",
                                         .options = options,
                                         .options_size = sizeof(softmax_options),
                                         .activation_at = -1,
                                         .activation = LUB_SOFTMAX,
                                         .inputs = 1,
                                         .output_shape = output_shape,
                                         .forward = forward,
                                         .backward = backward};
