/* Adam (Kingma and Ba 2015), with Keras' epsilon outside the bias correction, amsgrad (Reddi et al. 2018), and AdamW
 * (Loshchilov and Hutter 2019), which is Adam with weight decay by default:
 * m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); amsgrad: v is the largest v so far;
 * w -= m rate sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon) */
#include "nn/optimizer.h"

#include <math.h>

typedef struct adam_options {
  lub_optimizer_options base;
  double beta_1, beta_2, epsilon;
  bool amsgrad;
} adam_options;

#define OWN_OPTIONS                                                                                                    \
  LUB_OPTIMIZER_NUMBER(adam_options, beta_1, .fallback = 0.9, .min = 0, .max = 1, .below_max = true),                  \
      LUB_OPTIMIZER_NUMBER(adam_options, beta_2, .fallback = 0.999, .min = 0, .max = 1, .below_max = true),            \
      LUB_OPTIMIZER_NUMBER(adam_options, epsilon, .fallback = 1e-7, .min = 0, .max = INFINITY),                        \
      {.name = "amsgrad", .type = LUB_OPTION_BOOL, .offset = offsetof(adam_options, amsgrad)}, LUB_OPTIONS_END

static const lub_option adam_table[] = {LUB_OPTIMIZER_BASE(adam_options, 0.001, false, 0), OWN_OPTIONS};
static const lub_option adamw_table[] = {LUB_OPTIMIZER_BASE(adam_options, 0.001, true, 0.004), OWN_OPTIONS};

static int slots(const void *p, const char **names) {
  names[0] = "momentum", names[1] = "velocity", names[2] = "velocity_hat";
  return ((const adam_options *)p)->amsgrad ? 3 : 2;
}

/* beta^t by repeated squaring: libm's pow may differ between machines. */
static double power(double beta, int64_t t) {
  double result = 1;
  for (; t > 0; t >>= 1, beta *= beta)
    if (t & 1) result *= beta;
  return result;
}

/* m and v move towards g; the arrays are apart, so that gcc makes vectors of both loops. */
static void move_moments(float *restrict m, float *restrict v, const float *restrict g, float keep_1, float keep_2,
                         int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    m[i] += (g[i] - m[i]) * keep_1;
    v[i] += (g[i] * g[i] - v[i]) * keep_2;
  }
}

static void move_weights(float *restrict w, const float *restrict m, const float *restrict v, float rate, float epsilon,
                         int64_t n) {
  for (int64_t i = 0; i < n; i++) w[i] -= m[i] * rate / (sqrtf(v[i]) + epsilon);
}

static void update(const void *p, int64_t t, float *w, const float *g, float *const *slot, int64_t n) {
  const adam_options *o = p;
  const float rate = (float)(o->base.learning_rate * sqrt(1 - power(o->beta_2, t)) / (1 - power(o->beta_1, t)));
  float *v = slot[1], *most = o->amsgrad ? slot[2] : v;
  move_moments(slot[0], v, g, (float)(1 - o->beta_1), (float)(1 - o->beta_2), n);
  for (int64_t i = 0; o->amsgrad && i < n; i++)
    if (!(most[i] >= v[i])) most[i] = v[i];
  move_weights(w, slot[0], most, rate, (float)o->epsilon, n);
}

const lub_optimizer_kind lub_adam_kind = {
    .name = "Adam", .options = adam_table, .options_size = sizeof(adam_options), .slots = slots, .update = update};
const lub_optimizer_kind lub_adamw_kind = {
    .name = "AdamW", .options = adamw_table, .options_size = sizeof(adam_options), .slots = slots, .update = update};
