/* Concatenate: its inputs one behind the other along an axis. */
#include <string.h>

#include "nn/layers/axes.h"

typedef struct concatenate_options {
  int64_t axis; /* counted from 1, the batch's axis with it; negative: from the end */
} concatenate_options;

static const lub_option options[] = {
    {.name = "axis", .type = LUB_OPTION_INT, .offset = offsetof(concatenate_options, axis), .fallback = -1},
    LUB_OPTIONS_END};

/* The axis of a sample's shape, from 0. */
static int axis_of(const lub_layer *layer, const lub_shape *in) {
  return lub_axis_at(((const concatenate_options *)layer->options)->axis, in);
}

static lub_status merged_shape(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err) {
  lub_status status = lub_check_axis("concatenate", ((const concatenate_options *)layer->options)->axis, in, err);
  if (status != LUB_OK) return status;
  const int axis = axis_of(layer, in);
  char first[LUB_SHAPE_TEXT], other[LUB_SHAPE_TEXT];
  *out = in[0];
  for (int k = 1; k < n; k++) {
    bool fits = in[k].ndim == in->ndim;
    for (int i = 0; i < in->ndim && fits; i++) fits = i == axis || in[k].dim[i] == in->dim[i];
    if (!fits)
      return lub_fail(err, LUB_EARG,
                      "concatenate: inputs must have the same shape but for axis %d, got samples of %s and %s",
                      axis + 2, lub_shape_text(in, "?", first), lub_shape_text(&in[k], "?", other));
    out->dim[axis] += in[k].dim[axis];
  }
  return LUB_OK;
}

/* Input k is made of `runs` of n floats, which stand every `step` in the output, from `first` on. */
typedef struct place {
  int64_t runs, n, step, first;
} place;

static place place_of(const lub_pass *pass, int k) {
  const int axis = axis_of(pass->layer, pass->in);
  int64_t inner = 1;
  for (int i = axis + 1; i < pass->out->ndim; i++) inner *= pass->out->dim[i];
  place p = {.n = inner * pass->in[k].dim[axis], .step = inner * pass->out->dim[axis]};
  p.runs = lub_shape_size(pass->out) / p.step;
  for (int j = 0; j < k; j++) p.first += inner * pass->in[j].dim[axis];
  return p;
}

static void forward(const lub_pass *pass) {
  for (int k = 0; k < pass->ninputs; k++) {
    const place p = place_of(pass, k);
    for (int64_t r = 0; r < p.runs; r++)
      memcpy(pass->y + p.first + r * p.step, pass->x[k] + r * p.n, sizeof(float) * (size_t)p.n);
  }
}

static void backward(const lub_pass *pass) {
  for (int k = 0; k < pass->ninputs; k++) {
    if (!pass->gx[k]) continue;
    const place p = place_of(pass, k);
    for (int64_t r = 0; r < p.runs; r++)
      for (int64_t i = 0; i < p.n; i++) pass->gx[k][r * p.n + i] += pass->gy[p.first + r * p.step + i];
  }
}

const lub_layer_kind lub_concatenate_kind = {.name = "Concatenate",
                                             .options = options,
                                             .options_size = sizeof(concatenate_options),
                                             .activation_at = -1,
                                             .inputs = LUB_MANY_INPUTS,
                                             .merged_shape = merged_shape,
                                             .forward = forward,
                                             .backward = backward};
