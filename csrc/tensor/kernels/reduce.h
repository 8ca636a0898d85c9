/* reduce.h - the inner loops of reductions, one table per kernel variant.
 *
 * Each folds n rows of `lanes` elements (lanes <= LUB_LANES) into `lanes` accumulators: element (i, j) is
 * x[i * row + j * lane]. One lane is one sequential fold, so every variant gives the same bits. */
#ifndef LUB_TENSOR_KERNELS_REDUCE_H
#define LUB_TENSOR_KERNELS_REDUCE_H

#include <stdint.h>

#define LUB_LANES 32

typedef struct lub_fold {
  double sum[LUB_LANES];    /* sums, or sums of squared deviations */
  double mean[LUB_LANES];   /* deviations are from these */
  float best[LUB_LANES];    /* the extreme value so far; the first NaN stays */
  int64_t index[LUB_LANES]; /* where it was first met */
  int64_t first;            /* the index of element (0, 0) */
} lub_fold;

/* Element (i, j) has the index first + i * index_row + j * index_lane; sums ignore it. */
typedef void lub_fold_rows(lub_fold *fold, const float *x, int64_t n, int64_t row, int lanes, int64_t lane,
                           int64_t index_row, int64_t index_lane);

typedef struct lub_reduce_kernels {
  lub_fold_rows *sum, *squares, *max, *min, *argmax, *argmin;
} lub_reduce_kernels;

extern const lub_reduce_kernels lub_reduce_plain, lub_reduce_avx2, lub_reduce_avx512;

#endif
