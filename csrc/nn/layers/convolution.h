/* convolution.h - what Conv1D, Conv2D, DepthwiseConv2D and SeparableConv2D share; Dense is one of one pixel. */
#ifndef LUB_NN_LAYERS_CONVOLUTION_H
#define LUB_NN_LAYERS_CONVOLUTION_H

#include "nn/layers/window.h"

/* Of Conv1D (the first number of each axis option) and Conv2D; the fast stage reads it too. */
typedef struct lub_conv_options {
  int64_t filters, kernel_size[2], strides[2], dilation_rate[2], groups;
  int padding, activation;
  lub_object kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer;
  lub_object kernel_constraint, bias_constraint;
  bool use_bias;
} lub_conv_options;

/* The table of options of a convolution over `rank` axes. */
#define LUB_SIZES_OPTION(owner, field, rank, ...)                                                                   \
  {.name = #field, .type = LUB_OPTION_INTS, .count = rank, .offset = offsetof(owner, field), .min = 1,              \
   .max = 1 << 20, __VA_ARGS__}
#define LUB_PADDING_OPTION(owner, names)                                                                            \
  {.name = "padding", .type = LUB_OPTION_CHOICE, .choices = names, .offset = offsetof(owner, padding)}
#define LUB_CONV_OPTIONS(rank, padding_names)                                                                       \
  {.name = "filters", .type = LUB_OPTION_INT, .offset = offsetof(lub_conv_options, filters), .required = true,      \
   .min = 1, .max = 1 << 20},                                                                                       \
      LUB_SIZES_OPTION(lub_conv_options, kernel_size, rank, .required = true),                                      \
      LUB_SIZES_OPTION(lub_conv_options, strides, rank, .fallback = 1),                                             \
      LUB_PADDING_OPTION(lub_conv_options, padding_names),                                                          \
      LUB_SIZES_OPTION(lub_conv_options, dilation_rate, rank, .fallback = 1),                                       \
      {.name = "groups", .type = LUB_OPTION_INT, .offset = offsetof(lub_conv_options, groups), .fallback = 1,       \
       .min = 1, .max = 1 << 20},                                                                                   \
      LUB_ACTIVATION_OPTION(lub_conv_options),                                                                      \
      {.name = "use_bias", .type = LUB_OPTION_BOOL, .offset = offsetof(lub_conv_options, use_bias), .fallback = 1}, \
      LUB_INITIALIZER_OPTION(lub_conv_options, kernel_initializer, LUB_GLOROT_UNIFORM),                             \
      LUB_INITIALIZER_OPTION(lub_conv_options, bias_initializer, LUB_ZEROS),                                        \
      LUB_REGULARIZER_OPTION(lub_conv_options, kernel_regularizer),                                                 \
      LUB_REGULARIZER_OPTION(lub_conv_options, bias_regularizer),                                                   \
      LUB_CONSTRAINT_OPTION(lub_conv_options, kernel_constraint),                                                   \
      LUB_CONSTRAINT_OPTION(lub_conv_options, bias_constraint), LUB_OPTIONS_END

/* Whether a layer is a Conv1D or Conv2D; and its windows. */
bool lub_is_conv(const lub_layer *layer);
lub_windows lub_conv_windows(const lub_layer *layer, const lub_shape *in);

/* Of a DepthwiseConv2D, and of the depthwise half of a SeparableConv2D; their first weights are (kh, kw, C, m). */
lub_windows lub_depthwise_windows(const lub_layer *layer, const lub_shape *in);
lub_windows lub_separable_windows(const lub_layer *layer, const lub_shape *in);

/* The functions of Conv1D and Conv2D. Errors begin with `name`. */
lub_status lub_conv_check(const char *name, int rank, const lub_conv_options *o, lub_error *err);
lub_status lub_conv_output_shape(const char *name, const char *expected, int rank, const lub_layer *layer,
                                 const lub_shape *in, lub_shape *out, lub_error *err);
int lub_conv_params(const lub_layer *layer, const lub_shape *in, lub_param *param);
int64_t lub_conv_scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out);
void lub_conv_forward(const lub_pass *pass);
void lub_conv_gradients(const lub_pass *pass);

/* y[p][o] = sum over i of x[p][i] * w[i][o] for `rows` rows: a convolution of one pixel. The gradients of
 * x and w are added to gx (NULL: not wanted) and gw; scratch has in * out floats. */
void lub_rows_times(const float *x, const float *w, float *y, int64_t rows, int64_t in, int64_t out);
void lub_rows_times_gradients(const float *x, const float *w, const float *gy, float *gx, float *gw, int64_t rows,
                              int64_t in, int64_t out, float *scratch);

/* Depthwise: y[h][w][c * m + k] = sum over taps (i, j) of x[.][.][c] * kernel[i][j][c][k], m being the multiplier. */
void lub_depthwise_forward(const lub_windows *win, int64_t channels, int64_t multiplier, const float *x,
                           const float *kernel, float *y);
void lub_depthwise_gradients(const lub_windows *win, int64_t channels, int64_t multiplier, const float *x,
                             const float *kernel, const float *gy, float *gx, float *gkernel);

/* y[p][o] += bias[o], and the bias' gradient, for `rows` rows of n. */
void lub_add_bias(float *y, const float *bias, int64_t rows, int64_t n);
void lub_add_bias_gradient(float *gbias, const float *gy, int64_t rows, int64_t n);

#endif
