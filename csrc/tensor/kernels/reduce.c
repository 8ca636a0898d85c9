#include "tensor/kernels/reduce.h"

#include "base/simd.h"

/* Calls the loop with what the compiler should know as constants: full lanes side by side. */
#define FOLD(name)                                                                                                   \
  static void name(lub_fold *fold, const float *x, int64_t n, int64_t row, int lanes, int64_t lane, int64_t index_row, \
                   int64_t index_lane) {                                                                             \
    if (lanes == LUB_LANES && lane == 1) name##_loop(fold, x, n, row, LUB_LANES, 1, index_row, index_lane);          \
    else name##_loop(fold, x, n, row, lanes, lane, index_row, index_lane);                                           \
  }

#define INLINE static inline __attribute__((always_inline)) void
#define ARGUMENTS                                                                                                     \
  lub_fold *fold, const float *x, int64_t n, int64_t row, int lanes, int64_t lane, int64_t index_row,                 \
      int64_t index_lane

INLINE sum_loop(ARGUMENTS) {
  (void)index_row, (void)index_lane;
  for (int64_t i = 0; i < n; i++, x += row)
    for (int j = 0; j < lanes; j++) fold->sum[j] += (double)x[j * lane];
}
FOLD(sum)

INLINE squares_loop(ARGUMENTS) {
  (void)index_row, (void)index_lane;
  for (int64_t i = 0; i < n; i++, x += row)
    for (int j = 0; j < lanes; j++) {
      double deviation = (double)x[j * lane] - fold->mean[j];
      fold->sum[j] += deviation * deviation;
    }
}
FOLD(squares)

/* A NaN is no smaller and no greater than anything, so it is asked for by itself; once it is the best, nothing
 * beats it. */
#define EXTREME(name, beats)                                                                                         \
  INLINE name##_loop(ARGUMENTS) {                                                                                    \
    (void)index_row, (void)index_lane;                                                                               \
    for (int64_t i = 0; i < n; i++, x += row)                                                                        \
      for (int j = 0; j < lanes; j++) {                                                                              \
        float value = x[j * lane], best = fold->best[j];                                                             \
        fold->best[j] = (value beats best) | (value != value) ? value : best;                                        \
      }                                                                                                              \
  }                                                                                                                  \
  FOLD(name)                                                                                                         \
  INLINE arg##name##_loop(ARGUMENTS) {                                                                               \
    for (int64_t i = 0; i < n; i++, x += row)                                                                        \
      for (int j = 0; j < lanes; j++) {                                                                              \
        float value = x[j * lane], best = fold->best[j];                                                             \
        int better = (value beats best) | ((value != value) & (best == best));                                       \
        fold->best[j] = better ? value : best;                                                                       \
        fold->index[j] = better ? fold->first + i * index_row + j * index_lane : fold->index[j];                     \
      }                                                                                                              \
  }                                                                                                                  \
  FOLD(arg##name)

EXTREME(max, >)
EXTREME(min, <)

const lub_reduce_kernels LUB_VARIANT(lub_reduce) = {sum, squares, max, min, argmax, argmin};
