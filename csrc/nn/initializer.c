#include "nn/initializer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* === options === */

typedef struct seeded {
  int64_t seed;
} seeded;

typedef struct scaling {
  int64_t seed;
  double scale;
  int mode, distribution;
} scaling;

/* Two numbers: mean and stddev, minval and maxval, gain, value. */
typedef struct numbers {
  int64_t seed;
  double a, b;
} numbers;

enum { FAN_IN, FAN_OUT, FAN_AVG };
enum { TRUNCATED, UNTRUNCATED, UNIFORM };

static const char *const modes[] = {"fan_in", "fan_out", "fan_avg", NULL};
static const char *const distributions[] = {"truncated_normal", "untruncated_normal", "uniform", NULL};

#define SEED                                                                                                           \
  { .name = "seed", .type = LUB_OPTION_INT, .offset = 0, .nullable = true, .none = true, .min = 0, .max = 0x1p53 }
#define NUMBER(text, field, value, low)                                                                                \
  {                                                                                                                    \
    .name = text, .type = LUB_OPTION_NUMBER, .offset = offsetof(numbers, field), .fallback = value, .min = low,        \
    .max = INFINITY                                                                                                    \
  }

static const lub_option seed_options[] = {SEED, LUB_OPTIONS_END};
static const lub_option no_options[] = {LUB_OPTIONS_END};
static const lub_option scaling_options[] = {{.name = "scale",
                                              .type = LUB_OPTION_NUMBER,
                                              .offset = offsetof(scaling, scale),
                                              .fallback = 1,
                                              .min = 1e-30,
                                              .max = INFINITY},
                                             {.name = "mode",
                                              .type = LUB_OPTION_CHOICE,
                                              .offset = offsetof(scaling, mode),
                                              .choices = modes,
                                              .fallback = FAN_IN},
                                             {.name = "distribution",
                                              .type = LUB_OPTION_CHOICE,
                                              .offset = offsetof(scaling, distribution),
                                              .choices = distributions,
                                              .fallback = TRUNCATED},
                                             SEED,
                                             LUB_OPTIONS_END};
static const lub_option uniform_options[] = {NUMBER("minval", a, -0.05, -INFINITY),
                                             NUMBER("maxval", b, 0.05, -INFINITY), SEED, LUB_OPTIONS_END};
static const lub_option normal_options[] = {NUMBER("mean", a, 0, -INFINITY), NUMBER("stddev", b, 0.05, 0), SEED,
                                            LUB_OPTIONS_END};
static const lub_option orthogonal_options[] = {NUMBER("gain", a, 1, -INFINITY), SEED, LUB_OPTIONS_END};
static const lub_option constant_options[] = {NUMBER("value", a, 0, -INFINITY), LUB_OPTIONS_END};

const lub_object_kind lub_initializer_kinds[] = {
    [LUB_GLOROT_UNIFORM] = {"glorot_uniform", "GlorotUniform", seed_options},
    [LUB_GLOROT_NORMAL] = {"glorot_normal", "GlorotNormal", seed_options},
    [LUB_HE_UNIFORM] = {"he_uniform", "HeUniform", seed_options},
    [LUB_HE_NORMAL] = {"he_normal", "HeNormal", seed_options},
    [LUB_LECUN_UNIFORM] = {"lecun_uniform", "LecunUniform", seed_options},
    [LUB_LECUN_NORMAL] = {"lecun_normal", "LecunNormal", seed_options},
    [LUB_VARIANCE_SCALING] = {"variance_scaling", "VarianceScaling", scaling_options},
    [LUB_RANDOM_UNIFORM] = {"random_uniform", "RandomUniform", uniform_options},
    [LUB_RANDOM_NORMAL] = {"random_normal", "RandomNormal", normal_options},
    [LUB_TRUNCATED_NORMAL] = {"truncated_normal", "TruncatedNormal", normal_options},
    [LUB_ORTHOGONAL] = {"orthogonal", "Orthogonal", orthogonal_options},
    [LUB_ZEROS] = {"zeros", "Zeros", no_options},
    [LUB_ONES] = {"ones", "Ones", no_options},
    [LUB_CONSTANT] = {"constant", "Constant", constant_options},
    [LUB_CONSTANT + 1] = {NULL, NULL, NULL}};

void lub_fans_of(const lub_shape *shape, int64_t *fan_in, int64_t *fan_out) {
  int64_t places = 1;
  for (int i = 0; i < shape->ndim - 2; i++) places *= shape->dim[i];
  *fan_in = places * shape->dim[shape->ndim >= 2 ? shape->ndim - 2 : 0];
  *fan_out = places * shape->dim[shape->ndim - 1];
}

void lub_initializer_default(lub_initializer kind, lub_object *object) {
  memset(object, 0, sizeof *object);
  object->kind = (int)kind;
  lub_options_defaults(lub_initializer_kinds[kind].options, object->options);
}

/* === distributions === */

/* Normal numbers; what lies beyond two deviations is drawn again, from other streams. */
static void fill_truncated(float *x, int64_t n, double mean, double deviation, uint64_t key) {
  lub_fill_normal(x, n, 0, 1, key);
  for (int64_t i = 0; i < n; i++) {
    uint64_t again = lub_mix(key, (uint64_t)i);
    while (x[i] < -2 || x[i] > 2) lub_fill_normal(&x[i], 1, 0, 1, again = lub_mix(again, 0x7A17));
    x[i] = (float)(mean + deviation * x[i]);
  }
}

static void fill_scaled(float *x, int64_t n, const scaling *how, int64_t fan_in, int64_t fan_out, uint64_t key) {
  double fan = how->mode == FAN_IN    ? (double)fan_in
               : how->mode == FAN_OUT ? (double)fan_out
                                      : 0.5 * (double)(fan_in + fan_out);
  double variance = how->scale / (fan > 1 ? fan : 1), limit = sqrt(3 * variance);
  switch (how->distribution) {
  case UNIFORM: lub_fill_uniform(x, n, -limit, limit, key); break;
  case UNTRUNCATED: lub_fill_normal(x, n, 0, sqrt(variance), key); break;
  default: fill_truncated(x, n, 0, sqrt(variance) / 0.87962566103423978, key); /* the cut takes this much off */
  }
}

/* === orthogonal === */

/* In four interleaved sums, so that additions need not wait for each other. */
static double dot(const double *a, const double *b, int64_t n) {
  double sum[4] = {0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; k++) sum[k] += a[i + k] * b[i + k];
  for (; i < n; i++) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Gram-Schmidt, each vector twice: what Q of a QR with a positive diagonal would be, so that it is uniform
 * over all orthogonal matrices. */
static void orthonormalize(double *v, int64_t count, int64_t length) {
  for (int64_t i = 0; i < count; i++) {
    double *own = v + i * length;
    for (int twice = 0; twice < 2; twice++) {
      for (int64_t j = 0; j < i; j++) {
        const double *other = v + j * length;
        double share = dot(own, other, length);
        for (int64_t k = 0; k < length; k++) own[k] -= share * other[k];
      }
      double norm = sqrt(dot(own, own, length));
      for (int64_t k = 0; k < length; k++) own[k] /= norm;
    }
  }
}

static lub_status fill_orthogonal(float *x, const lub_shape *shape, double gain, uint64_t key, lub_error *err) {
  char text[LUB_SHAPE_TEXT];
  if (shape->ndim < 2)
    return lub_fail(err, LUB_EARG, "orthogonal needs at least two dimensions, got %s",
                    lub_shape_text(shape, "?", text));
  int64_t columns = shape->dim[shape->ndim - 1], n = lub_shape_size(shape), rows = columns > 0 ? n / columns : 0;
  int64_t count = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
  if (n == 0) return LUB_OK;
  double *v = lub_alloc(sizeof(double) * (size_t)n);
  if (!v) return lub_nomem(err, "orthogonal", 8.0 * (double)n);
  lub_fill_normal(x, n, 0, 1, key);
  for (int64_t i = 0; i < n; i++) v[i] = x[i];
  orthonormalize(v, count, length);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++)
      x[r * columns + c] = (float)(gain * (rows < columns ? v[r * length + c] : v[c * length + r]));
  free(v);
  return LUB_OK;
}

/* === all of them === */

static const struct {
  int mode, distribution;
  double scale;
} named[] = {[LUB_GLOROT_UNIFORM] = {FAN_AVG, UNIFORM, 1}, [LUB_GLOROT_NORMAL] = {FAN_AVG, TRUNCATED, 1},
             [LUB_HE_UNIFORM] = {FAN_IN, UNIFORM, 2},      [LUB_HE_NORMAL] = {FAN_IN, TRUNCATED, 2},
             [LUB_LECUN_UNIFORM] = {FAN_IN, UNIFORM, 1},   [LUB_LECUN_NORMAL] = {FAN_IN, TRUNCATED, 1}};

lub_status lub_initialize(const lub_object *object, float *value, const lub_shape *shape, int64_t fan_in,
                          int64_t fan_out, uint64_t key, lub_error *err) {
  int64_t n = lub_shape_size(shape);
  const numbers *o = (const void *)object->options;
  bool random = lub_initializer_kinds[object->kind].options[0].name && object->kind != LUB_CONSTANT;
  if (random && o->seed != LUB_NONE_INT) key = lub_mix(0x5EED, (uint64_t)o->seed);
  switch ((lub_initializer)object->kind) {
  case LUB_VARIANCE_SCALING: fill_scaled(value, n, (const void *)object->options, fan_in, fan_out, key); break;
  case LUB_RANDOM_UNIFORM: lub_fill_uniform(value, n, o->a, o->b, key); break;
  case LUB_RANDOM_NORMAL: lub_fill_normal(value, n, o->a, o->b, key); break;
  case LUB_TRUNCATED_NORMAL: fill_truncated(value, n, o->a, o->b, key); break;
  case LUB_ORTHOGONAL: return fill_orthogonal(value, shape, o->a, key, err);
  case LUB_ZEROS:
  case LUB_ONES:
  case LUB_CONSTANT:
    for (int64_t i = 0; i < n; i++) value[i] = object->kind == LUB_CONSTANT ? (float)o->a : object->kind == LUB_ONES;
    break;
  default: {
    scaling how = {.mode = named[object->kind].mode,
                   .distribution = named[object->kind].distribution,
                   .scale = named[object->kind].scale};
    fill_scaled(value, n, &how, fan_in, fan_out, key);
  }
  }
  return LUB_OK;
}
