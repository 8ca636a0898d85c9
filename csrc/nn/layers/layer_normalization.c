/* LayerNormalization (Ba, Kiros, Hinton 2016) along the last axis, or along others: of each group of n values,
 * y[i] = gamma[i] * z[i] + beta[i] with z[i] = (x[i] - mean) / sqrt(variance + epsilon), the variance being divided
 * by n.
 * Back, with g[i] = gy[i] * gamma[i]: gx[i] = (g[i] - mean(g) - z[i] * mean(g z)) / sqrt(variance + epsilon). */
#include <math.h>
#include <string.h>

#include "nn/layers/axes.h"

typedef struct norm_options {
  lub_shape axis; /* one, or several, in any order */
  double epsilon;
  lub_object beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer;
  lub_object beta_constraint, gamma_constraint;
  bool center, scale;
} norm_options;

static const lub_option options[] = {
    {.name = "axis", .type = LUB_OPTION_AXES, .offset = offsetof(norm_options, axis), .fallback = -1},
    {.name = "epsilon", .type = LUB_OPTION_NUMBER, .offset = offsetof(norm_options, epsilon), .fallback = 1e-3,
     .min = 0, .max = INFINITY},
    {.name = "center", .type = LUB_OPTION_BOOL, .offset = offsetof(norm_options, center), .fallback = 1},
    {.name = "scale", .type = LUB_OPTION_BOOL, .offset = offsetof(norm_options, scale), .fallback = 1},
    LUB_INITIALIZER_OPTION(norm_options, beta_initializer, LUB_ZEROS),
    LUB_INITIALIZER_OPTION(norm_options, gamma_initializer, LUB_ONES),
    LUB_REGULARIZER_OPTION(norm_options, beta_regularizer),
    LUB_REGULARIZER_OPTION(norm_options, gamma_regularizer),
    LUB_CONSTRAINT_OPTION(norm_options, beta_constraint),
    LUB_CONSTRAINT_OPTION(norm_options, gamma_constraint),
    LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  *out = *in;
  return lub_check_axes("layer_normalization", &((const norm_options *)layer->options)->axis, in, err);
}

/* Keras sorts the axes as they are written, so that negative ones come first. That is how the sizes of gamma and beta
 * stand; their elements lie in the order of the input's axes in any case. */
static lub_shape weight_shape(const lub_shape *axes, const lub_shape *in) {
  lub_shape sorted = *axes;
  for (int i = 1; i < sorted.ndim; i++)
    for (int j = i; j > 0 && sorted.dim[j] < sorted.dim[j - 1]; j--) {
      const int64_t axis = sorted.dim[j];
      sorted.dim[j] = sorted.dim[j - 1], sorted.dim[j - 1] = axis;
    }
  for (int i = 0; i < sorted.ndim; i++) sorted.dim[i] = in->dim[lub_axis_at(sorted.dim[i], in)];
  return sorted;
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const norm_options *o = layer->options;
  const lub_shape shape = weight_shape(&o->axis, in);
  int count = 0;
  if (o->scale)
    param[count++] = (lub_param){.name = "gamma", LUB_OPTIONS_OF(gamma), .trainable = true};
  if (o->center)
    param[count++] = (lub_param){.name = "beta", LUB_OPTIONS_OF(beta), .trainable = true};
  for (int i = 0; i < count; i++) {
    param[i].shape = shape;
    lub_fans_of(&shape, &param[i].fan_in, &param[i].fan_out);
  }
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

/* One group forward: x to y. */
static void normalize(const norm_options *o, const float *gamma, const float *beta, int64_t n, const float *x,
                      float *y) {
  const moments m = moments_of(x, n, o->epsilon);
  for (int64_t i = 0; i < n; i++) y[i] = (float)((x[i] - m.mean) * m.inverse);
  for (int64_t i = 0; i < n && gamma; i++) y[i] *= gamma[i];
  for (int64_t i = 0; i < n && beta; i++) y[i] += beta[i];
}

static void forward(const lub_pass *pass) {
  const norm_options *o = pass->layer->options;
  const lub_groups groups = lub_groups_of(&o->axis, pass->in);
  const int64_t n = groups.size;
  const float *gamma = o->scale ? pass->layer->param[0].value : NULL;
  const float *beta = o->center ? pass->layer->param[o->scale].value : NULL;
  for (int64_t g = 0; g < groups.count; g++) {
    if (groups.together) {
      normalize(o, gamma, beta, n, pass->x[0] + g * n, pass->y + g * n);
      continue;
    }
    lub_gather(&groups, g, pass->x[0], pass->scratch);
    normalize(o, gamma, beta, n, pass->scratch, pass->scratch + n);
    lub_scatter(&groups, g, pass->scratch + n, pass->y);
  }
}

/* Where one group's gradients go; NULL where not wanted. */
typedef struct gradients {
  float *x, *gamma, *beta;
} gradients;

static void give_back(const norm_options *o, const float *gamma, int64_t n, const float *x, const float *gy,
                      gradients to) {
  const moments m = moments_of(x, n, o->epsilon);
  double sums[LANES] = {0}, products[LANES] = {0}; /* of g, and of g and z */
  for (int64_t i = 0; i < n; i++) {
    const double z = (x[i] - m.mean) * m.inverse, g = gamma ? (double)gy[i] * gamma[i] : gy[i];
    sums[i % LANES] += g, products[i % LANES] += g * z;
    if (to.gamma) to.gamma[i] += (float)(gy[i] * z);
    if (to.beta) to.beta[i] += gy[i];
  }
  const double sum = lanes_sum(sums), product = lanes_sum(products);
  for (int64_t i = 0; i < n && to.x; i++) {
    const double z = (x[i] - m.mean) * m.inverse, g = gamma ? (double)gy[i] * gamma[i] : gy[i];
    to.x[i] += (float)((g - (sum + z * product) / (double)n) * m.inverse);
  }
}

static void backward(const lub_pass *pass) {
  const norm_options *o = pass->layer->options;
  const lub_groups groups = lub_groups_of(&o->axis, pass->in);
  const int64_t n = groups.size;
  const float *gamma = o->scale ? pass->layer->param[0].value : NULL;
  gradients to = {.gamma = o->scale ? pass->gparam[0] : NULL, .beta = o->center ? pass->gparam[o->scale] : NULL};
  float *x = pass->scratch, *gy = x + n, *gx = gy + n;
  for (int64_t g = 0; g < groups.count; g++) {
    if (groups.together) {
      to.x = pass->gx[0] ? pass->gx[0] + g * n : NULL;
      give_back(o, gamma, n, pass->x[0] + g * n, pass->gy + g * n, to);
      continue;
    }
    lub_gather(&groups, g, pass->x[0], x);
    lub_gather(&groups, g, pass->gy, gy);
    memset(gx, 0, sizeof(float) * (size_t)n);
    to.x = gx;
    give_back(o, gamma, n, x, gy, to);
    if (pass->gx[0]) lub_scatter_add(&groups, g, gx, pass->gx[0]);
  }
}

/* A group's x, and y or the gradients of both, where they do not lie together. */
static int64_t scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out) {
  (void)out;
  const lub_groups groups = lub_groups_of(&((const norm_options *)layer->options)->axis, in);
  return groups.together ? 0 : 3 * groups.size;
}

const lub_layer_kind lub_layer_normalization_kind = {.name = "LayerNormalization",
                                                     .options = options,
                                                     .options_size = sizeof(norm_options),
                                                     .activation_at = -1,
                                                     .inputs = 1,
                                                     .output_shape = output_shape,
                                                     .params = params,
                                                     .scratch = scratch,
                                                     .forward = forward,
                                                     .backward = backward};
