#include "nn/optimizer.h"

#include <math.h>

const lub_optimizer_kind *const lub_optimizer_kinds[] = {&lub_sgd_kind, &lub_rmsprop_kind, &lub_adam_kind,
                                                         &lub_adamw_kind, NULL};

lub_status lub_optimizer_check(const lub_optimizer_kind *kind, const void *options, lub_error *err) {
  const lub_optimizer_options *o = options;
  if (!isnan(o->clipnorm) + !isnan(o->clipvalue) + !isnan(o->global_clipnorm) > 1)
    return lub_fail(err, LUB_EARG, "%s: only one of clipnorm, clipvalue and global_clipnorm can be given", kind->name);
  return LUB_OK;
}

int lub_optimizer_slots(const lub_optimizer_kind *kind, const void *options) {
  const char *names[LUB_MAX_SLOTS];
  return kind->slots ? kind->slots(options, names) : 0;
}

double lub_square_sum(const float *g, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)g[i] * g[i];
  return sum;
}

/* None and 0 both mean: no clipping. */
bool lub_optimizer_wants_squares(const void *options) {
  return ((const lub_optimizer_options *)options)->global_clipnorm > 0;
}

static void clip(const lub_optimizer_options *o, double squares, float *g, int64_t n) {
  double scale = 1;
  if (o->clipvalue > 0) {
    const float most = (float)o->clipvalue;
    for (int64_t i = 0; i < n; i++) g[i] = g[i] > most ? most : g[i] < -most ? -most : g[i];
    return;
  }
  if (o->clipnorm > 0) {
    double norm = sqrt(lub_square_sum(g, n));
    scale = norm > o->clipnorm || norm != norm ? o->clipnorm / norm : 1;
  } else if (o->global_clipnorm > 0) {
    double norm = sqrt(squares);
    scale = norm > o->global_clipnorm ? o->global_clipnorm / norm : 1;
    scale += norm - norm; /* an infinite norm makes everything NaN, so that it is seen */
  }
  if (scale == 1) return;
  for (int64_t i = 0; i < n; i++) g[i] = (float)(g[i] * scale);
}

void lub_optimizer_step(const lub_optimizer_kind *kind, const void *options, int64_t iteration, double squares,
                        float *w, float *g, float *const *slots, int64_t n) {
  const lub_optimizer_options *o = options;
  clip(o, squares, g, n);
  if (o->weight_decay > 0) {
    const float decay = (float)o->weight_decay, rate = (float)o->learning_rate;
    for (int64_t i = 0; i < n; i++) w[i] -= w[i] * decay * rate;
  }
  kind->update(options, iteration, w, g, slots, n);
}
