/* Conv2D: y[h][w][o] = bias[o] + sum over i, j, c of x[h*sh + i*dh - ph][w*sw + j*dw - pw][c] * kernel[i][j][c][o],
 * a cross-correlation as in Keras; x is (H, W, C), the kernel (kh, kw, C, O), y (H', W', O). */
#include "nn/layers/kinds.h"

static const lub_option options[] = {
    {.name = "filters", .type = LUB_OPTION_INT, .offset = offsetof(lub_conv2d_options, filters), .required = true, .min = 1, .max = 1 << 20},
    {.name = "kernel_size", .type = LUB_OPTION_INTS, .count = 2, .offset = offsetof(lub_conv2d_options, kernel_size), .required = true, .min = 1, .max = 1 << 20},
    {.name = "strides", .type = LUB_OPTION_INTS, .count = 2, .offset = offsetof(lub_conv2d_options, strides), .fallback = 1, .min = 1, .max = 1 << 20},
    {.name = "padding", .type = LUB_OPTION_CHOICE, .choices = lub_padding_names, .offset = offsetof(lub_conv2d_options, padding), .fallback = LUB_VALID},
    {.name = "dilation_rate", .type = LUB_OPTION_INTS, .count = 2, .offset = offsetof(lub_conv2d_options, dilation_rate), .fallback = 1, .min = 1, .max = 1 << 20},
    {.name = "activation", .type = LUB_OPTION_CHOICE, .choices = lub_activation_names, .offset = offsetof(lub_conv2d_options, activation), .nullable = true, .fallback = LUB_LINEAR},
    {.name = "use_bias", .type = LUB_OPTION_BOOL, .offset = offsetof(lub_conv2d_options, use_bias), .fallback = 1},
    LUB_INITIALIZER_OPTION(lub_conv2d_options, kernel_initializer, LUB_GLOROT_UNIFORM),
    LUB_INITIALIZER_OPTION(lub_conv2d_options, bias_initializer, LUB_ZEROS),
    LUB_REGULARIZER_OPTION(lub_conv2d_options, kernel_regularizer),
    LUB_REGULARIZER_OPTION(lub_conv2d_options, bias_regularizer),
    LUB_OPTIONS_END};

typedef struct windows {
  lub_window h, w;
} windows;

static windows windows_over(const lub_layer *layer, const lub_shape *in) {
  const lub_conv2d_options *o = layer->options;
  return (windows){lub_window_over(in->dim[0], o->kernel_size[0], o->strides[0], o->dilation_rate[0], o->padding),
                   lub_window_over(in->dim[1], o->kernel_size[1], o->strides[1], o->dilation_rate[1], o->padding)};
}

static lub_status check(const void *p, lub_error *err) {
  const lub_conv2d_options *o = p;
  bool strided = o->strides[0] > 1 || o->strides[1] > 1, dilated = o->dilation_rate[0] > 1 || o->dilation_rate[1] > 1;
  if (strided && dilated) return lub_fail(err, LUB_EARG, "Conv2D: strides and dilation_rate cannot both be above 1");
  return LUB_OK;
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_conv2d_options *o = layer->options;
  lub_status status = lub_check_input("conv2d", in, 3, "(N, H, W, C)", err);
  if (status != LUB_OK) return status;
  if (layer->built && layer->param[0].shape.dim[2] != in->dim[2])
    return lub_fail(err, LUB_EARG, "conv2d: input must be (N, H, W, %lld), got (N, %lld, %lld, %lld)",
                    (long long)layer->param[0].shape.dim[2], (long long)in->dim[0], (long long)in->dim[1], (long long)in->dim[2]);
  windows w = windows_over(layer, in);
  if (w.h.out < 1 || w.w.out < 1)
    return lub_fail(err, LUB_EARG, "conv2d: a kernel of %lldx%lld does not fit into an input of %lldx%lld",
                    (long long)o->kernel_size[0], (long long)o->kernel_size[1], (long long)in->dim[0], (long long)in->dim[1]);
  *out = (lub_shape){.ndim = 3, .dim = {w.h.out, w.w.out, o->filters}};
  return LUB_OK;
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const lub_conv2d_options *o = layer->options;
  int64_t area = o->kernel_size[0] * o->kernel_size[1], channels = in->dim[2];
  param[0] = (lub_param){.name = "kernel", .shape = {4, {o->kernel_size[0], o->kernel_size[1], channels, o->filters}},
                         .initialized_by = &o->kernel_initializer, .regularizer = &o->kernel_regularizer,
                         .fan_in = area * channels, .fan_out = area * o->filters, .trainable = true};
  if (!o->use_bias) return 1;
  param[1] = (lub_param){.name = "bias", .shape = {1, {o->filters}},
                         .initialized_by = &o->bias_initializer, .regularizer = &o->bias_regularizer,
                         .fan_in = o->filters, .fan_out = o->filters, .trainable = true};
  return 2;
}

/* One element of the kernel over one output pixel: which input pixel it meets. */
typedef struct tap {
  int64_t number; /* i * kw + j; begin with -1 */
  int64_t pixel;  /* row * W + column of the input */
} tap;

/* Moves to the next tap of output pixel (h, w) that lies inside the input; false after the last. */
static bool next_tap(const windows *win, int64_t h, int64_t w, tap *t) {
  while (++t->number < win->h.size * win->w.size) {
    int64_t row = h * win->h.stride + t->number / win->w.size * win->h.dilation - win->h.before;
    int64_t column = w * win->w.stride + t->number % win->w.size * win->w.dilation - win->w.before;
    if (row < 0 || row >= win->h.in || column < 0 || column >= win->w.in) continue;
    t->pixel = row * win->w.in + column;
    return true;
  }
  return false;
}

static void forward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  windows win = windows_over(layer, pass->in);
  int64_t channels = pass->in->dim[2], filters = pass->out->dim[2];
  const float *bias = layer->nparams > 1 ? layer->param[1].value : NULL;
  for (int64_t h = 0; h < win.h.out; h++)
    for (int64_t w = 0; w < win.w.out; w++) {
      float *y = pass->y + (h * win.w.out + w) * filters;
      for (int64_t o = 0; o < filters; o++) y[o] = 0;
      for (tap t = {.number = -1}; next_tap(&win, h, w, &t);) {
        const float *x = pass->x[0] + t.pixel * channels;
        const float *kernel = layer->param[0].value + t.number * channels * filters;
        for (int64_t c = 0; c < channels; c++)
          for (int64_t o = 0; o < filters; o++) y[o] += x[c] * kernel[c * filters + o];
      }
      if (bias)
        for (int64_t o = 0; o < filters; o++) y[o] += bias[o];
    }
}

static void backward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  windows win = windows_over(layer, pass->in);
  int64_t channels = pass->in->dim[2], filters = pass->out->dim[2];
  float *gbias = layer->nparams > 1 ? pass->gparam[1] : NULL;
  for (int64_t h = 0; h < win.h.out; h++)
    for (int64_t w = 0; w < win.w.out; w++) {
      const float *gy = pass->gy + (h * win.w.out + w) * filters;
      if (gbias)
        for (int64_t o = 0; o < filters; o++) gbias[o] += gy[o];
      for (tap t = {.number = -1}; next_tap(&win, h, w, &t);) {
        int64_t at_kernel = t.number * channels * filters;
        for (int64_t c = 0; c < channels; c++) {
          const float *k = layer->param[0].value + at_kernel + c * filters;
          float *gk = pass->gparam[0] + at_kernel + c * filters, x = pass->x[0][t.pixel * channels + c], sum = 0;
          for (int64_t o = 0; o < filters; o++) gk[o] += x * gy[o];
          if (!pass->gx[0]) continue;
          for (int64_t o = 0; o < filters; o++) sum += gy[o] * k[o];
          pass->gx[0][t.pixel * channels + c] += sum;
        }
      }
    }
}

const lub_layer_kind lub_conv2d_kind = {.name = "Conv2D",
                                        .options = options,
                                        .options_size = sizeof(lub_conv2d_options),
                                        .activation_at = offsetof(lub_conv2d_options, activation),
                                        .inputs = 1,
                                        .check = check,
                                        .output_shape = output_shape,
                                        .params = params,
                                        .forward = forward,
                                        .backward = backward};
