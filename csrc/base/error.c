#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

lub_status lub_fail(lub_error *err, lub_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  err->status = status;
  return status;
}

lub_status lub_nomem(lub_error *err, const char *what, double bytes) {
  return lub_fail(err, LUB_ENOMEM, "%s: out of memory (%.1f MB wanted)", what, bytes / 1e6);
}
