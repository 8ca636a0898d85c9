/* LayerNormalization (Ba, Kiros, Hinton 2016) along the last axis: of each row of n values,
 * y[i] = gamma[i] * z[i] + beta[i] with z[i] = (x[i] - mean) / sqrt(variance + epsilon), the variance being divided by n.
 * Back, with g[i] = gy[i] * gamma[i]: gx[i] = (g[i] - mean(g) - z[i] * mean(g z)) / sqrt(variance + epsilon). */
#include <math.h>

#include "nn/layers/kinds.h"

typedef struct norm_options {
  int64_t axis;
  double epsilon;
  lub_object beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer;
  bool center, scale;
} norm_options;

static const lub_option options[] = {
    {.name = "axis", .type = LUB_OPTION_INT, .offset = offsetof(norm_options, axis), .fallback = -1},
    {.name = "epsilon", .type = LUB_OPTION_NUMBER, .offset = offsetof(norm_options, epsilon), .fallback = 1e-3,
     .min = 0, .max = INFINITY},
    {.name = "center", .type = LUB_OPTION_BOOL, .offset = offsetof(norm_options, center), .fallback = 1},
    {.name = "scale", .type = LUB_OPTION_BOOL, .offset = offsetof(norm_options, scale), .fallback = 1},
    LUB_INITIALIZER_OPTION(norm_options, beta_initializer, LUB_ZEROS),
    LUB_INITIALIZER_OPTION(norm_options, gamma_initializer, LUB_ONES),
    LUB_REGULARIZER_OPTION(norm_options, beta_regularizer),
    LUB_REGULARIZER_OPTION(norm_options, gamma_regularizer),
    LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  *out = *in;
  return lub_check_last_axis("layer_normalization", ((const norm_options *)layer->options)->axis, in, err);
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const norm_options *o = layer->options;
  const int64_t n = in->dim[in->ndim - 1];
  int count = 0;
  if (o->scale)
    param[count++] = (lub_param){.name = "gamma", .shape = {1, {n}}, .initialized_by = &o->gamma_initializer,
                                 .regularizer = &o->gamma_regularizer, .fan_in = n, .fan_out = n, .trainable = true};
  if (o->center)
    param[count++] = (lub_param){.name = "beta", .shape = {1, {n}}, .initialized_by = &o->beta_initializer,
                                 .regularizer = &o->beta_regularizer, .fan_in = n, .fan_out = n, .trainable = true};
  return count;
}

typedef struct moments {
  double mean, inverse; /* inverse: 1 / sqrt(variance + epsilon) */
} moments;

/* Sums go in four lanes, so that no addition waits for the one before it. */
enum { LANES = 4 };
static double lanes_sum(const double *lane) { return (lane[0] + lane[1]) + (lane[2] + lane[3]); }

static moments moments_of(const float *x, int64_t n, double epsilon) {
  double sum[LANES] = {0}, squares[LANES] = {0};
  for (int64_t i = 0; i < n; i++) sum[i % LANES] += x[i];
  const double mean = lanes_sum(sum) / (double)n;
  for (int64_t i = 0; i < n; i++) squares[i % LANES] += (x[i] - mean) * (x[i] - mean);
  return (moments){mean, 1 / sqrt(lanes_sum(squares) / (double)n + epsilon)};
}

static void forward(const lub_pass *pass) {
  const norm_options *o = pass->layer->options;
  const int64_t n = pass->in->dim[pass->in->ndim - 1], rows = lub_shape_size(pass->in) / n;
  const float *gamma = o->scale ? pass->layer->param[0].value : NULL;
  const float *beta = o->center ? pass->layer->param[o->scale].value : NULL;
  for (int64_t r = 0; r < rows; r++) {
    const float *x = pass->x[0] + r * n;
    float *y = pass->y + r * n;
    const moments m = moments_of(x, n, o->epsilon);
    for (int64_t i = 0; i < n; i++) y[i] = (float)((x[i] - m.mean) * m.inverse);
    for (int64_t i = 0; i < n && gamma; i++) y[i] *= gamma[i];
    for (int64_t i = 0; i < n && beta; i++) y[i] += beta[i];
  }
}

static void backward(const lub_pass *pass) {
  const norm_options *o = pass->layer->options;
  const int64_t n = pass->in->dim[pass->in->ndim - 1], rows = lub_shape_size(pass->in) / n;
  const float *gamma = o->scale ? pass->layer->param[0].value : NULL;
  float *ggamma = o->scale ? pass->gparam[0] : NULL, *gbeta = o->center ? pass->gparam[o->scale] : NULL;
  for (int64_t r = 0; r < rows; r++) {
    const float *x = pass->x[0] + r * n, *gy = pass->gy + r * n;
    const moments m = moments_of(x, n, o->epsilon);
    double sums[LANES] = {0}, products[LANES] = {0}; /* of g, and of g and z */
    for (int64_t i = 0; i < n; i++) {
      const double z = (x[i] - m.mean) * m.inverse, g = gamma ? (double)gy[i] * gamma[i] : gy[i];
      sums[i % LANES] += g, products[i % LANES] += g * z;
      if (ggamma) ggamma[i] += (float)(gy[i] * z);
      if (gbeta) gbeta[i] += gy[i];
    }
    if (!pass->gx[0]) continue;
    float *gx = pass->gx[0] + r * n;
    const double sum = lanes_sum(sums), product = lanes_sum(products);
    for (int64_t i = 0; i < n; i++) {
      const double z = (x[i] - m.mean) * m.inverse, g = gamma ? (double)gy[i] * gamma[i] : gy[i];
      gx[i] += (float)((g - (sum + z * product) / (double)n) * m.inverse);
    }
  }
}

const lub_layer_kind lub_layer_normalization_kind = {.name = "LayerNormalization",
                                                     .options = options,
                                                     .options_size = sizeof(norm_options),
                                                     .activation_at = -1,
                                                     .inputs = 1,
                                                     .output_shape = output_shape,
                                                     .params = params,
                                                     .forward = forward,
                                                     .backward = backward};
