/* The HDF5 library as a whole: its lock and its errors. */
#include <pthread.h>
#include <stdio.h>

#include "h5/internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* the host's own handler, put back by lub_h5_leave; guarded by the lock */
static H5E_auto2_t host_handler;
static void *host_data;

void lub_h5_enter(void) {
  pthread_mutex_lock(&lock);
  H5Eget_auto2(H5E_DEFAULT, &host_handler, &host_data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void lub_h5_leave(void) {
  H5Eset_auto2(H5E_DEFAULT, host_handler, host_data);
  pthread_mutex_unlock(&lock);
}

static herr_t innermost(unsigned n, const H5E_error2_t *error, void *text) {
  if (n == 0 && error->desc) snprintf(text, 200, "%s", error->desc);
  return 0;
}

lub_status lub_h5_fail(lub_error *err, const char *object, const char *reason) {
  char words[200] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, words);
  H5Eclear2(H5E_DEFAULT);
  return lub_fail(err, LUB_EWORLD, LUB_H5_NAME ": %s%s%s%s%s%s", object ? object : "", object ? ": " : "", reason,
                  words[0] ? " (" : "", words, words[0] ? ")" : "");
}
