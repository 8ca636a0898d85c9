/* filelimit.h - a limit on file sizes (ulimit -f) as an error that a write returns, not as the end of the process. */
#ifndef LUB_BASE_FILELIMIT_H
#define LUB_BASE_FILELIMIT_H

#include <signal.h>

typedef struct lub_filelimit {
  sigset_t before, pending;
} lub_filelimit;

/* Between the two, SIGXFSZ is held back from this thread: a write that meets the limit fails with EFBIG. The signal
 * that it raised is taken away again; one that waited before stays. Pairs may be nested. */
void lub_filelimit_hold(lub_filelimit *hold);
void lub_filelimit_release(const lub_filelimit *hold);

#endif
