#include "tensor/walk.h"

typedef struct axes {
  int ndim;
  int64_t dim[LUB_MAX_DIMS];
  int64_t stride[LUB_MAX_OPERANDS][LUB_MAX_DIMS];
} axes;

/* Adds an axis behind the others, as one with the last where every operand's elements allow. */
static void add_axis(axes *a, int count, const lub_tensor *const *operands, int axis) {
  int64_t dim = operands[0]->shape.dim[axis];
  int last = a->ndim - 1;
  bool merge = last >= 0;
  for (int k = 0; merge && k < count; k++) merge = a->stride[k][last] == dim * operands[k]->stride[axis];
  if (!merge) a->dim[last = a->ndim++] = 1;
  a->dim[last] *= dim;
  for (int k = 0; k < count; k++) a->stride[k][last] = operands[k]->stride[axis];
}

void lub_each_row(int count, const lub_tensor *const *operands, lub_row *row, void *context) {
  const lub_shape *shape = &operands[0]->shape;
  axes a = {0};
  for (int i = 0; i < shape->ndim; i++) {
    if (shape->dim[i] == 0) return;
    if (shape->dim[i] > 1) add_axis(&a, count, operands, i);
  }

  float *data[LUB_MAX_OPERANDS];
  int64_t step[LUB_MAX_OPERANDS], index[LUB_MAX_DIMS] = {0}, n = 1;
  int outer = a.ndim - 1;
  if (outer >= 0) n = a.dim[outer];
  for (int k = 0; k < count; k++) {
    data[k] = operands[k]->data;
    step[k] = outer >= 0 ? a.stride[k][outer] : 1;
  }
  for (;;) {
    row(context, n, data, step);
    int axis = outer - 1;
    for (; axis >= 0; axis--) {
      for (int k = 0; k < count; k++) data[k] += a.stride[k][axis];
      if (++index[axis] < a.dim[axis]) break;
      for (int k = 0; k < count; k++) data[k] -= a.dim[axis] * a.stride[k][axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
