/* kinds.h - the kinds of layers, one file each; and the options that fast stages read.
 * To add a layer: write its file here in nn/layers/, declare its kind below, list it in nn/layer.c. */
#ifndef LUB_NN_LAYERS_KINDS_H
#define LUB_NN_LAYERS_KINDS_H

#include "nn/layer.h"

extern const lub_layer_kind lub_input_kind;
extern const lub_layer_kind lub_conv1d_kind;
extern const lub_layer_kind lub_conv2d_kind;
extern const lub_layer_kind lub_depthwise_conv2d_kind;
extern const lub_layer_kind lub_separable_conv2d_kind;
extern const lub_layer_kind lub_max_pooling1d_kind;
extern const lub_layer_kind lub_max_pooling2d_kind;
extern const lub_layer_kind lub_average_pooling1d_kind;
extern const lub_layer_kind lub_average_pooling2d_kind;
extern const lub_layer_kind lub_global_average_pooling1d_kind;
extern const lub_layer_kind lub_global_average_pooling2d_kind;
extern const lub_layer_kind lub_global_max_pooling1d_kind;
extern const lub_layer_kind lub_global_max_pooling2d_kind;
extern const lub_layer_kind lub_dense_kind;
extern const lub_layer_kind lub_flatten_kind;
extern const lub_layer_kind lub_reshape_kind;
extern const lub_layer_kind lub_permute_kind;
extern const lub_layer_kind lub_zero_padding1d_kind;
extern const lub_layer_kind lub_zero_padding2d_kind;
extern const lub_layer_kind lub_cropping1d_kind;
extern const lub_layer_kind lub_cropping2d_kind;
extern const lub_layer_kind lub_layer_normalization_kind;
extern const lub_layer_kind lub_dropout_kind;
extern const lub_layer_kind lub_spatial_dropout1d_kind;
extern const lub_layer_kind lub_spatial_dropout2d_kind;
extern const lub_layer_kind lub_gaussian_noise_kind;
extern const lub_layer_kind lub_activation_kind;
extern const lub_layer_kind lub_lstm_kind;
extern const lub_layer_kind lub_gru_kind;
extern const lub_layer_kind lub_bidirectional_kind;
extern const lub_layer_kind lub_batch_normalization_kind;
extern const lub_layer_kind lub_relu_kind;
extern const lub_layer_kind lub_leaky_relu_kind;
extern const lub_layer_kind lub_prelu_kind;
extern const lub_layer_kind lub_elu_kind;
extern const lub_layer_kind lub_softmax_kind;
extern const lub_layer_kind lub_add_kind;
extern const lub_layer_kind lub_subtract_kind;
extern const lub_layer_kind lub_multiply_kind;
extern const lub_layer_kind lub_average_kind;
extern const lub_layer_kind lub_maximum_kind;
extern const lub_layer_kind lub_minimum_kind;
extern const lub_layer_kind lub_concatenate_kind;

/* An option that every layer with an activation has. */
#define LUB_ACTIVATION_OPTION(owner)                                                                               \
  {.name = "activation", .type = LUB_OPTION_CHOICE, .choices = lub_activation_names,                               \
   .offset = offsetof(owner, activation), .nullable = true, .fallback = LUB_LINEAR}

/* SpatialDropout1D and 2D use the rate alone. */
typedef struct lub_dropout_options {
  double rate;
  lub_shape noise_shape; /* the batch's size first; -1: the input's size; none: no dimensions */
} lub_dropout_options;

/* Whether every element is dropped by itself: without a noise_shape. */
bool lub_dropout_is_plain(const lub_layer *layer);

#define LUB_RATE_OPTION                                                                                            \
  {.name = "rate", .type = LUB_OPTION_NUMBER, .offset = offsetof(lub_dropout_options, rate), .required = true,     \
   .min = 0, .max = 1, .below_max = true}

typedef struct lub_dense_options {
  int64_t units;
  int activation;
  lub_object kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer;
  lub_object kernel_constraint, bias_constraint;
  bool use_bias;
} lub_dense_options;

typedef struct lub_activation_options {
  int activation;
} lub_activation_options;

/* Whether a Softmax works along the last axis alone, so that its stage applies it. */
bool lub_softmax_is_last(const lub_layer *layer, const lub_shape *in);

typedef struct lub_relu_options {
  double max_value, negative_slope, threshold; /* max_value: NAN means none */
} lub_relu_options;

typedef struct lub_batch_normalization_options {
  int64_t axis;
  double momentum, epsilon;
  bool center, scale;
  lub_object beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer;
  lub_object beta_regularizer, gamma_regularizer;
  lub_object beta_constraint, gamma_constraint;
} lub_batch_normalization_options;

/* Which params of a BatchNormalization are which; -1: it has none. */
typedef struct lub_batch_normalization {
  int gamma, beta, mean, variance;
} lub_batch_normalization;
lub_batch_normalization lub_batch_normalization_of(const lub_layer *layer);
/* Whether its channels are the last axis of this input. */
bool lub_batch_normalization_is_last(const lub_layer *layer, const lub_shape *in);
/* What it does to channel c at inference: y = scale * x + offset. */
void lub_batch_normalization_affine(const lub_layer *layer, int64_t c, float *scale, float *offset);

/* Fails unless a per-sample input has `ndim` dimensions of at least 1: "conv2d: input must be (N, H, W, C), got ...".
 */
lub_status lub_check_input(const char *layer, const lub_shape *in, int ndim, const char *expected, lub_error *err);
/* The same failure without a question. */
lub_status lub_wrong_input(const char *layer, const lub_shape *in, const char *expected, lub_error *err);

#endif
