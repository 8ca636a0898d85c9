/* walk.h - one way through the elements of several tensors at once.
 *
 * Axes that lie behind one another in every operand are merged, so that tensors without gaps are
 * one long row, and a broadcast number has step 0. What is done to a row is the caller's. */
#ifndef LUB_TENSOR_WALK_H
#define LUB_TENSOR_WALK_H

#include "tensor/tensor.h"

#define LUB_MAX_OPERANDS 3

/* Does something to n elements of each operand: operand k's are data[k][0], data[k][step[k]], ... */
typedef void lub_row(void *context, int64_t n, float *const *data, const int64_t *step);

/* Calls `row` for every row of `count` operands, in row-major order of their indices. All operands have the
 * shape of the first (see lub_tensor_broadcast). Empty tensors have no rows; a scalar is a row of one.
 * Where the first operand is without gaps its step is 1. */
void lub_each_row(int count, const lub_tensor *const *operands, lub_row *row, void *context);

#endif
