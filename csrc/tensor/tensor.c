#include "tensor/tensor.h"

lub_tensor lub_tensor_over(float *data, const lub_shape *shape) {
  lub_tensor t = {.data = data, .shape = *shape};
  int64_t step = 1;
  for (int i = shape->ndim - 1; i >= 0; i--) {
    t.stride[i] = step;
    step *= shape->dim[i];
  }
  return t;
}

bool lub_tensor_contiguous(const lub_tensor *t) {
  int64_t step = 1;
  for (int i = t->shape.ndim - 1; i >= 0; i--) {
    if (t->shape.dim[i] == 0) return true;
    if (t->shape.dim[i] > 1 && t->stride[i] != step) return false;
    step *= t->shape.dim[i];
  }
  return true;
}

int64_t lub_tensor_size(const lub_tensor *t) { return lub_shape_size(&t->shape); }

static void copy_axis(float *out, const int64_t *out_stride, const float *in, const int64_t *in_stride,
                      const int64_t *dim, int ndim) {
  if (ndim == 0) {
    *out = *in;
    return;
  }
  for (int64_t i = 0; i < *dim; i++) {
    if (ndim == 1) out[i * *out_stride] = in[i * *in_stride];
    else copy_axis(out + i * *out_stride, out_stride + 1, in + i * *in_stride, in_stride + 1, dim + 1, ndim - 1);
  }
}

void lub_tensor_copy(const lub_tensor *out, const lub_tensor *in) {
  copy_axis(out->data, out->stride, in->data, in->stride, in->shape.dim, in->shape.ndim);
}
