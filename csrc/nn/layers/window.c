#include <stdio.h>

#include "nn/layers/kinds.h"

const char *const lub_padding_names[] = {"valid", "same", NULL};

lub_window lub_window_over(int64_t in, int64_t size, int64_t stride, int64_t dilation, int padding) {
  lub_window w = {.in = in, .size = size, .stride = stride, .dilation = dilation};
  int64_t extent = dilation * (size - 1) + 1;
  if (padding == LUB_SAME) {
    w.out = (in + stride - 1) / stride;
    int64_t pad = (w.out - 1) * stride + extent - in;
    w.before = pad > 0 ? pad / 2 : 0;
  } else {
    w.out = in >= extent ? (in - extent) / stride + 1 : 0;
  }
  return w;
}

lub_status lub_check_input(const char *layer, const lub_shape *in, int ndim, const char *expected, lub_error *err) {
  bool fits = in->ndim == ndim;
  for (int i = 0; i < in->ndim; i++) fits = fits && in->dim[i] >= 1;
  if (fits) return LUB_OK;
  lub_shape batch = {.ndim = 1, .dim = {-1}};
  for (int i = 0; i < in->ndim && batch.ndim < LUB_MAX_DIMS; i++) batch.dim[batch.ndim++] = in->dim[i];
  char text[LUB_SHAPE_TEXT];
  return lub_fail(err, LUB_EARG, "%s: input must be %s, got %s", layer, expected, lub_shape_text(&batch, "N", text));
}
