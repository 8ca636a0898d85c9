/* Permute: axis i of the output is axis dims[i] of the input, counted from 1 without the batch, as in Keras. */
#include <stdio.h>

#include "nn/layers/kinds.h"

typedef struct permute_options {
  lub_shape dims;
} permute_options;

static const lub_option options[] = {
    {.name = "dims", .type = LUB_OPTION_SHAPE, .offset = offsetof(permute_options, dims), .required = true},
    LUB_OPTIONS_END};

static lub_status check(const void *o, lub_error *err) {
  const lub_shape *dims = &((const permute_options *)o)->dims;
  unsigned seen = 0;
  for (int i = 0; i < dims->ndim; i++)
    if (dims->dim[i] >= 1 && dims->dim[i] <= dims->ndim) seen |= 1u << dims->dim[i];
  if (dims->ndim >= 1 && seen == (2u << dims->ndim) - 2) return LUB_OK;
  char text[LUB_SHAPE_TEXT];
  return lub_fail(err, LUB_EARG, "Permute: dims must be the axes 1, 2, ... in any order, got %s",
                  lub_shape_text(dims, "?", text));
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_shape *dims = &((const permute_options *)layer->options)->dims;
  char expected[48];
  snprintf(expected, sizeof expected, "of %d axes beside the batch", dims->ndim);
  lub_status status = lub_check_input("permute", in, dims->ndim, expected, err);
  if (status != LUB_OK) return status;
  *out = *in;
  for (int i = 0; i < out->ndim; i++) out->dim[i] = in->dim[dims->dim[i] - 1];
  return LUB_OK;
}

/* Where the input's element lies for each place of the output, in the output's order: a counter of its axes. */
typedef struct walk {
  const lub_shape *out;
  int64_t step[LUB_MAX_DIMS]; /* of the input, along the output's axes */
  int64_t at[LUB_MAX_DIMS], place;
} walk;

static walk begin(const lub_pass *pass) {
  const lub_shape *dims = &((const permute_options *)pass->layer->options)->dims;
  int64_t step[LUB_MAX_DIMS], size = 1;
  for (int i = pass->in->ndim - 1; i >= 0; i--) step[i] = size, size *= pass->in->dim[i];
  walk w = {.out = pass->out};
  for (int i = 0; i < dims->ndim; i++) w.step[i] = step[dims->dim[i] - 1];
  return w;
}

/* To the next row (run along the last axis) of the output. */
static void next_row(walk *w) {
  for (int i = w->out->ndim - 2; i >= 0; i--) {
    w->place += w->step[i];
    if (++w->at[i] < w->out->dim[i]) return;
    w->place -= w->step[i] * w->out->dim[i];
    w->at[i] = 0;
  }
}

static void forward(const lub_pass *pass) {
  const int64_t n = lub_shape_size(pass->out), width = pass->out->dim[pass->out->ndim - 1];
  walk w = begin(pass);
  const int64_t step = w.step[pass->out->ndim - 1];
  for (int64_t i = 0; i < n; i += width, next_row(&w))
    for (int64_t j = 0; j < width; j++) pass->y[i + j] = pass->x[0][w.place + j * step];
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const int64_t n = lub_shape_size(pass->out), width = pass->out->dim[pass->out->ndim - 1];
  walk w = begin(pass);
  const int64_t step = w.step[pass->out->ndim - 1];
  for (int64_t i = 0; i < n; i += width, next_row(&w))
    for (int64_t j = 0; j < width; j++) pass->gx[0][w.place + j * step] += pass->gy[i + j];
}

const lub_layer_kind lub_permute_kind = {.name = "Permute",
                                         .options = options,
                                         .options_size = sizeof(permute_options),
                                         .activation_at = -1,
                                         .inputs = 1,
                                         .check = check,
                                         .output_shape = output_shape,
                                         .forward = forward,
                                         .backward = backward};
