/* RMSprop (Hinton 2012): v = rho v + (1 - rho) g^2; step = rate g / sqrt(v + epsilon), where v becomes v - a^2 with
 * a = rho a + (1 - rho) g if centered; w -= step, or with momentum m = momentum m + step and w -= m. */
#include "nn/optimizer.h"

#include <math.h>

typedef struct rmsprop_options {
  lub_optimizer_options base;
  double rho, momentum, epsilon;
  bool centered;
} rmsprop_options;

static const lub_option options[] = {
    LUB_OPTIMIZER_BASE(rmsprop_options, 0.001, false, 0),
    LUB_OPTIMIZER_NUMBER(rmsprop_options, rho, .fallback = 0.9, .min = 0, .max = 1),
    LUB_OPTIMIZER_NUMBER(rmsprop_options, momentum, .min = 0, .max = 1),
    LUB_OPTIMIZER_NUMBER(rmsprop_options, epsilon, .fallback = 1e-7, .min = 0, .max = INFINITY),
    {.name = "centered", .type = LUB_OPTION_BOOL, .offset = offsetof(rmsprop_options, centered)},
    LUB_OPTIONS_END};

static int slots(const void *p, const char **names) {
  const rmsprop_options *o = p;
  int n = 0;
  names[n++] = "velocity";
  if (o->momentum > 0) names[n++] = "momentum";
  if (o->centered) names[n++] = "average_gradient";
  return n;
}

static void update(const void *p, int64_t iteration, float *w, const float *g, float *const *slot, int64_t n) {
  const rmsprop_options *o = p;
  const float rate = (float)o->base.learning_rate, rho = (float)o->rho, rest = (float)(1 - o->rho);
  const float momentum = (float)o->momentum, epsilon = (float)o->epsilon;
  float *v = slot[0], *m = momentum > 0 ? slot[1] : NULL, *a = o->centered ? slot[m ? 2 : 1] : NULL;
  (void)iteration;
  for (int64_t i = 0; i < n; i++) {
    v[i] = rho * v[i] + rest * (g[i] * g[i]);
    float square = v[i];
    if (a) {
      a[i] = rho * a[i] + rest * g[i];
      square -= a[i] * a[i];
    }
    float step = rate * g[i] / sqrtf(square + epsilon);
    if (m) step = m[i] = momentum * m[i] + step;
    w[i] -= step;
  }
}

const lub_optimizer_kind lub_rmsprop_kind = {
    .name = "RMSprop", .options = options, .options_size = sizeof(rmsprop_options), .slots = slots, .update = update};
