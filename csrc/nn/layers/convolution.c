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

/* k[0..n-1] += sum over r < 4 of x[r * x_step] * g[r * g_step + 0..n-1], in this order. */
static void add_four(float *restrict k, const float *restrict x, int64_t x_step, const float *restrict g, int64_t g_step,
                     int64_t n) {
  const float *g1 = g + g_step, *g2 = g1 + g_step, *g3 = g2 + g_step;
  const float x0 = x[0], x1 = x[x_step], x2 = x[2 * x_step], x3 = x[3 * x_step];
  for (int64_t i = 0; i < n; i++) k[i] = (((k[i] + x0 * g[i]) + x1 * g1[i]) + x2 * g2[i]) + x3 * g3[i];
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

/* === a matrix behind a run of pixels === */

/* in x out weights, rows `stride` floats apart; `turned` is (out, in), dense, or NULL where it is not made. */
typedef struct matrix {
  int64_t in, out, stride;
  const float *weights, *turned;
} matrix;

/* A row of `out` sums has few inputs to go back to: a dot product each is as good as turned weights. */
static bool wants_turned(int64_t in) { return in >= 8; }

static void turn(const matrix *m, float *turned) {
  for (int64_t c = 0; c < m->in; c++)
    for (int64_t o = 0; o < m->out; o++) turned[o * m->in + c] = m->weights[c * m->stride + o];
}

/* The gradients of `pixels` rows of x and gy, x_step and g_step floats apart: gx (NULL: not wanted) lies like x, gw
 * like the weights. */
static void add_gradients(const matrix *m, const float *x, int64_t x_step, const float *gy, int64_t g_step,
                          int64_t pixels, float *gx, float *gw) {
  int64_t p = 0;
  for (; p + 4 <= pixels; p += 4)
    for (int64_t c = 0; c < m->in; c++)
      add_four(gw + c * m->stride, x + p * x_step + c, x_step, gy + p * g_step, g_step, m->out);
  for (; p < pixels; p++)
    for (int64_t c = 0; c < m->in; c++) add_scaled(gw + c * m->stride, gy + p * g_step, x[p * x_step + c], m->out);
  for (p = 0; p < pixels && gx; p++) {
    if (m->turned) {
      add_products(gx + p * x_step, gy + p * g_step, m->turned, m->out, m->in, m->in);
      continue;
    }
    for (int64_t c = 0; c < m->in; c++) gx[p * x_step + c] += dot(gy + p * g_step, m->weights + c * m->stride, m->out);
  }
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
                              int64_t in, int64_t out, float *scratch) {
  matrix m = {.in = in, .out = out, .stride = out, .weights = w};
  if (gx && wants_turned(in) && rows >= 4) { /* or else turning costs more than it saves */
    turn(&m, scratch);
    m.turned = scratch;
  }
  add_gradients(&m, x, in, gy, out, rows, gx, gw);
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
  param[0] = (lub_param){.name = "kernel", .shape = shape, LUB_OPTIONS_OF(kernel), .fan_in = area * channels,
                         .fan_out = area * o->filters, .trainable = true};
  if (!o->use_bias) return 1;
  param[1] = (lub_param){.name = "bias", .shape = {1, {o->filters}}, LUB_OPTIONS_OF(bias),
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
  const int64_t pixels = win.h.out * win.w.out, step = win.w.stride * d.channels;
  memset(pass->y, 0, sizeof(float) * (size_t)(pixels * d.filters));
  for (int64_t row = 0; row < win.h.out; row++)
    for (int64_t tap = 0; tap < win.h.size * win.w.size; tap++) {
      const lub_span span = lub_span_of(&win, row, tap / win.w.size, tap % win.w.size);
      const float *x = pass->x[0] + span.pixel * d.channels, *kernel = layer->param[0].value + tap * d.in * d.filters;
      float *y = pass->y + (row * win.w.out + span.first) * d.filters;
      for (int64_t p = span.first; p < span.last; p++, x += step, y += d.filters)
        for (int64_t g = 0; g < d.groups; g++)
          add_products(y + g * d.out, x + g * d.in, kernel + g * d.out, d.in, d.filters, d.out);
    }
  if (layer->nparams > 1) lub_add_bias(pass->y, layer->param[1].value, pixels, d.filters);
}

int64_t lub_conv_scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out) {
  (void)out;
  lub_param param[2];
  lub_conv_params(layer, in, param);
  return lub_param_size(&param[0]);
}

/* The kernel of one tap and group. */
static matrix matrix_of(const division *d, const float *kernel, float *turned, int64_t tap, int64_t group) {
  return (matrix){.in = d->in, .out = d->out, .stride = d->filters,
                  .weights = kernel + tap * d->in * d->filters + group * d->out,
                  .turned = wants_turned(d->in) ? turned + (tap * d->groups + group) * d->in * d->out : NULL};
}

void lub_conv_gradients(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const lub_windows win = lub_conv_windows(layer, pass->in);
  const division d = division_of(pass);
  const float *kernel = layer->param[0].value;
  const int64_t taps = win.h.size * win.w.size;
  if (layer->nparams > 1) lub_add_bias_gradient(pass->gparam[1], pass->gy, win.h.out * win.w.out, d.filters);
  for (int64_t i = 0; i < taps * d.groups && wants_turned(d.in) && pass->gx[0]; i++) {
    const matrix m = matrix_of(&d, kernel, pass->scratch, i / d.groups, i % d.groups);
    turn(&m, pass->scratch + i * d.in * d.out);
  }
  for (int64_t row = 0; row < win.h.out; row++)
    for (int64_t tap = 0; tap < taps; tap++) {
      const lub_span span = lub_span_of(&win, row, tap / win.w.size, tap % win.w.size);
      const float *gy = pass->gy + (row * win.w.out + span.first) * d.filters;
      for (int64_t g = 0; g < d.groups && span.first < span.last; g++) {
        const matrix m = matrix_of(&d, kernel, pass->scratch, tap, g);
        const int64_t x = span.pixel * d.channels + g * d.in;
        add_gradients(&m, pass->x[0] + x, win.w.stride * d.channels, gy + g * d.out, d.filters, span.last - span.first,
                      pass->gx[0] ? pass->gx[0] + x : NULL, pass->gparam[0] + (m.weights - kernel));
      }
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

/* k[c * m + j] += sum over p of x[p][c] * g[p][c * m + j]; four pixels at a time where m is 1, so that k is not waited
 * for at each. */
static void add_to_kernel(float *restrict k, const float *restrict x, int64_t step, const float *restrict g,
                          int64_t pixels, int64_t channels, int64_t m) {
  int64_t p = 0;
  for (; m == 1 && p + 4 <= pixels; p += 4) {
    const float *x0 = x + p * step, *x1 = x0 + step, *x2 = x1 + step, *x3 = x2 + step;
    const float *g0 = g + p * channels, *g1 = g0 + channels, *g2 = g1 + channels, *g3 = g2 + channels;
    for (int64_t c = 0; c < channels; c++)
      k[c] = (((k[c] + x0[c] * g0[c]) + x1[c] * g1[c]) + x2[c] * g2[c]) + x3[c] * g3[c];
  }
  for (; p < pixels; p++) add_channels(k, x + p * step, g + p * channels * m, channels, m);
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
  const int64_t out = channels * multiplier, step = win->w.stride * channels;
  memset(y, 0, sizeof(float) * (size_t)(win->h.out * win->w.out * out));
  for (int64_t row = 0; row < win->h.out; row++)
    for (int64_t tap = 0; tap < win->h.size * win->w.size; tap++) {
      const lub_span span = lub_span_of(win, row, tap / win->w.size, tap % win->w.size);
      const float *from = x + span.pixel * channels;
      float *to = y + (row * win->w.out + span.first) * out;
      for (int64_t p = span.first; p < span.last; p++, from += step, to += out)
        add_channels(to, from, kernel + tap * out, channels, multiplier);
    }
}

void lub_depthwise_gradients(const lub_windows *win, int64_t channels, int64_t multiplier, const float *x,
                             const float *kernel, const float *gy, float *gx, float *gkernel) {
  const int64_t out = channels * multiplier, step = win->w.stride * channels;
  for (int64_t row = 0; row < win->h.out; row++)
    for (int64_t tap = 0; tap < win->h.size * win->w.size; tap++) {
      const lub_span span = lub_span_of(win, row, tap / win->w.size, tap % win->w.size);
      const float *first = gy + (row * win->w.out + span.first) * out;
      const int64_t pixels = span.last - span.first, at = span.pixel * channels;
      add_to_kernel(gkernel + tap * out, x + at, step, first, pixels, channels, multiplier);
      for (int64_t p = 0; p < pixels && gx; p++)
        gather_channels(gx + at + p * step, first + p * out, kernel + tap * out, channels, multiplier);
    }
}
