/* Flatten: the same numbers as one row. */
#include <string.h>

#include "nn/layers/kinds.h"

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  int64_t size = lub_shape_size(in);
  if (size < 0) return lub_fail(err, LUB_EARG, "flatten: the input's size overflows");
  *out = (lub_shape){.ndim = 1, .dim = {size}};
  return LUB_OK;
}

static void forward(const lub_pass *pass) {
  memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)pass->out->dim[0]);
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  for (int64_t i = 0; i < pass->out->dim[0]; i++) pass->gx[0][i] += pass->gy[i];
}

static const lub_option options[] = {LUB_OPTIONS_END};

const lub_layer_kind lub_flatten_kind = {.name = "Flatten",
                                         .options = options,
                                         .activation_at = -1,
                                         .inputs = 1,
                                         .output_shape = output_shape,
                                         .forward = forward,
                                         .backward = backward};
