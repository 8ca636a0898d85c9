#include "tensor/blas.h"

#include <cblas.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int inside, former;

void lub_blas_enter(void) {
  pthread_mutex_lock(&lock);
  if (inside++ == 0) {
    former = openblas_get_num_threads();
    if (former != 1) openblas_set_num_threads(1);
  }
  pthread_mutex_unlock(&lock);
}

void lub_blas_leave(void) {
  pthread_mutex_lock(&lock);
  if (--inside == 0 && former != 1) openblas_set_num_threads(former);
  pthread_mutex_unlock(&lock);
}
