#include "nn/layers/pooling.h"

#include <math.h>
#include <string.h>

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

/* Calls work for every tap and output row: n pixels, where x and y (an index of floats) begin, and x's step. */
typedef void row_work(const lub_pass *pass, int64_t n, int64_t x, int64_t x_step, int64_t y, int64_t channels);

static void each_row(const lub_pass *pass, row_work *work) {
  const lub_windows win = lub_pool_windows(pass->layer, pass->in);
  const int64_t channels = pass->in->dim[pass->in->ndim - 1];
  for (int64_t row = 0; row < win.h.out; row++)
    for (int64_t tap = 0; tap < win.h.size * win.w.size; tap++) {
      const lub_span span = lub_span_of(&win, row, tap / win.w.size, tap % win.w.size);
      if (span.first < span.last)
        work(pass, span.last - span.first, span.pixel * channels, win.w.stride * channels,
             (row * win.w.out + span.first) * channels, channels);
    }
}

static void take_larger(const lub_pass *pass, int64_t n, int64_t x, int64_t x_step, int64_t y, int64_t channels) {
  for (int64_t p = 0; p < n; p++) {
    const float *restrict from = pass->x[0] + x + p * x_step;
    float *restrict to = pass->y + y + p * channels;
    for (int64_t c = 0; c < channels; c++) to[c] = wins(from[c], to[c]) ? from[c] : to[c];
  }
}

void lub_max_pool_forward(const lub_pass *pass) {
  const int64_t n = lub_shape_size(pass->out);
  for (int64_t i = 0; i < n; i++) pass->y[i] = -INFINITY;
  each_row(pass, take_larger);
}

int64_t lub_pool_scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out) {
  (void)layer, (void)in;
  return lub_shape_size(out);
}

/* The first place that holds the largest value takes the gradient out of scratch. */
static void give_gradient(const lub_pass *pass, int64_t n, int64_t x, int64_t x_step, int64_t y, int64_t channels) {
  for (int64_t p = 0; p < n; p++) {
    const float *restrict from = pass->x[0] + x + p * x_step, *restrict to = pass->y + y + p * channels;
    float *restrict gx = pass->gx[0] + x + p * x_step, *restrict g = pass->scratch + y + p * channels;
    for (int64_t c = 0; c < channels; c++) {
      const bool here = from[c] == to[c] || (from[c] != from[c] && to[c] != to[c]);
      gx[c] += here ? g[c] : 0;
      g[c] = here ? 0 : g[c];
    }
  }
}

void lub_max_pool_gradients(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  memcpy(pass->scratch, pass->gy, sizeof(float) * (size_t)lub_shape_size(pass->out));
  each_row(pass, give_gradient);
}

/* 1 / (how many real elements there are) along one axis, for its place `at` of the output. */
static float share_of(const lub_window *w, int64_t at) {
  const int64_t first = at * w->stride - w->before, last = first + w->size;
  return 1 / (float)((last < w->in ? last : w->in) - (first > 0 ? first : 0));
}

/* y = x times the share of each output pixel. */
static void scale_by_shares(const lub_pass *pass, const float *x, float *y) {
  const lub_windows win = lub_pool_windows(pass->layer, pass->in);
  const int64_t channels = pass->in->dim[pass->in->ndim - 1];
  for (int64_t row = 0; row < win.h.out; row++)
    for (int64_t column = 0; column < win.w.out; column++) {
      const float share = share_of(&win.h, row) * share_of(&win.w, column);
      for (int64_t c = 0; c < channels; c++) *y++ = *x++ * share;
    }
}

static void add_values(const lub_pass *pass, int64_t n, int64_t x, int64_t x_step, int64_t y, int64_t channels) {
  for (int64_t p = 0; p < n; p++) {
    const float *restrict from = pass->x[0] + x + p * x_step;
    float *restrict to = pass->y + y + p * channels;
    for (int64_t c = 0; c < channels; c++) to[c] += from[c];
  }
}

void lub_average_pool_forward(const lub_pass *pass) {
  memset(pass->y, 0, sizeof(float) * (size_t)lub_shape_size(pass->out));
  each_row(pass, add_values);
  scale_by_shares(pass, pass->y, pass->y);
}

static void spread_gradient(const lub_pass *pass, int64_t n, int64_t x, int64_t x_step, int64_t y, int64_t channels) {
  for (int64_t p = 0; p < n; p++) {
    const float *restrict g = pass->scratch + y + p * channels;
    float *restrict gx = pass->gx[0] + x + p * x_step;
    for (int64_t c = 0; c < channels; c++) gx[c] += g[c];
  }
}

void lub_average_pool_gradients(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  scale_by_shares(pass, pass->gy, pass->scratch);
  each_row(pass, spread_gradient);
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
