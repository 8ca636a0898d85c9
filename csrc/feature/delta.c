#include "feature/delta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"

const char *const lub_delta_modes[] = {"interp", "nearest", "mirror", "constant", "wrap", NULL};

/* Gram's polynomials by their recurrence: P0 = 1, P1 = x, P(k+1) = x P(k) - |P(k)|^2 / |P(k-1)|^2 P(k-1). */
static void fill_weights(double *p, double *before, int64_t width, int64_t order) {
  double half = (double)((width - 1) / 2), length = 0, length_before = 0, factorial = 1;
  for (int64_t j = 0; j < width; j++) p[j] = 1, before[j] = 0;
  length = (double)width;
  for (int64_t k = 0; k < order; k++) {
    double share = k == 0 ? 0 : length / length_before;
    length_before = length;
    length = 0;
    for (int64_t j = 0; j < width; j++) {
      double next = ((double)j - half) * p[j] - share * before[j];
      before[j] = p[j];
      p[j] = next;
      length += next * next;
    }
    factorial *= (double)(k + 1);
  }
  for (int64_t j = 0; j < width; j++) p[j] *= factorial / length;
}

lub_status lub_delta_init(lub_delta *delta, int64_t width, int64_t order, lub_delta_mode mode, lub_error *err) {
  *delta = (lub_delta){.width = width, .order = order, .mode = mode};
  if (width < 3 || width % 2 == 0)
    return lub_fail(err, LUB_EARG, "delta: width must be odd and at least 3, got %lld", (long long)width);
  if (order < 1 || order >= width)
    return lub_fail(err, LUB_EARG, "delta: order must be from 1 to width - 1, got %lld", (long long)order);
  delta->weight = lub_calloc((size_t)width, sizeof(double));
  double *before = lub_calloc((size_t)width, sizeof(double));
  bool there = delta->weight && before;
  if (there) fill_weights(delta->weight, before, width, order);
  free(before);
  if (there) return LUB_OK;
  lub_delta_free(delta);
  return lub_nomem(err, "delta", 8.0 * (double)width);
}

void lub_delta_free(lub_delta *delta) {
  free(delta->weight);
  *delta = (lub_delta){0};
}

lub_status lub_delta_check(const lub_delta *delta, int64_t n, lub_error *err) {
  if (delta->mode != LUB_DELTA_INTERP || n >= delta->width) return LUB_OK;
  return lub_fail(err, LUB_EARG, "delta: width (%lld) must be at most the number of frames (%lld) in mode 'interp'",
                  (long long)delta->width, (long long)n);
}

int64_t lub_delta_index(const lub_delta *delta, int64_t t, int64_t i, int64_t n) {
  int64_t half = (delta->width - 1) / 2, last = n - 1;
  if (delta->mode == LUB_DELTA_INTERP) {
    if (t < half) t = half;
    else if (t > last - half) t = last - half;
  }
  int64_t at = t - half + i;
  if (at >= 0 && at <= last) return at;
  switch (delta->mode) {
  case LUB_DELTA_MIRROR:
    if (last == 0) return 0;
    at %= 2 * last;
    if (at < 0) at += 2 * last;
    return at <= last ? at : 2 * last - at;
  case LUB_DELTA_CONSTANT: return -1;
  case LUB_DELTA_WRAP: return ((at % n) + n) % n;
  default: return at < 0 ? 0 : last;
  }
}

typedef struct delta_work {
  const lub_delta *delta;
  const float *x;
  float *out;
  int64_t n, inner;
} delta_work;

static void differ(void *context, int64_t chunk, int thread) {
  const delta_work *work = context;
  const lub_delta *delta = work->delta;
  int64_t n = work->n, inner = work->inner, half = (delta->width - 1) / 2;
  const float *x = work->x + chunk * n * inner;
  float *out = work->out + chunk * n * inner;
  (void)thread;
  for (int64_t t = 0; t < n; t++) {
    bool whole = t >= half && t + half < n;
    for (int64_t k = 0; k < inner; k++) {
      double sum = 0;
      for (int64_t i = 0; i < delta->width; i++) {
        int64_t at = whole ? t - half + i : lub_delta_index(delta, t, i, n);
        sum += delta->weight[i] * (at < 0 ? 0.0 : (double)x[at * inner + k]);
      }
      out[t * inner + k] = (float)sum;
    }
  }
}

void lub_delta_apply(const lub_delta *delta, const float *x, int64_t outer, int64_t n, int64_t inner, float *out) {
  delta_work work = {.delta = delta, .x = x, .out = out, .n = n, .inner = inner};
  lub_parallel(outer, lub_num_threads(), differ, &work);
}
