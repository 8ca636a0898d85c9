/* matmul.h - products of matrices through OpenBLAS. */
#ifndef LUB_TENSOR_MATMUL_H
#define LUB_TENSOR_MATMUL_H

#include "tensor/tensor.h"

/* Whether the matrix in the last two axes of t can be read as it lies (its rows or its columns are without
 * gaps); lub_gemm needs that of both factors. */
bool lub_gemm_reads(const lub_tensor *t);

/* out (m, n) = a (m, k) . b (k, n) for matrices; out is row-major without gaps and shares no memory with a
 * and b. Call it between lub_blas_enter and lub_blas_leave. Fails with LUB_EARG where a size is over 2^31 - 1. */
lub_status lub_gemm(const lub_tensor *out, const lub_tensor *a, const lub_tensor *b, lub_error *err);

#endif
