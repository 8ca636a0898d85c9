/* delta.h - smoothed differences over time; librosa.feature.delta.
 *
 * Each value is replaced by the order-th derivative of the polynomial of degree `order` that fits the `width` values
 * around it best (Savitzky and Golay). With P the monic polynomial of that degree that is orthogonal to all lower
 * ones over -h .. h (Gram), h = (width - 1) / 2, only P has an order-th derivative: the weights are
 *   w[j] = order! P(j) / sum P^2. */
#ifndef LUB_FEATURE_DELTA_H
#define LUB_FEATURE_DELTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* What lies beyond the ends: the polynomial of the first or last full window (its derivative is the same all
 * over), the end itself, the signal mirrored at it, zeros, or the other end. */
typedef enum lub_delta_mode {
  LUB_DELTA_INTERP,
  LUB_DELTA_NEAREST,
  LUB_DELTA_MIRROR,
  LUB_DELTA_CONSTANT,
  LUB_DELTA_WRAP
} lub_delta_mode;
/* "interp" ..., in this order, NULL at the end. */
extern const char *const lub_delta_modes[];

typedef struct lub_delta {
  int64_t width, order;
  lub_delta_mode mode;
  double *weight;
} lub_delta;

/* LUB_EARG unless width is odd and at least 3, and 1 <= order < width. Free with lub_delta_free. */
lub_status lub_delta_init(lub_delta *delta, int64_t width, int64_t order, lub_delta_mode mode, lub_error *err);
void lub_delta_free(lub_delta *delta);

/* LUB_EARG where n values are too few: mode "interp" needs a full window. */
lub_status lub_delta_check(const lub_delta *delta, int64_t n, lub_error *err);

/* Which of n values stands at place i of the window around value t, 0 <= i < width; -1: a zero. */
int64_t lub_delta_index(const lub_delta *delta, int64_t t, int64_t i, int64_t n);

/* Along the middle axis of x, (outer, n, inner) row-major; in double, rounded once. */
void lub_delta_apply(const lub_delta *delta, const float *x, int64_t outer, int64_t n, int64_t inner, float *out);

#endif
