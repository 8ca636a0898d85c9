/* blas.h - OpenBLAS with one thread per call: the parallelism is ours (base/pool.h). */
#ifndef LUB_BASE_BLAS_H
#define LUB_BASE_BLAS_H

/* Sets OpenBLAS to one thread for the whole process and returns the former number for lub_blas_restore. */
int lub_blas_single(void);
void lub_blas_restore(int threads);

#endif
