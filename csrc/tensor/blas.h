/* blas.h - OpenBLAS with one thread.
 *
 * Its own threads would fight with ours (base/pool.h), and change the order of sums. Everything that calls it
 * does so between lub_blas_enter and lub_blas_leave. They nest, and may be called from any
 * thread; the last one to leave gives the host program its former number of threads back. */
#ifndef LUB_TENSOR_BLAS_H
#define LUB_TENSOR_BLAS_H

void lub_blas_enter(void);
void lub_blas_leave(void);

#endif
