/* DepthwiseConv2D: every channel is convolved by itself, with m = depth_multiplier kernels:
 * y[h][w][c * m + k] = bias[c * m + k] + sum over i, j of x[h*sh + i*dh - ph][w*sw + j*dw - pw][c] * kernel[i][j][c][k];
 * x is (H, W, C), the kernel (kh, kw, C, m), y (H', W', C m). */
#include "nn/layers/convolution.h"

typedef struct depthwise_options {
  int64_t kernel_size[2], strides[2], dilation_rate[2], depth_multiplier;
  int padding, activation;
  lub_object depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer;
  lub_object depthwise_constraint, bias_constraint;
  bool use_bias;
} depthwise_options;

static const lub_option options[] = {
    LUB_SIZES_OPTION(depthwise_options, kernel_size, 2, .required = true),
    LUB_SIZES_OPTION(depthwise_options, strides, 2, .fallback = 1),
    LUB_PADDING_OPTION(depthwise_options, lub_padding_names),
    {.name = "depth_multiplier", .type = LUB_OPTION_INT, .offset = offsetof(depthwise_options, depth_multiplier),
     .fallback = 1, .min = 1, .max = 1 << 20},
    LUB_SIZES_OPTION(depthwise_options, dilation_rate, 2, .fallback = 1),
    LUB_ACTIVATION_OPTION(depthwise_options),
    {.name = "use_bias", .type = LUB_OPTION_BOOL, .offset = offsetof(depthwise_options, use_bias), .fallback = 1},
    LUB_INITIALIZER_OPTION(depthwise_options, depthwise_initializer, LUB_GLOROT_UNIFORM),
    LUB_INITIALIZER_OPTION(depthwise_options, bias_initializer, LUB_ZEROS),
    LUB_REGULARIZER_OPTION(depthwise_options, depthwise_regularizer),
    LUB_REGULARIZER_OPTION(depthwise_options, bias_regularizer),
    LUB_CONSTRAINT_OPTION(depthwise_options, depthwise_constraint),
    LUB_CONSTRAINT_OPTION(depthwise_options, bias_constraint),
    LUB_OPTIONS_END};

lub_windows lub_depthwise_windows(const lub_layer *layer, const lub_shape *in) {
  const depthwise_options *o = layer->options;
  return lub_windows_over(in, o->kernel_size, o->strides, o->dilation_rate, o->padding);
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const depthwise_options *o = layer->options;
  lub_status status = lub_check_input("depthwise_conv2d", in, 3, "(N, H, W, C)", err);
  if (status != LUB_OK) return status;
  lub_windows win = lub_depthwise_windows(layer, in);
  *out = lub_windows_shape(&win, in, in->dim[2] * o->depth_multiplier);
  return lub_windows_check(&win, in, "depthwise_conv2d", "kernel", err);
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const depthwise_options *o = layer->options;
  int64_t area = o->kernel_size[0] * o->kernel_size[1], channels = in->dim[2], out = channels * o->depth_multiplier;
  param[0] = (lub_param){.name = "kernel",
                         .shape = {4, {o->kernel_size[0], o->kernel_size[1], channels, o->depth_multiplier}},
                         LUB_OPTIONS_OF(depthwise),
                         .fan_in = area * channels, .fan_out = area * o->depth_multiplier, .trainable = true};
  if (!o->use_bias) return 1;
  param[1] = (lub_param){.name = "bias", .shape = {1, {out}}, LUB_OPTIONS_OF(bias), .fan_in = out,
                         .fan_out = out, .trainable = true};
  return 2;
}

static void forward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const depthwise_options *o = layer->options;
  const lub_windows win = lub_depthwise_windows(layer, pass->in);
  lub_depthwise_forward(&win, pass->in->dim[2], o->depth_multiplier, pass->x[0], layer->param[0].value, pass->y);
  if (layer->nparams > 1)
    lub_add_bias(pass->y, layer->param[1].value, win.h.out * win.w.out, pass->out->dim[2]);
}

static void backward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const depthwise_options *o = layer->options;
  const lub_windows win = lub_depthwise_windows(layer, pass->in);
  if (layer->nparams > 1)
    lub_add_bias_gradient(pass->gparam[1], pass->gy, win.h.out * win.w.out, pass->out->dim[2]);
  lub_depthwise_gradients(&win, pass->in->dim[2], o->depth_multiplier, pass->x[0], layer->param[0].value, pass->gy,
                          pass->gx[0], pass->gparam[0]);
}

const lub_layer_kind lub_depthwise_conv2d_kind = {.name = "DepthwiseConv2D",
                                                  .options = options,
                                                  .options_size = sizeof(depthwise_options),
                                                  .activation_at = offsetof(depthwise_options, activation),
                                                  .inputs = 1,
                                                  .output_shape = output_shape,
                                                  .params = params,
                                                  .forward = forward,
                                                  .backward = backward};
