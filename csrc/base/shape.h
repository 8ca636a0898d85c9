/* shape.h - the extents of an array; shared by tensors and layers. */
#ifndef LUB_BASE_SHAPE_H
#define LUB_BASE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#define LUB_MAX_DIMS 8

typedef struct lub_shape {
  int ndim; /* 0: a scalar */
  int64_t dim[LUB_MAX_DIMS];
} lub_shape;

/* The number of elements; -1 where it overflows 2^62. */
int64_t lub_shape_size(const lub_shape *shape);

bool lub_shape_equal(const lub_shape *a, const lub_shape *b);

/* Writes "(8, 40, 173, 1)" into text and returns it; a dimension of -1 is printed as `unknown`
 * ("N", "None"). LUB_SHAPE_TEXT bytes always suffice. */
#define LUB_SHAPE_TEXT 192
const char *lub_shape_text(const lub_shape *shape, const char *unknown, char text[LUB_SHAPE_TEXT]);

#endif
