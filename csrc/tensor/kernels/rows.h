/* rows.h - element-wise arithmetic on rows (tensor/walk.h), one table per kernel variant.
 *
 * Operand 0 is the result, its step is 1, and it shares no memory with the others. Every operation
 * is rounded once, so all variants give the same bits. */
#ifndef LUB_TENSOR_KERNELS_ROWS_H
#define LUB_TENSOR_KERNELS_ROWS_H

#include "tensor/walk.h"

typedef struct lub_row_kernels {
  lub_row *add, *sub, *mul, *div, *maximum, *minimum; /* out, a, b */
  lub_row *neg, *abs, *sqrt;                          /* out, a */
  lub_row *clamp;                                     /* out, a; context: float[2], the bounds */
} lub_row_kernels;

extern const lub_row_kernels lub_rows_plain, lub_rows_avx2, lub_rows_avx512;

#endif
