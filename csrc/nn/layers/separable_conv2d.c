/* SeparableConv2D: a depthwise convolution without bias (see depthwise_conv2d.c), and behind it a convolution of one
 * pixel that mixes its channels: z = depthwise(x) is (H', W', C m), y[h][w][o] = bias[o] + sum over d of z[h][w][d] *
 * pointwise_kernel[0][0][d][o]. z is made anew on the way back. */
#include "nn/layers/convolution.h"

typedef struct separable_options {
  int64_t filters, kernel_size[2], strides[2], dilation_rate[2], depth_multiplier;
  int padding, activation;
  lub_object depthwise_initializer, pointwise_initializer, bias_initializer;
  lub_object depthwise_regularizer, pointwise_regularizer, bias_regularizer;
  lub_object depthwise_constraint, pointwise_constraint, bias_constraint;
  bool use_bias;
} separable_options;

static const lub_option options[] = {
    {.name = "filters", .type = LUB_OPTION_INT, .offset = offsetof(separable_options, filters), .required = true,
     .min = 1, .max = 1 << 20},
    LUB_SIZES_OPTION(separable_options, kernel_size, 2, .required = true),
    LUB_SIZES_OPTION(separable_options, strides, 2, .fallback = 1),
    LUB_PADDING_OPTION(separable_options, lub_padding_names),
    LUB_SIZES_OPTION(separable_options, dilation_rate, 2, .fallback = 1),
    {.name = "depth_multiplier", .type = LUB_OPTION_INT, .offset = offsetof(separable_options, depth_multiplier),
     .fallback = 1, .min = 1, .max = 1 << 20},
    LUB_ACTIVATION_OPTION(separable_options),
    {.name = "use_bias", .type = LUB_OPTION_BOOL, .offset = offsetof(separable_options, use_bias), .fallback = 1},
    LUB_INITIALIZER_OPTION(separable_options, depthwise_initializer, LUB_GLOROT_UNIFORM),
    LUB_INITIALIZER_OPTION(separable_options, pointwise_initializer, LUB_GLOROT_UNIFORM),
    LUB_INITIALIZER_OPTION(separable_options, bias_initializer, LUB_ZEROS),
    LUB_REGULARIZER_OPTION(separable_options, depthwise_regularizer),
    LUB_REGULARIZER_OPTION(separable_options, pointwise_regularizer),
    LUB_REGULARIZER_OPTION(separable_options, bias_regularizer),
    LUB_CONSTRAINT_OPTION(separable_options, depthwise_constraint),
    LUB_CONSTRAINT_OPTION(separable_options, pointwise_constraint),
    LUB_CONSTRAINT_OPTION(separable_options, bias_constraint),
    LUB_OPTIONS_END};

lub_windows lub_separable_windows(const lub_layer *layer, const lub_shape *in) {
  const separable_options *o = layer->options;
  return lub_windows_over(in, o->kernel_size, o->strides, o->dilation_rate, o->padding);
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const separable_options *o = layer->options;
  lub_status status = lub_check_input("separable_conv2d", in, 3, "(N, H, W, C)", err);
  if (status != LUB_OK) return status;
  lub_windows win = lub_separable_windows(layer, in);
  *out = lub_windows_shape(&win, in, o->filters);
  return lub_windows_check(&win, in, "separable_conv2d", "kernel", err);
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const separable_options *o = layer->options;
  const int64_t area = o->kernel_size[0] * o->kernel_size[1], channels = in->dim[2], m = o->depth_multiplier;
  param[0] = (lub_param){.name = "depthwise_kernel", .shape = {4, {o->kernel_size[0], o->kernel_size[1], channels, m}},
                         LUB_OPTIONS_OF(depthwise), .fan_in = area * channels, .fan_out = area * m, .trainable = true};
  param[1] = (lub_param){.name = "pointwise_kernel", .shape = {4, {1, 1, channels * m, o->filters}},
                         LUB_OPTIONS_OF(pointwise), .fan_in = channels * m, .fan_out = o->filters, .trainable = true};
  if (!o->use_bias) return 2;
  param[2] = (lub_param){.name = "bias", .shape = {1, {o->filters}}, LUB_OPTIONS_OF(bias), .fan_in = o->filters,
                         .fan_out = o->filters, .trainable = true};
  return 3;
}

static int64_t middle_channels(const lub_layer *layer, const lub_shape *in) {
  return in->dim[2] * ((const separable_options *)layer->options)->depth_multiplier;
}

/* z, its gradient, and room for the pointwise kernel turned round. */
static int64_t scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out) {
  return (2 * out->dim[0] * out->dim[1] + out->dim[2]) * middle_channels(layer, in);
}

static void forward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const separable_options *o = layer->options;
  const lub_windows win = lub_separable_windows(layer, pass->in);
  const int64_t pixels = win.h.out * win.w.out;
  float *z = pass->scratch;
  lub_depthwise_forward(&win, pass->in->dim[2], o->depth_multiplier, pass->x[0], layer->param[0].value, z);
  lub_rows_times(z, layer->param[1].value, pass->y, pixels, middle_channels(layer, pass->in), o->filters);
  if (layer->nparams > 2) lub_add_bias(pass->y, layer->param[2].value, pixels, o->filters);
}

static void backward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const separable_options *o = layer->options;
  const lub_windows win = lub_separable_windows(layer, pass->in);
  const int64_t pixels = win.h.out * win.w.out, middle = middle_channels(layer, pass->in);
  float *z = pass->scratch, *gz = z + pixels * middle;
  lub_depthwise_forward(&win, pass->in->dim[2], o->depth_multiplier, pass->x[0], layer->param[0].value, z);
  for (int64_t i = 0; i < pixels * middle; i++) gz[i] = 0;
  if (layer->nparams > 2) lub_add_bias_gradient(pass->gparam[2], pass->gy, pixels, o->filters);
  lub_rows_times_gradients(z, layer->param[1].value, pass->gy, gz, pass->gparam[1], pixels, middle, o->filters,
                           gz + pixels * middle);
  lub_depthwise_gradients(&win, pass->in->dim[2], o->depth_multiplier, pass->x[0], layer->param[0].value, gz,
                          pass->gx[0], pass->gparam[0]);
}

const lub_layer_kind lub_separable_conv2d_kind = {.name = "SeparableConv2D",
                                                  .options = options,
                                                  .options_size = sizeof(separable_options),
                                                  .activation_at = offsetof(separable_options, activation),
                                                  .inputs = 1,
                                                  .output_shape = output_shape,
                                                  .params = params,
                                                  .scratch = scratch,
                                                  .forward = forward,
                                                  .backward = backward};
