#include "tensor/view.h"

lub_tensor lub_tensor_drop_axis(const lub_tensor *t, int axis) {
  lub_tensor view = *t;
  view.shape.ndim--;
  for (int i = axis; i < view.shape.ndim; i++) {
    view.shape.dim[i] = t->shape.dim[i + 1];
    view.stride[i] = t->stride[i + 1];
  }
  return view;
}

lub_tensor lub_tensor_add_axis(const lub_tensor *t, int axis) {
  lub_tensor view = *t;
  view.shape.ndim++;
  for (int i = view.shape.ndim - 1; i > axis; i--) {
    view.shape.dim[i] = t->shape.dim[i - 1];
    view.stride[i] = t->stride[i - 1];
  }
  view.shape.dim[axis] = 1;
  view.stride[axis] = axis < t->shape.ndim ? t->shape.dim[axis] * t->stride[axis] : 1;
  return view;
}

lub_tensor lub_tensor_at(const lub_tensor *t, int64_t index) {
  lub_tensor view = lub_tensor_drop_axis(t, 0);
  view.data += index * t->stride[0];
  return view;
}

lub_tensor lub_tensor_slice(const lub_tensor *t, int axis, int64_t first, int64_t count, int64_t step) {
  lub_tensor view = *t;
  if (count > 0) view.data += first * t->stride[axis];
  view.shape.dim[axis] = count;
  view.stride[axis] = step * t->stride[axis];
  return view;
}

lub_tensor lub_tensor_permute(const lub_tensor *t, const int *order) {
  lub_tensor view = *t;
  for (int i = 0; i < t->shape.ndim; i++) {
    view.shape.dim[i] = t->shape.dim[order[i]];
    view.stride[i] = t->stride[order[i]];
  }
  return view;
}

bool lub_broadcast_shapes(const lub_shape *a, const lub_shape *b, lub_shape *both) {
  const lub_shape *longer = a->ndim >= b->ndim ? a : b, *other = longer == a ? b : a;
  int shift = longer->ndim - other->ndim;
  *both = *longer;
  for (int i = 0; i < other->ndim; i++) {
    int64_t *dim = &both->dim[i + shift];
    if (*dim == 1) *dim = other->dim[i];
    else if (other->dim[i] != 1 && other->dim[i] != *dim) return false;
  }
  return true;
}

lub_tensor lub_tensor_broadcast(const lub_tensor *t, const lub_shape *shape) {
  lub_tensor view = {.data = t->data, .shape = *shape};
  int shift = shape->ndim - t->shape.ndim;
  for (int i = 0; i < t->shape.ndim; i++)
    view.stride[i + shift] = t->shape.dim[i] == shape->dim[i + shift] ? t->stride[i] : 0;
  return view;
}
