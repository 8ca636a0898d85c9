#include "tensor/kernels/rows.h"

#include <math.h>

#include "base/simd.h"

/* The loop is inlined with steps that the compiler knows, and vectorized by it; other steps are rare. */
#define BINARY(name, expression)                                                                                \
  static inline __attribute__((always_inline)) void name##_loop(int64_t n, float *restrict out, const float *a, \
                                                                int64_t a_step, const float *b, int64_t b_step) { \
    for (int64_t i = 0; i < n; i++) {                                                                           \
      const float x = a[i * a_step], y = b[i * b_step];                                                         \
      out[i] = expression;                                                                                      \
    }                                                                                                           \
  }                                                                                                             \
  static void name##_row(void *context, int64_t n, float *const *data, const int64_t *step) {                   \
    (void)context;                                                                                              \
    if (step[1] == 1 && step[2] == 1) name##_loop(n, data[0], data[1], 1, data[2], 1);                          \
    else if (step[1] == 1 && step[2] == 0) name##_loop(n, data[0], data[1], 1, data[2], 0);                     \
    else if (step[1] == 0 && step[2] == 1) name##_loop(n, data[0], data[1], 0, data[2], 1);                     \
    else name##_loop(n, data[0], data[1], step[1], data[2], step[2]);                                           \
  }

#define UNARY(name, expression)                                                                               \
  static inline __attribute__((always_inline)) void name##_loop(const float *bound, int64_t n,                \
                                                                float *restrict out, const float *a, int64_t step) { \
    (void)bound;                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                                         \
      const float x = a[i * step];                                                                            \
      out[i] = expression;                                                                                    \
    }                                                                                                         \
  }                                                                                                           \
  static void name##_row(void *context, int64_t n, float *const *data, const int64_t *step) {                 \
    if (step[1] == 1) name##_loop(context, n, data[0], data[1], 1);                                           \
    else name##_loop(context, n, data[0], data[1], step[1]);                                                  \
  }

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div, x / y)
/* a NaN on either side is the result: no comparison with it holds */
BINARY(maximum, (x > y) | (x != x) ? x : y)
BINARY(minimum, (x < y) | (x != x) ? x : y)
UNARY(neg, -x)
UNARY(abs, fabsf(x))
UNARY(sqrt, sqrtf(x))
UNARY(clamp, x < bound[0] ? bound[0] : x > bound[1] ? bound[1] : x)

const lub_row_kernels LUB_VARIANT(lub_rows) = {add_row,     sub_row, mul_row, div_row,  maximum_row,
                                               minimum_row, neg_row, abs_row, sqrt_row, clamp_row};
