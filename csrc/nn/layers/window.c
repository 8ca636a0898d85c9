#include "nn/layers/window.h"

const char *const lub_padding_names[] = {"valid", "same", NULL};
const char *const lub_causal_padding_names[] = {"valid", "same", "causal", NULL};

lub_window lub_window_over(int64_t in, int64_t size, int64_t stride, int64_t dilation, int padding) {
  lub_window w = {.in = in, .size = size, .stride = stride, .dilation = dilation};
  int64_t extent = dilation * (size - 1) + 1;
  if (padding == LUB_SAME) {
    w.out = (in + stride - 1) / stride;
    int64_t pad = (w.out - 1) * stride + extent - in;
    w.before = pad > 0 ? pad / 2 : 0;
  } else if (padding == LUB_CAUSAL) {
    w.out = (in + stride - 1) / stride;
    w.before = extent - 1;
  } else {
    w.out = in >= extent ? (in - extent) / stride + 1 : 0;
  }
  return w;
}

lub_windows lub_windows_over(const lub_shape *in, const int64_t *size, const int64_t *strides, const int64_t *dilation,
                             int padding) {
  const int axes = in->ndim - 1;
  lub_window w[2] = {lub_window_over(1, 1, 1, 1, LUB_VALID)};
  for (int i = 0; i < axes; i++)
    w[i + 2 - axes] = lub_window_over(in->dim[i], size[i], strides[i], dilation ? dilation[i] : 1, padding);
  return (lub_windows){w[0], w[1]};
}

lub_span lub_span_of(const lub_windows *windows, int64_t row, int64_t i, int64_t j) {
  const lub_window *h = &windows->h, *w = &windows->w;
  const int64_t y = row * h->stride + i * h->dilation - h->before, shift = j * w->dilation - w->before;
  if (y < 0 || y >= h->in || shift >= w->in) return (lub_span){0};
  lub_span span = {.first = shift < 0 ? (w->stride - 1 - shift) / w->stride : 0,
                   .last = (w->in - 1 - shift) / w->stride + 1};
  if (span.last > w->out) span.last = w->out;
  if (span.first >= span.last) return (lub_span){0};
  span.pixel = y * w->in + span.first * w->stride + shift;
  return span;
}

lub_shape lub_windows_shape(const lub_windows *windows, const lub_shape *in, int64_t channels) {
  if (in->ndim == 2) return (lub_shape){.ndim = 2, .dim = {windows->w.out, channels}};
  return (lub_shape){.ndim = 3, .dim = {windows->h.out, windows->w.out, channels}};
}

lub_status lub_windows_check(const lub_windows *windows, const lub_shape *in, const char *layer, const char *what,
                             lub_error *err) {
  const lub_window *h = &windows->h, *w = &windows->w;
  if (h->out >= 1 && w->out >= 1) return LUB_OK;
  if (in->ndim == 2)
    return lub_fail(err, LUB_EARG, "%s: a %s of %lld does not fit into an input of %lld", layer, what,
                    (long long)w->size, (long long)w->in);
  return lub_fail(err, LUB_EARG, "%s: a %s of %lldx%lld does not fit into an input of %lldx%lld", layer, what,
                  (long long)h->size, (long long)w->size, (long long)h->in, (long long)w->in);
}

lub_status lub_wrong_input(const char *layer, const lub_shape *in, const char *expected, lub_error *err) {
  lub_shape batch = {.ndim = 1, .dim = {-1}};
  for (int i = 0; i < in->ndim && batch.ndim < LUB_MAX_DIMS; i++) batch.dim[batch.ndim++] = in->dim[i];
  char text[LUB_SHAPE_TEXT];
  return lub_fail(err, LUB_EARG, "%s: input must be %s, got %s", layer, expected, lub_shape_text(&batch, "N", text));
}

lub_status lub_check_input(const char *layer, const lub_shape *in, int ndim, const char *expected, lub_error *err) {
  bool fits = in->ndim == ndim;
  for (int i = 0; i < in->ndim; i++) fits = fits && in->dim[i] >= 1;
  return fits ? LUB_OK : lub_wrong_input(layer, in, expected, err);
}
