/* view.h - other looks at the same floats. Nothing here copies, allocates or checks bounds:
 * axes and indices count from 0, and the caller has made sure that they exist. */
#ifndef LUB_TENSOR_VIEW_H
#define LUB_TENSOR_VIEW_H

#include "tensor/tensor.h"

/* Element or sub-tensor `index` of axis 0; one dimension less. */
lub_tensor lub_tensor_at(const lub_tensor *t, int64_t index);

/* `count` indices of an axis: first, first + step, ...; step may be negative. */
lub_tensor lub_tensor_slice(const lub_tensor *t, int axis, int64_t first, int64_t count, int64_t step);

/* Axis i of the view is axis order[i] of t. */
lub_tensor lub_tensor_permute(const lub_tensor *t, const int *order);

/* t without axis `axis` (only its index 0), and with a new axis of size 1 before `axis`. */
lub_tensor lub_tensor_drop_axis(const lub_tensor *t, int axis);
lub_tensor lub_tensor_add_axis(const lub_tensor *t, int axis);

/* NumPy's rule: shapes are aligned at their last axis, and a size of 1 stretches. Returns false where a
 * and b do not fit; else *both is the shape of the result. */
bool lub_broadcast_shapes(const lub_shape *a, const lub_shape *b, lub_shape *both);

/* t seen with `shape`, to which it can be broadcast. Stretched axes have stride 0. */
lub_tensor lub_tensor_broadcast(const lub_tensor *t, const lub_shape *shape);

#endif
