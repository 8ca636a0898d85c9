#include "tensor/matmul.h"

#include <cblas.h>
#include <limits.h>

/* How cblas is told of a matrix: `step` is from one row (or column, if transposed) to the next; 0 where it cannot be
 * told. A single row or column has no next one, so its step is free. */
typedef struct layout {
  CBLAS_TRANSPOSE order;
  int64_t step;
} layout;

static layout layout_of(const lub_tensor *t) {
  int row = t->shape.ndim - 2, column = row + 1;
  int64_t rows = t->shape.dim[row], columns = t->shape.dim[column];
  int64_t least_row = columns > 0 ? columns : 1, least_column = rows > 0 ? rows : 1;
  if (columns <= 1 || t->stride[column] == 1) {
    if (rows <= 1) return (layout){CblasNoTrans, least_row};
    if (t->stride[row] >= least_row) return (layout){CblasNoTrans, t->stride[row]};
  }
  if (rows <= 1 || t->stride[row] == 1) {
    if (columns <= 1) return (layout){CblasTrans, least_column};
    if (t->stride[column] >= least_column) return (layout){CblasTrans, t->stride[column]};
  }
  return (layout){CblasNoTrans, 0};
}

bool lub_gemm_reads(const lub_tensor *t) { return layout_of(t).step > 0; }

lub_status lub_gemm(const lub_tensor *out, const lub_tensor *a, const lub_tensor *b, lub_error *err) {
  int64_t m = a->shape.dim[0], k = a->shape.dim[1], n = b->shape.dim[1];
  if (m == 0 || n == 0) return LUB_OK;
  if (k == 0) {
    lub_tensor_fill(out, 0);
    return LUB_OK;
  }
  layout la = layout_of(a), lb = layout_of(b);
  if (m > INT_MAX || k > INT_MAX || n > INT_MAX || la.step > INT_MAX || lb.step > INT_MAX)
    return lub_fail(err, LUB_EARG, "a size is larger than BLAS can take");
  cblas_sgemm(CblasRowMajor, la.order, lb.order, (int)m, (int)n, (int)k, 1, a->data, (int)la.step, b->data,
              (int)lb.step, 0, out->data, (int)n);
  return LUB_OK;
}
