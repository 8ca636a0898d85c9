#include "nn/optimizer.h"

#include <math.h>

/* === SGD: w -= learning_rate * g === */

typedef struct sgd_options {
  lub_optimizer_options base;
} sgd_options;

static const lub_option sgd_table[] = {
    {.name = "learning_rate", .type = LUB_OPTION_NUMBER, .offset = offsetof(lub_optimizer_options, learning_rate), .fallback = 0.01, .min = 0, .max = INFINITY},
    LUB_OPTIONS_END};

static void sgd_update(const void *options, int64_t iteration, float *w, const float *g, float *const *slots, int64_t n) {
  (void)iteration, (void)slots;
  float rate = (float)((const sgd_options *)options)->base.learning_rate;
  for (int64_t i = 0; i < n; i++) w[i] -= rate * g[i];
}

/* === Adam (Kingma and Ba 2015), with Keras' epsilon outside the bias correction ===
 * m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); w -= m * rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon) */

typedef struct adam_options {
  lub_optimizer_options base;
  double beta_1, beta_2, epsilon;
} adam_options;

static const lub_option adam_table[] = {
    {.name = "learning_rate", .type = LUB_OPTION_NUMBER, .offset = offsetof(adam_options, base.learning_rate), .fallback = 0.001, .min = 0, .max = INFINITY},
    {.name = "beta_1", .type = LUB_OPTION_NUMBER, .offset = offsetof(adam_options, beta_1), .fallback = 0.9, .min = 0, .max = 1, .below_max = true},
    {.name = "beta_2", .type = LUB_OPTION_NUMBER, .offset = offsetof(adam_options, beta_2), .fallback = 0.999, .min = 0, .max = 1, .below_max = true},
    {.name = "epsilon", .type = LUB_OPTION_NUMBER, .offset = offsetof(adam_options, epsilon), .fallback = 1e-7, .min = 0, .max = INFINITY},
    LUB_OPTIONS_END};

/* beta^t by repeated squaring: libm's pow may differ between machines. */
static double power(double beta, int64_t t) {
  double result = 1;
  for (; t > 0; t >>= 1, beta *= beta)
    if (t & 1) result *= beta;
  return result;
}

static void adam_update(const void *options, int64_t t, float *w, const float *g, float *const *slots, int64_t n) {
  const adam_options *o = options;
  float rate = (float)(o->base.learning_rate * sqrt(1 - power(o->beta_2, t)) / (1 - power(o->beta_1, t)));
  float keep_1 = (float)(1 - o->beta_1), keep_2 = (float)(1 - o->beta_2), epsilon = (float)o->epsilon;
  float *m = slots[0], *v = slots[1];
  for (int64_t i = 0; i < n; i++) {
    m[i] += (g[i] - m[i]) * keep_1;
    v[i] += (g[i] * g[i] - v[i]) * keep_2;
    w[i] -= m[i] * rate / (sqrtf(v[i]) + epsilon);
  }
}

static const lub_optimizer_kind sgd = {
    .name = "SGD", .options = sgd_table, .options_size = sizeof(sgd_options), .update = sgd_update};

static const char *const adam_slots[] = {"m", "v", NULL};
static const lub_optimizer_kind adam = {.name = "Adam",
                                        .options = adam_table,
                                        .options_size = sizeof(adam_options),
                                        .slots = 2,
                                        .slot_names = adam_slots,
                                        .update = adam_update};

const lub_optimizer_kind *const lub_optimizer_kinds[] = {&sgd, &adam, NULL};
