/* Reshape: the same numbers in another shape; a size of -1 is what is left over. */
#include <string.h>

#include "nn/layers/kinds.h"

typedef struct reshape_options {
  lub_shape target_shape;
} reshape_options;

static const lub_option options[] = {{.name = "target_shape", .type = LUB_OPTION_SHAPE, .negative = true,
                                      .offset = offsetof(reshape_options, target_shape), .required = true},
                                     LUB_OPTIONS_END};

static lub_status check(const void *o, lub_error *err) {
  const lub_shape *target = &((const reshape_options *)o)->target_shape;
  int open = 0;
  for (int i = 0; i < target->ndim; i++) {
    open += target->dim[i] == -1;
    if (target->dim[i] == 0 || open > 1)
      return lub_fail(err, LUB_EARG, "Reshape: target_shape must have sizes of at least 1, and one -1 at most");
  }
  if (target->ndim < 1 || target->ndim > LUB_MAX_DIMS - 1)
    return lub_fail(err, LUB_EARG, "Reshape: target_shape must have 1 to %d sizes, got %d", LUB_MAX_DIMS - 1, target->ndim);
  return LUB_OK;
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_shape *target = &((const reshape_options *)layer->options)->target_shape;
  int64_t size = lub_shape_size(in);
  lub_shape known = {.ndim = 0};
  for (int i = 0; i < target->ndim; i++)
    if (target->dim[i] > 0) known.dim[known.ndim++] = target->dim[i];
  int64_t rest = lub_shape_size(&known);
  bool open = known.ndim < target->ndim;
  if (size < 1 || rest < 1 || (open ? size % rest != 0 : size != rest)) {
    char from[LUB_SHAPE_TEXT], to[LUB_SHAPE_TEXT];
    return lub_fail(err, LUB_EARG, "reshape: an input of %s has not the size of target_shape %s",
                    lub_shape_text(in, "-1", from), lub_shape_text(target, "-1", to));
  }
  *out = *target;
  for (int i = 0; i < out->ndim; i++)
    if (out->dim[i] == -1) out->dim[i] = size / rest;
  return LUB_OK;
}

static void forward(const lub_pass *pass) {
  memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)lub_shape_size(pass->out));
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const int64_t n = lub_shape_size(pass->out);
  for (int64_t i = 0; i < n; i++) pass->gx[0][i] += pass->gy[i];
}

const lub_layer_kind lub_reshape_kind = {.name = "Reshape",
                                         .options = options,
                                         .options_size = sizeof(reshape_options),
                                         .activation_at = -1,
                                         .inputs = 1,
                                         .check = check,
                                         .output_shape = output_shape,
                                         .forward = forward,
                                         .backward = backward};
