/* BatchNormalization (Ioffe and Szegedy 2015) of the channels along the last axis, or another:
 * y = gamma * (x - mean) / sqrt(variance + epsilon) + beta.
 * While training mean and (biased) variance are the batch's, and the moving ones follow them:
 * moving = momentum * moving + (1 - momentum) * batch; that needs the whole batch and is a stage's work
 * (stages/batch_norm.c). What is here uses the moving ones: inference, and a frozen layer in training, as in Keras. */
#include <math.h>

#include "nn/layers/axes.h"

#define OWN(field, kind, ...)                                                                                      \
  {.name = #field, .type = kind, .offset = offsetof(lub_batch_normalization_options, field), __VA_ARGS__}

static const lub_option options[] = {
    OWN(axis, LUB_OPTION_INT, .fallback = -1),
    OWN(momentum, LUB_OPTION_NUMBER, .fallback = 0.99, .min = 0, .max = 1),
    OWN(epsilon, LUB_OPTION_NUMBER, .fallback = 0.001, .min = 0, .max = INFINITY),
    OWN(center, LUB_OPTION_BOOL, .fallback = 1),
    OWN(scale, LUB_OPTION_BOOL, .fallback = 1),
    LUB_INITIALIZER_OPTION(lub_batch_normalization_options, beta_initializer, LUB_ZEROS),
    LUB_INITIALIZER_OPTION(lub_batch_normalization_options, gamma_initializer, LUB_ONES),
    LUB_INITIALIZER_OPTION(lub_batch_normalization_options, moving_mean_initializer, LUB_ZEROS),
    LUB_INITIALIZER_OPTION(lub_batch_normalization_options, moving_variance_initializer, LUB_ONES),
    LUB_REGULARIZER_OPTION(lub_batch_normalization_options, beta_regularizer),
    LUB_REGULARIZER_OPTION(lub_batch_normalization_options, gamma_regularizer),
    LUB_CONSTRAINT_OPTION(lub_batch_normalization_options, beta_constraint),
    LUB_CONSTRAINT_OPTION(lub_batch_normalization_options, gamma_constraint),
    LUB_OPTIONS_END};

static int64_t axis_of(const lub_layer *layer) {
  return ((const lub_batch_normalization_options *)layer->options)->axis;
}

static int64_t channels_of(const lub_layer *layer, const lub_shape *in) {
  return in->dim[lub_axis_at(axis_of(layer), in)];
}

bool lub_batch_normalization_is_last(const lub_layer *layer, const lub_shape *in) {
  return lub_is_last_axis(axis_of(layer), in);
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  lub_status status = lub_check_input("batch_normalization", in, in->ndim > 0 ? in->ndim : 1, "(N, ..., C)", err);
  if (status == LUB_OK) status = lub_check_axis("batch_normalization", axis_of(layer), in, err);
  if (status != LUB_OK) return status;
  if (layer->built && layer->param[0].shape.dim[0] != channels_of(layer, in))
    return lub_fail(err, LUB_EARG, "batch_normalization: input must have %lld channels, got %lld",
                    (long long)layer->param[0].shape.dim[0], (long long)channels_of(layer, in));
  *out = *in;
  return LUB_OK;
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const lub_batch_normalization_options *o = layer->options;
  const int64_t c = channels_of(layer, in);
  int n = 0;
  if (o->scale)
    param[n++] = (lub_param){.name = "gamma", LUB_OPTIONS_OF(gamma), .trainable = true};
  if (o->center)
    param[n++] = (lub_param){.name = "beta", LUB_OPTIONS_OF(beta), .trainable = true};
  param[n++] = (lub_param){.name = "moving_mean", .initialized_by = &o->moving_mean_initializer};
  param[n++] = (lub_param){.name = "moving_variance", .initialized_by = &o->moving_variance_initializer};
  for (int i = 0; i < n; i++) param[i].shape = (lub_shape){1, {c}}, param[i].fan_in = param[i].fan_out = c;
  return n;
}

lub_batch_normalization lub_batch_normalization_of(const lub_layer *layer) {
  const lub_batch_normalization_options *o = layer->options;
  lub_batch_normalization bn = {.gamma = -1, .beta = -1};
  int n = 0;
  if (o->scale) bn.gamma = n++;
  if (o->center) bn.beta = n++;
  bn.mean = n++;
  bn.variance = n;
  return bn;
}

void lub_batch_normalization_affine(const lub_layer *layer, int64_t c, float *scale, float *offset) {
  const lub_batch_normalization bn = lub_batch_normalization_of(layer);
  const double epsilon = ((const lub_batch_normalization_options *)layer->options)->epsilon;
  double a = (bn.gamma < 0 ? 1 : layer->param[bn.gamma].value[c]) / sqrt(layer->param[bn.variance].value[c] + epsilon);
  *scale = (float)a;
  *offset = (float)((bn.beta < 0 ? 0 : layer->param[bn.beta].value[c]) - a * layer->param[bn.mean].value[c]);
}

/* Where the elements of a channel lie: in `outer` runs of `inner`. */
typedef struct layout {
  int64_t outer, channels, inner;
} layout;

static layout layout_of(const lub_pass *pass) {
  layout l = {.channels = channels_of(pass->layer, pass->in), .inner = 1};
  for (int i = lub_axis_at(axis_of(pass->layer), pass->in) + 1; i < pass->in->ndim; i++) l.inner *= pass->in->dim[i];
  l.outer = lub_shape_size(pass->in) / (l.channels * l.inner);
  return l;
}

static void forward(const lub_pass *pass) {
  const layout l = layout_of(pass);
  for (int64_t c = 0; c < l.channels; c++) {
    float scale, offset;
    lub_batch_normalization_affine(pass->layer, c, &scale, &offset);
    for (int64_t o = 0; o < l.outer; o++) {
      const int64_t first = (o * l.channels + c) * l.inner;
      for (int64_t i = first; i < first + l.inner; i++) pass->y[i] = pass->x[0][i] * scale + offset;
    }
  }
}

static void backward(const lub_pass *pass) {
  const lub_batch_normalization bn = lub_batch_normalization_of(pass->layer);
  const layout l = layout_of(pass);
  const double epsilon = ((const lub_batch_normalization_options *)pass->layer->options)->epsilon;
  for (int64_t c = 0; c < l.channels; c++) {
    const float mean = pass->layer->param[bn.mean].value[c];
    const float inverse = (float)(1 / sqrt(pass->layer->param[bn.variance].value[c] + epsilon));
    float scale, offset;
    lub_batch_normalization_affine(pass->layer, c, &scale, &offset);
    for (int64_t o = 0; o < l.outer; o++) {
      const int64_t first = (o * l.channels + c) * l.inner;
      for (int64_t i = first; i < first + l.inner; i++) {
        if (bn.gamma >= 0) pass->gparam[bn.gamma][c] += pass->gy[i] * (pass->x[0][i] - mean) * inverse;
        if (bn.beta >= 0) pass->gparam[bn.beta][c] += pass->gy[i];
        if (pass->gx[0]) pass->gx[0][i] += pass->gy[i] * scale;
      }
    }
  }
}

const lub_layer_kind lub_batch_normalization_kind = {.name = "BatchNormalization",
                                                     .options = options,
                                                     .options_size = sizeof(lub_batch_normalization_options),
                                                     .activation_at = -1,
                                                     .inputs = 1,
                                                     .output_shape = output_shape,
                                                     .params = params,
                                                     .forward = forward,
                                                     .backward = backward};
