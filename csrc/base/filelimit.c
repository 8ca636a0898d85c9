#define _XOPEN_SOURCE 700
#include "base/filelimit.h"

#include <errno.h>
#include <stddef.h>

static sigset_t only_xfsz(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGXFSZ);
  return set;
}

void lub_filelimit_hold(lub_filelimit *hold) {
  sigset_t set = only_xfsz();
  sigpending(&hold->pending);
  pthread_sigmask(SIG_BLOCK, &set, &hold->before);
}

void lub_filelimit_release(const lub_filelimit *hold) {
  int reason = errno, taken;
  sigset_t set = only_xfsz(), now;
  sigpending(&now);
  if (sigismember(&now, SIGXFSZ) && !sigismember(&hold->pending, SIGXFSZ)) sigwait(&set, &taken);
  pthread_sigmask(SIG_SETMASK, &hold->before, NULL);
  errno = reason;
}
