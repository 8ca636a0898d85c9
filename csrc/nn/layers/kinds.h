/* kinds.h - the kinds of layers, one file each; and the options that fast stages read.
 * To add a layer: write its file here in nn/layers/, declare its kind below, list it in nn/layer.c. */
#ifndef LUB_NN_LAYERS_KINDS_H
#define LUB_NN_LAYERS_KINDS_H

#include "nn/layer.h"

extern const lub_layer_kind lub_input_kind;
extern const lub_layer_kind lub_conv2d_kind;
extern const lub_layer_kind lub_max_pooling2d_kind;
extern const lub_layer_kind lub_dropout_kind;
extern const lub_layer_kind lub_global_average_pooling2d_kind;
extern const lub_layer_kind lub_flatten_kind;
extern const lub_layer_kind lub_dense_kind;
extern const lub_layer_kind lub_activation_kind;
extern const lub_layer_kind lub_lstm_kind;
extern const lub_layer_kind lub_gru_kind;
extern const lub_layer_kind lub_bidirectional_kind;
extern const lub_layer_kind lub_batch_normalization_kind;

enum { LUB_VALID, LUB_SAME };
extern const char *const lub_padding_names[];

typedef struct lub_conv2d_options {
  int64_t filters, kernel_size[2], strides[2], dilation_rate[2];
  int padding, activation;
  lub_object kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer;
  bool use_bias;
} lub_conv2d_options;

typedef struct lub_max_pooling2d_options {
  int64_t pool_size[2], strides[2]; /* strides: LUB_NONE_INT means pool_size */
  int padding;
} lub_max_pooling2d_options;

typedef struct lub_dropout_options {
  double rate;
} lub_dropout_options;

typedef struct lub_dense_options {
  int64_t units;
  int activation;
  lub_object kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer;
  bool use_bias;
} lub_dense_options;

typedef struct lub_activation_options {
  int activation;
} lub_activation_options;

typedef struct lub_batch_normalization_options {
  int64_t axis;
  double momentum, epsilon;
  bool center, scale;
} lub_batch_normalization_options;

/* Which params of a BatchNormalization are which; -1: it has none. */
typedef struct lub_batch_normalization {
  int gamma, beta, mean, variance;
} lub_batch_normalization;
lub_batch_normalization lub_batch_normalization_of(const lub_layer *layer);
/* What it does to channel c at inference: y = scale * x + offset. */
void lub_batch_normalization_affine(const lub_layer *layer, int64_t c, float *scale, float *offset);

/* One spatial axis of a window that slides (convolution or pool), as Keras and TensorFlow cut it:
 * valid: out = floor((in - extent) / stride) + 1 with extent = dilation * (size - 1) + 1, or 0 where it does not fit;
 * same: out = ceil(in / stride), `before` zeros in front so that the rest of the padding comes behind. */
typedef struct lub_window {
  int64_t in, size, stride, dilation, out, before;
} lub_window;
lub_window lub_window_over(int64_t in, int64_t size, int64_t stride, int64_t dilation, int padding);

/* Fails unless a per-sample input has `ndim` dimensions of at least 1: "conv2d: input must be (N, H, W, C), got ...". */
lub_status lub_check_input(const char *layer, const lub_shape *in, int ndim, const char *expected, lub_error *err);

#endif
