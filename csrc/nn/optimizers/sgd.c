/* SGD: w -= rate g; with momentum m = momentum m - rate g, and w += m, or, with nesterov, w += momentum m - rate g. */
#include "nn/optimizer.h"

typedef struct sgd_options {
  lub_optimizer_options base;
  double momentum;
  bool nesterov;
} sgd_options;

static const lub_option options[] = {
    LUB_OPTIMIZER_BASE(sgd_options, 0.01, false, 0),
    LUB_OPTIMIZER_NUMBER(sgd_options, momentum, .min = 0, .max = 1),
    {.name = "nesterov", .type = LUB_OPTION_BOOL, .offset = offsetof(sgd_options, nesterov)},
    LUB_OPTIONS_END};

static int slots(const void *p, const char **names) {
  const sgd_options *o = p;
  names[0] = "momentum";
  return o->momentum != 0;
}

static void update(const void *p, int64_t iteration, float *w, const float *g, float *const *slot, int64_t n) {
  const sgd_options *o = p;
  const float rate = (float)o->base.learning_rate, momentum = (float)o->momentum;
  (void)iteration;
  if (o->momentum == 0) {
    for (int64_t i = 0; i < n; i++) w[i] -= rate * g[i];
    return;
  }
  float *m = slot[0];
  for (int64_t i = 0; i < n; i++) {
    m[i] = m[i] * momentum - g[i] * rate;
    w[i] += o->nesterov ? m[i] * momentum - g[i] * rate : m[i];
  }
}

const lub_optimizer_kind lub_sgd_kind = {
    .name = "SGD", .options = options, .options_size = sizeof(sgd_options), .slots = slots, .update = update};
