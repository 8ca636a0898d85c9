#include "nn/layers/convolution.h"

#include <stdio.h>
#include <string.h>

/* === innermost loops: over output channels, which gcc makes vectors of === */

/* y[0..n-1] += sum over c of x[c] * k[c * stride + 0..n-1]; in blocks that stay in registers. */
static void add_products(float *restrict y, const float *restrict x, const float *restrict k, int64_t channels,
                         int64_t stride, int64_t n) {
  enum { BLOCK = 16 };
  int64_t o = 0;
  for (; o + BLOCK <= n; o += BLOCK) {
    float sum[BLOCK];
    for (int j = 0; j < BLOCK; j++) sum[j] = y[o + j];
    for (int64_t c = 0; c < channels; c++)
      for (int j = 0; j < BLOCK; j++) sum[j] += x[c] * k[c * stride + o + j];
    for (int j = 0; j < BLOCK; j++) y[o + j] = sum[j];
  }
  for (int64_t c = 0; c < channels && o < n; c++)
    for (int64_t j = o; j < n; j++) y[j] += x[c] * k[c * stride + j];
}

static void add_scaled(float *restrict y, const float *restrict x, float scale, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] += scale * x[i];
}

/* In eight sums, of one vector register or two. */
static float dot(const float *a, const float *b, int64_t n) {
  enum { LANES = 8 };
  float sum[LANES] = {0}, rest = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) sum[k] += a[i + k] * b[i + k];
  for (; i < n; i++) rest += a[i] * b[i];
  for (int k = 0; k < LANES; k++) rest += sum[k];
  return rest;
}

void lub_add_bias(float *y, const float *bias, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; r++) add_scaled(y + r * n, bias, 1, n);
}

void lub_add_bias_gradient(float *gbias, const float *gy, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; r++) add_scaled(gbias, gy + r * n, 1, n);
}

/* === one pixel === */

void lub_rows_times(const float *x, const float *w, float *y, int64_t rows, int64_t in, int64_t out) {
  for (int64_t i = 0; i < rows * out; i++) y[i] = 0;
  for (int64_t r = 0; r < rows; r++) add_products(y + r * out, x + r * in, w, in, out, out);
}

void lub_rows_times_gradients(const float *x, const float *w, const float *gy, float *gx, float *gw, int64_t rows,
                              int64_t in, int64_t out) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < in; i++) {
      add_scaled(gw + i * out, gy + r * out, x[r * in + i], out);
      if (gx) gx[r * in + i] += dot(gy + r * out, w + i * out, out);
    }
}

/* === Conv1D and Conv2D === */

bool lub_is_conv(const lub_layer *layer) {
  return layer->kind == &lub_conv1d_kind || layer->kind == &lub_conv2d_kind;
}

lub_windows lub_conv_windows(const lub_layer *layer, const lub_shape *in) {
  const lub_conv_options *o = layer->options;
  return lub_windows_over(in, o->kernel_size, o->strides, o->dilation_rate, o->padding);
}

lub_status lub_conv_check(const char *name, int rank, const lub_conv_options *o, lub_error *err) {
  bool strided = false, dilated = false;
  for (int i = 0; i < rank; i++) strided = strided || o->strides[i] > 1, dilated = dilated || o->dilation_rate[i] > 1;
  if (strided && dilated) return lub_fail(err, LUB_EARG, "%s: strides and dilation_rate cannot both be above 1", name);
  if (o->filters % o->groups != 0)
    return lub_fail(err, LUB_EARG, "%s: %lld filters cannot be divided into %lld groups", name, (long long)o->filters,
                    (long long)o->groups);
  return LUB_OK;
}

lub_status lub_conv_output_shape(const char *name, const char *expected, int rank, const lub_layer *layer,
                                 const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_conv_options *o = layer->options;
  lub_status status = lub_check_input(name, in, rank + 1, expected, err);
  if (status != LUB_OK) return status;
  const int64_t channels = in->dim[rank];
  if (layer->built && layer->param[0].shape.dim[rank] * o->groups != channels) {
    char wanted[64]; /* `expected` with a number for C */
    snprintf(wanted, sizeof wanted, "%.*s%lld)", (int)strlen(expected) - 2, expected,
             (long long)(layer->param[0].shape.dim[rank] * o->groups));
    return lub_wrong_input(name, in, wanted, err);
  }
  if (channels % o->groups != 0)
    return lub_fail(err, LUB_EARG, "%s: %lld channels cannot be divided into %lld groups", name, (long long)channels,
                    (long long)o->groups);
  lub_windows win = lub_conv_windows(layer, in);
  *out = lub_windows_shape(&win, in, o->filters);
  return lub_windows_check(&win, in, name, "kernel", err);
}

int lub_conv_params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const lub_conv_options *o = layer->options;
  const int rank = in->ndim - 1;
  int64_t area = 1, channels = in->dim[rank] / o->groups;
  lub_shape shape = {.ndim = rank + 2};
  for (int i = 0; i < rank; i++) area *= shape.dim[i] = o->kernel_size[i];
  shape.dim[rank] = channels, shape.dim[rank + 1] = o->filters;
  param[0] = (lub_param){.name = "kernel", .shape = shape, .initialized_by = &o->kernel_initializer,
                         .regularizer = &o->kernel_regularizer, .fan_in = area * channels,
                         .fan_out = area * o->filters, .trainable = true};
  if (!o->use_bias) return 1;
  param[1] = (lub_param){.name = "bias", .shape = {1, {o->filters}},
                         .initialized_by = &o->bias_initializer, .regularizer = &o->bias_regularizer,
                         .fan_in = o->filters, .fan_out = o->filters, .trainable = true};
  return 2;
}

/* How channels and filters are divided: group g takes channels g * in .. and makes filters g * out .. */
typedef struct division {
  int64_t groups, in, out, channels, filters;
} division;

static division division_of(const lub_pass *pass) {
  const lub_conv_options *o = pass->layer->options;
  int64_t channels = pass->in->dim[pass->in->ndim - 1];
  return (division){o->groups, channels / o->groups, o->filters / o->groups, channels, o->filters};
}

void lub_conv_forward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const lub_windows win = lub_conv_windows(layer, pass->in);
  const division d = division_of(pass);
  const int64_t pixels = win.h.out * win.w.out;
  for (int64_t p = 0; p < pixels; p++) {
    float *y = pass->y + p * d.filters;
    for (int64_t o = 0; o < d.filters; o++) y[o] = 0;
    for (lub_tap t = {.number = -1}; lub_next_tap(&win, p / win.w.out, p % win.w.out, &t);) {
      const float *x = pass->x[0] + t.pixel * d.channels, *kernel = layer->param[0].value + t.number * d.in * d.filters;
      for (int64_t g = 0; g < d.groups; g++)
        add_products(y + g * d.out, x + g * d.in, kernel + g * d.out, d.in, d.filters, d.out);
    }
  }
  if (layer->nparams > 1) lub_add_bias(pass->y, layer->param[1].value, pixels, d.filters);
}

/* One group of one tap at one pixel. */
static void add_gradients(const division *d, const float *x, const float *kernel, const float *gy, float *gx, float *gk) {
  for (int64_t c = 0; c < d->in; c++) {
    add_scaled(gk + c * d->filters, gy, x[c], d->out);
    if (gx) gx[c] += dot(gy, kernel + c * d->filters, d->out);
  }
}

void lub_conv_gradients(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const lub_windows win = lub_conv_windows(layer, pass->in);
  const division d = division_of(pass);
  const int64_t pixels = win.h.out * win.w.out;
  if (layer->nparams > 1) lub_add_bias_gradient(pass->gparam[1], pass->gy, pixels, d.filters);
  for (int64_t p = 0; p < pixels; p++)
    for (lub_tap t = {.number = -1}; lub_next_tap(&win, p / win.w.out, p % win.w.out, &t);)
      for (int64_t g = 0; g < d.groups; g++) {
        const int64_t x = t.pixel * d.channels + g * d.in, k = t.number * d.in * d.filters + g * d.out;
        add_gradients(&d, pass->x[0] + x, layer->param[0].value + k, pass->gy + p * d.filters + g * d.out,
                      pass->gx[0] ? pass->gx[0] + x : NULL, pass->gparam[0] + k);
      }
}

/* === depthwise === */

/* y[c * m + k] += x[c] * w[c * m + k] */
static void add_channels(float *restrict y, const float *restrict x, const float *restrict w, int64_t channels,
                         int64_t m) {
  if (m == 1) {
    for (int64_t c = 0; c < channels; c++) y[c] += x[c] * w[c];
    return;
  }
  for (int64_t c = 0; c < channels; c++) add_scaled(y + c * m, w + c * m, x[c], m);
}

/* gx[c] += sum over k of gy[c * m + k] * w[c * m + k] */
static void gather_channels(float *restrict gx, const float *restrict gy, const float *restrict w, int64_t channels,
                            int64_t m) {
  if (m == 1) {
    for (int64_t c = 0; c < channels; c++) gx[c] += gy[c] * w[c];
    return;
  }
  for (int64_t c = 0; c < channels; c++) gx[c] += dot(gy + c * m, w + c * m, m);
}

void lub_depthwise_forward(const lub_windows *win, int64_t channels, int64_t multiplier, const float *x,
                           const float *kernel, float *y) {
  const int64_t out = channels * multiplier;
  for (int64_t p = 0; p < win->h.out * win->w.out; p++, y += out) {
    for (int64_t o = 0; o < out; o++) y[o] = 0;
    for (lub_tap t = {.number = -1}; lub_next_tap(win, p / win->w.out, p % win->w.out, &t);)
      add_channels(y, x + t.pixel * channels, kernel + t.number * out, channels, multiplier);
  }
}

void lub_depthwise_gradients(const lub_windows *win, int64_t channels, int64_t multiplier, const float *x,
                             const float *kernel, const float *gy, float *gx, float *gkernel) {
  const int64_t out = channels * multiplier;
  for (int64_t p = 0; p < win->h.out * win->w.out; p++, gy += out)
    for (lub_tap t = {.number = -1}; lub_next_tap(win, p / win->w.out, p % win->w.out, &t);) {
      add_channels(gkernel + t.number * out, x + t.pixel * channels, gy, channels, multiplier);
      if (gx) gather_channels(gx + t.pixel * channels, gy, kernel + t.number * out, channels, multiplier);
    }
}
