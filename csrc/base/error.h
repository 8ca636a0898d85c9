/* error.h - how the engine reports failures.
 *
 * No function of the engine prints, exits or aborts. One that can fail returns
 * a lub_status and writes a message into the caller's lub_error (never NULL).
 * The status says whose failure it is, so that a binding can choose its form. */
#ifndef LUB_BASE_ERROR_H
#define LUB_BASE_ERROR_H

typedef enum lub_status {
  LUB_OK = 0,
  LUB_EARG,   /* the caller's mistake: a wrong shape, option or value */
  LUB_EWORLD, /* the world's failure: a missing file, a full disk; message "path: reason" */
  LUB_ENOMEM  /* out of memory */
} lub_status;

typedef struct lub_error {
  lub_status status;
  char message[1024];
} lub_error;

/* Fills err and returns status, so that `return lub_fail(err, ...)` reads well. */
lub_status lub_fail(lub_error *err, lub_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* lub_fail for a failed allocation of `bytes` for `what`. */
lub_status lub_nomem(lub_error *err, const char *what, double bytes);

#endif
