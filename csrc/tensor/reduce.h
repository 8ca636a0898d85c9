/* reduce.h - sums, means, extremes and their places along one axis.
 *
 * Sums, means and variances are made in double. The order of additions depends on shape and strides
 * alone. NaN is treated as NumPy does: an extreme of elements with a NaN is NaN, and its place the first NaN's. */
#ifndef LUB_TENSOR_REDUCE_H
#define LUB_TENSOR_REDUCE_H

#include "tensor/tensor.h"

typedef enum lub_reduction {
  LUB_SUM,    /* empty: 0 */
  LUB_MEAN,   /* empty: NaN */
  LUB_VAR,    /* the mean squared deviation: sum / (n - ddof); NaN where n <= ddof */
  LUB_STD,    /* its square root */
  LUB_MAX,    /* empty: an error */
  LUB_MIN,
  LUB_ARGMAX, /* the index of the first greatest element, counted from 0 */
  LUB_ARGMIN
} lub_reduction;

/* Takes the result for output number `at` (row-major over the remaining axes). */
typedef void lub_reduced(void *context, int64_t at, double value);

/* Reduces axis `axis` of `in` and hands every result over. Fails with LUB_EARG for an extreme of nothing. */
lub_status lub_reduce(lub_reduction reduction, const lub_tensor *in, int axis, int64_t ddof, lub_reduced *result,
                      void *context, lub_error *err);

#endif
