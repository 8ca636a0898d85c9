#include "tensor/tensor.h"

#include <string.h>

#include "tensor/walk.h"

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

static void copy_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  (void)context;
  if (step[0] == 1 && step[1] == 1) {
    memcpy(data[0], data[1], (size_t)n * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < n; i++) data[0][i * step[0]] = data[1][i * step[1]];
}

void lub_tensor_copy(const lub_tensor *out, const lub_tensor *in) {
  lub_each_row(2, (const lub_tensor *[]){out, in}, copy_row, NULL);
}

static void fill_row(void *context, int64_t n, float *const *data, const int64_t *step) {
  const float value = *(const float *)context;
  for (int64_t i = 0; i < n; i++) data[0][i * step[0]] = value;
}

void lub_tensor_fill(const lub_tensor *out, float value) {
  lub_each_row(1, (const lub_tensor *[]){out}, fill_row, &value);
}

/* The lowest and the highest address of t's elements. */
static void span(const lub_tensor *t, uintptr_t *low, uintptr_t *high) {
  *low = *high = (uintptr_t)t->data;
  for (int i = 0; i < t->shape.ndim; i++) {
    int64_t reach = (t->shape.dim[i] - 1) * t->stride[i] * (int64_t)sizeof(float);
    if (reach < 0) *low -= (uintptr_t)-reach;
    else *high += (uintptr_t)reach;
  }
}

bool lub_tensor_overlap(const lub_tensor *a, const lub_tensor *b) {
  uintptr_t a_low, a_high, b_low, b_high;
  if (lub_tensor_size(a) == 0 || lub_tensor_size(b) == 0) return false;
  span(a, &a_low, &a_high);
  span(b, &b_low, &b_high);
  return a_low <= b_high && b_low <= a_high;
}
