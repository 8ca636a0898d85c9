/* tensor.h - views of float32 arrays, up to LUB_MAX_DIMS dimensions.
 *
 * A lub_tensor does not own its floats: whoever made them (a Lua userdata, an arena, a C array)
 * keeps them alive. Strides are in elements and may be 0 (broadcast) or negative. */
#ifndef LUB_TENSOR_TENSOR_H
#define LUB_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/shape.h"

typedef struct lub_tensor {
  float *data; /* element (0, ..., 0) */
  lub_shape shape;
  int64_t stride[LUB_MAX_DIMS];
} lub_tensor;

/* A row-major view of `data` with this shape. */
lub_tensor lub_tensor_over(float *data, const lub_shape *shape);

/* Whether the elements lie in row-major order without gaps. */
bool lub_tensor_contiguous(const lub_tensor *t);

/* The number of elements. */
int64_t lub_tensor_size(const lub_tensor *t);

/* out = in, element by element; both have the same shape and do not overlap. */
void lub_tensor_copy(const lub_tensor *out, const lub_tensor *in);

/* Every element of out = value. */
void lub_tensor_fill(const lub_tensor *out, float value);

/* Whether elements of a and b may share memory (their address ranges meet). */
bool lub_tensor_overlap(const lub_tensor *a, const lub_tensor *b);

#endif
