#include "tensor/elementwise.h"

#include <math.h>
#include <stddef.h>

#include "base/cpu.h"
#include "tensor/kernels/rows.h"
#include "tensor/view.h"

static const lub_row_kernels *kernels(void) {
#ifdef LUB_ONLY_PLAIN
  return &lub_rows_plain;
#else
  static const lub_row_kernels *const table[LUB_CPU_COUNT] = {&lub_rows_plain, &lub_rows_avx2, &lub_rows_avx512};
  return table[lub_cpu_variant()];
#endif
}

static void pow_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  (void)context;
  for (int64_t i = 0; i < n; i++) data[0][i] = powf(data[1][i * step[1]], data[2][i * step[2]]);
}

static void exp_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  (void)context;
  for (int64_t i = 0; i < n; i++) data[0][i] = expf(data[1][i * step[1]]);
}

static void log_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  (void)context;
  for (int64_t i = 0; i < n; i++) data[0][i] = logf(data[1][i * step[1]]);
}

void lub_binary(lub_binary_op op, const lub_tensor *out, const lub_tensor *a, const lub_tensor *b) {
  const lub_row_kernels *k = kernels();
  lub_row *const rows[] = {[LUB_ADD] = k->add, [LUB_SUB] = k->sub, [LUB_MUL] = k->mul,
                           [LUB_DIV] = k->div, [LUB_POW] = pow_row, [LUB_MAXIMUM] = k->maximum,
                           [LUB_MINIMUM] = k->minimum};
  lub_tensor wide_a = lub_tensor_broadcast(a, &out->shape), wide_b = lub_tensor_broadcast(b, &out->shape);
  lub_each_row(3, (const lub_tensor *[]){out, &wide_a, &wide_b}, rows[op], NULL);
}

void lub_unary(lub_unary_op op, const lub_tensor *out, const lub_tensor *in) {
  const lub_row_kernels *k = kernels();
  lub_row *const rows[] = {
      [LUB_NEG] = k->neg, [LUB_ABS] = k->abs, [LUB_SQRT] = k->sqrt, [LUB_EXP] = exp_row, [LUB_LOG] = log_row};
  lub_each_row(2, (const lub_tensor *[]){out, in}, rows[op], NULL);
}

void lub_clamp(const lub_tensor *out, const lub_tensor *in, float low, float high) {
  float bounds[2] = {low, high};
  lub_each_row(2, (const lub_tensor *[]){out, in}, kernels()->clamp, bounds);
}

/* === comparisons === */

static void equal_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  bool same = true;
  for (int64_t i = 0; i < n; i++) same &= data[0][i * step[0]] == data[1][i * step[1]];
  *(bool *)context &= same;
}

bool lub_tensor_equal(const lub_tensor *a, const lub_tensor *b) {
  bool same = true;
  if (!lub_shape_equal(&a->shape, &b->shape)) return false;
  lub_each_row(2, (const lub_tensor *[]){a, b}, equal_row, &same);
  return same;
}

typedef struct tolerance {
  double rtol, atol;
  bool equal_nan, close;
} tolerance;

static void close_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  tolerance *t = context;
  for (int64_t i = 0; i < n; i++) {
    double a = (double)data[0][i * step[0]], b = (double)data[1][i * step[1]];
    bool close = isfinite(a) && isfinite(b) ? fabs(a - b) <= t->atol + t->rtol * fabs(b) : a == b;
    t->close &= close || (t->equal_nan && isnan(a) && isnan(b));
  }
}

bool lub_tensor_close(const lub_tensor *a, const lub_tensor *b, double rtol, double atol, bool equal_nan) {
  tolerance t = {rtol, atol, equal_nan, true};
  lub_shape both;
  if (!lub_broadcast_shapes(&a->shape, &b->shape, &both)) return false;
  lub_tensor wide_a = lub_tensor_broadcast(a, &both), wide_b = lub_tensor_broadcast(b, &both);
  lub_each_row(2, (const lub_tensor *[]){&wide_a, &wide_b}, close_row, &t);
  return t.close;
}

static void nan_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  bool found = false;
  for (int64_t i = 0; i < n; i++) found |= isnan(data[0][i * step[0]]);
  *(bool *)context |= found;
}

bool lub_tensor_has_nan(const lub_tensor *t) {
  bool found = false;
  lub_each_row(1, (const lub_tensor *[]){t}, nan_row, &found);
  return found;
}

static void finite_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  bool finite = true;
  for (int64_t i = 0; i < n; i++) finite &= (bool)isfinite(data[0][i * step[0]]);
  *(bool *)context &= finite;
}

bool lub_tensor_finite(const lub_tensor *t) {
  bool finite = true;
  lub_each_row(1, (const lub_tensor *[]){t}, finite_row, &finite);
  return finite;
}
