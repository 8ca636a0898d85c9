#include "nn/layers/pooling.h"

#include <math.h>

/* === windows === */

lub_windows lub_pool_windows(const lub_layer *layer, const lub_shape *in) {
  const lub_pool_options *o = layer->options;
  return lub_windows_over(in, o->pool_size, o->strides[0] == LUB_NONE_INT ? o->pool_size : o->strides, NULL, o->padding);
}

lub_status lub_pool_output_shape(const char *name, const lub_layer *layer, const lub_shape *in, lub_shape *out,
                                 lub_error *err) {
  lub_windows win = lub_pool_windows(layer, in);
  *out = lub_windows_shape(&win, in, in->dim[in->ndim - 1]);
  return lub_windows_check(&win, in, name, "pool", err);
}

/* a is what the maximum of a and b is: NaN wins over all. */
static inline bool wins(float a, float b) { return a > b || (a != a && b == b); }

void lub_max_pool_forward(const lub_pass *pass) {
  const lub_windows win = lub_pool_windows(pass->layer, pass->in);
  const int64_t channels = pass->in->dim[pass->in->ndim - 1];
  float *restrict y = pass->y;
  for (int64_t p = 0; p < win.h.out * win.w.out; p++, y += channels) {
    for (int64_t c = 0; c < channels; c++) y[c] = -INFINITY;
    for (lub_tap t = {.number = -1}; lub_next_tap(&win, p / win.w.out, p % win.w.out, &t);) {
      const float *restrict x = pass->x[0] + t.pixel * channels;
      for (int64_t c = 0; c < channels; c++) y[c] = wins(x[c], y[c]) ? x[c] : y[c];
    }
  }
}

/* Which pixel of the window over output pixel p holds the largest value of channel c; the first of several. */
static int64_t find_largest(const lub_windows *win, const float *x, int64_t p, int64_t channels, int64_t c) {
  int64_t best = -1;
  for (lub_tap t = {.number = -1}; lub_next_tap(win, p / win->w.out, p % win->w.out, &t);)
    if (best < 0 || wins(x[t.pixel * channels + c], x[best * channels + c])) best = t.pixel;
  return best;
}

void lub_max_pool_gradients(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const lub_windows win = lub_pool_windows(pass->layer, pass->in);
  const int64_t channels = pass->in->dim[pass->in->ndim - 1];
  const float *gy = pass->gy;
  for (int64_t p = 0; p < win.h.out * win.w.out; p++)
    for (int64_t c = 0; c < channels; c++)
      pass->gx[0][find_largest(&win, pass->x[0], p, channels, c) * channels + c] += *gy++;
}

static float share_of_one(const lub_windows *win, int64_t p) {
  int count = 0;
  for (lub_tap t = {.number = -1}; lub_next_tap(win, p / win->w.out, p % win->w.out, &t);) count++;
  return 1 / (float)count;
}

void lub_average_pool_forward(const lub_pass *pass) {
  const lub_windows win = lub_pool_windows(pass->layer, pass->in);
  const int64_t channels = pass->in->dim[pass->in->ndim - 1];
  float *restrict y = pass->y;
  for (int64_t p = 0; p < win.h.out * win.w.out; p++, y += channels) {
    const float share = share_of_one(&win, p);
    for (int64_t c = 0; c < channels; c++) y[c] = 0;
    for (lub_tap t = {.number = -1}; lub_next_tap(&win, p / win.w.out, p % win.w.out, &t);) {
      const float *restrict x = pass->x[0] + t.pixel * channels;
      for (int64_t c = 0; c < channels; c++) y[c] += x[c];
    }
    for (int64_t c = 0; c < channels; c++) y[c] *= share;
  }
}

void lub_average_pool_gradients(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const lub_windows win = lub_pool_windows(pass->layer, pass->in);
  const int64_t channels = pass->in->dim[pass->in->ndim - 1];
  const float *restrict gy = pass->gy;
  for (int64_t p = 0; p < win.h.out * win.w.out; p++, gy += channels) {
    const float share = share_of_one(&win, p);
    for (lub_tap t = {.number = -1}; lub_next_tap(&win, p / win.w.out, p % win.w.out, &t);) {
      float *restrict gx = pass->gx[0] + t.pixel * channels;
      for (int64_t c = 0; c < channels; c++) gx[c] += share * gy[c];
    }
  }
}

/* === global === */

lub_status lub_global_pool_output_shape(const char *name, const char *expected, int rank, const lub_layer *layer,
                                        const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_global_pool_options *o = layer->options;
  lub_status status = lub_check_input(name, in, rank + 1, expected, err);
  if (status != LUB_OK) return status;
  *out = (lub_shape){.ndim = 0};
  for (int i = 0; i < rank && o->keepdims; i++) out->dim[out->ndim++] = 1;
  out->dim[out->ndim++] = in->dim[rank];
  return LUB_OK;
}

/* All pixels of a sample. */
typedef struct field {
  int64_t pixels, channels;
} field;

static field field_of(const lub_pass *pass) {
  const int64_t channels = pass->in->dim[pass->in->ndim - 1];
  return (field){lub_shape_size(pass->in) / channels, channels};
}

void lub_global_average_forward(const lub_pass *pass) {
  const field f = field_of(pass);
  const float share = 1 / (float)f.pixels;
  float *restrict y = pass->y;
  for (int64_t c = 0; c < f.channels; c++) y[c] = 0;
  for (int64_t p = 0; p < f.pixels; p++)
    for (int64_t c = 0; c < f.channels; c++) y[c] += pass->x[0][p * f.channels + c];
  for (int64_t c = 0; c < f.channels; c++) y[c] *= share;
}

void lub_global_average_gradients(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const field f = field_of(pass);
  const float share = 1 / (float)f.pixels;
  float *restrict gx = pass->gx[0];
  for (int64_t p = 0; p < f.pixels; p++)
    for (int64_t c = 0; c < f.channels; c++) gx[p * f.channels + c] += pass->gy[c] * share;
}

void lub_global_max_forward(const lub_pass *pass) {
  const field f = field_of(pass);
  float *restrict y = pass->y;
  for (int64_t c = 0; c < f.channels; c++) y[c] = pass->x[0][c];
  for (int64_t p = 1; p < f.pixels; p++) {
    const float *restrict x = pass->x[0] + p * f.channels;
    for (int64_t c = 0; c < f.channels; c++) y[c] = wins(x[c], y[c]) ? x[c] : y[c];
  }
}

void lub_global_max_gradients(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const field f = field_of(pass);
  for (int64_t c = 0; c < f.channels; c++) {
    int64_t best = 0;
    for (int64_t p = 1; p < f.pixels; p++)
      if (wins(pass->x[0][p * f.channels + c], pass->x[0][best * f.channels + c])) best = p;
    pass->gx[0][best * f.channels + c] += pass->gy[c];
  }
}
