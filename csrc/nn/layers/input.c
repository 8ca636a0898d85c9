/* Input: the shape of one sample. It computes nothing; the planner takes it out. */
#include <string.h>

#include "nn/layers/kinds.h"

typedef struct input_options {
  lub_shape shape;
} input_options;

static const lub_option options[] = {
    {.name = "shape", .alias = "batch_shape", .type = LUB_OPTION_SHAPE, .offset = offsetof(input_options, shape), .required = true},
    LUB_OPTIONS_END};

static lub_status check(const void *o, lub_error *err) {
  const lub_shape *shape = &((const input_options *)o)->shape;
  if (shape->ndim < 1 || shape->ndim > LUB_MAX_DIMS - 1)
    return lub_fail(err, LUB_EARG, "Input: a shape of 1 to %d sizes is needed, got %d", LUB_MAX_DIMS - 1, shape->ndim);
  for (int i = 0; i < shape->ndim; i++)
    if (shape->dim[i] < 1) return lub_fail(err, LUB_EARG, "Input: sizes must be at least 1, got %lld", (long long)shape->dim[i]);
  return LUB_OK;
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_shape *shape = &((const input_options *)layer->options)->shape;
  if (!lub_shape_equal(shape, in)) {
    char wanted[LUB_SHAPE_TEXT], got[LUB_SHAPE_TEXT];
    return lub_fail(err, LUB_EARG, "input: samples of shape %s expected, got %s", lub_shape_text(shape, "N", wanted),
                    lub_shape_text(in, "N", got));
  }
  *out = *in;
  return LUB_OK;
}

static void forward(const lub_pass *pass) {
  memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)lub_shape_size(pass->in));
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  int64_t n = lub_shape_size(pass->in);
  for (int64_t i = 0; i < n; i++) pass->gx[0][i] += pass->gy[i];
}

const lub_layer_kind lub_input_kind = {.name = "Input",
                                       .options = options,
                                       .options_size = sizeof(input_options),
                                       .activation_at = -1,
                                       .inputs = 1,
                                       .check = check,
                                       .output_shape = output_shape,
                                       .forward = forward,
                                       .backward = backward};
