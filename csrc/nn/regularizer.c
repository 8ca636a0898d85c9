#include "nn/regularizer.h"

#include <math.h>

typedef struct factors {
  double l1, l2;
} factors;

#define FACTOR(field, value)                                                                                           \
  {                                                                                                                    \
    .name = #field, .type = LUB_OPTION_NUMBER, .offset = offsetof(factors, field), .fallback = value, .min = 0,        \
    .max = INFINITY                                                                                                    \
  }

static const lub_option l1_options[] = {FACTOR(l1, 0.01), LUB_OPTIONS_END};
static const lub_option l2_options[] = {FACTOR(l2, 0.01), LUB_OPTIONS_END};
static const lub_option both_options[] = {FACTOR(l1, 0), FACTOR(l2, 0), LUB_OPTIONS_END};

enum { L1, L2, L1_L2 };
const lub_object_kind lub_regularizer_kinds[] = {[L1] = {"l1", "L1", l1_options},
                                                 [L2] = {"l2", "L2", l2_options},
                                                 [L1_L2] = {"l1_l2", "L1L2", both_options},
                                                 [L1_L2 + 1] = {NULL, NULL, NULL}};

static factors factors_of(const lub_object *regularizer) {
  if (!regularizer || regularizer->kind < 0) return (factors){0, 0};
  const factors *o = (const void *)regularizer->options;
  return (factors){regularizer->kind == L2 ? 0 : o->l1, regularizer->kind == L1 ? 0 : o->l2};
}

double lub_penalty(const lub_object *regularizer, const float *w, int64_t n) {
  const factors f = factors_of(regularizer);
  double absolute = 0, square = 0;
  if (f.l1 == 0 && f.l2 == 0) return 0;
  for (int64_t i = 0; i < n; i++) {
    absolute += fabs((double)w[i]);
    square += (double)w[i] * w[i];
  }
  return f.l1 * absolute + f.l2 * square;
}

void lub_penalty_gradient(const lub_object *regularizer, const float *w, float *g, int64_t n) {
  const factors f = factors_of(regularizer);
  if (f.l1 == 0 && f.l2 == 0) return;
  const float l1 = (float)f.l1, l2 = (float)(2 * f.l2);
  for (int64_t i = 0; i < n; i++) g[i] += l2 * w[i] + (w[i] > 0 ? l1 : w[i] < 0 ? -l1 : 0);
}
