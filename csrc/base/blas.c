#include "base/blas.h"

#include <cblas.h>

int lub_blas_single(void) {
  int former = openblas_get_num_threads();
  if (former != 1) openblas_set_num_threads(1);
  return former;
}

void lub_blas_restore(int threads) {
  if (threads != 1) openblas_set_num_threads(threads);
}
