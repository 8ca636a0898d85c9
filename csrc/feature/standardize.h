/* standardize.h - features with mean 0 and standard deviation 1: statistics in double, and their use. */
#ifndef LUB_FEATURE_STANDARDIZE_H
#define LUB_FEATURE_STANDARDIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/shape.h"

/* Each of `groups` runs of `size` numbers becomes (x - mean) / deviation of its own; where all are equal, zeros. */
void lub_standardize(float *x, int64_t groups, int64_t size);

/* The number of groups when the axes with kept[axis] have statistics of their own: the product of their sizes. */
int64_t lub_moment_groups(const lub_shape *shape, const bool *kept);

/* Of a row-major array: mean[group], and squares[group] = the sum of (x - mean)^2 over the group; groups in
 * row-major order of the kept axes. In two passes, so that a large mean costs no digits. Every group has size /
 * groups of them. */
void lub_moments(const float *x, const lub_shape *shape, const bool *kept, double *mean, double *squares);

/* x[row][i] = (x[row][i] - mean[i]) / scale[i], i < size; in float, like tensors. */
void lub_scale_rows(float *x, int64_t rows, int64_t size, const float *mean, const float *scale);

#endif
