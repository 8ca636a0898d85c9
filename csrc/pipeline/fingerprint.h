/* fingerprint.h - what tells whether a recording is the same as before: cheaply, by its file, and surely, by a hash
 * of its content, in parallel over recordings. */
#ifndef LUB_PIPELINE_FINGERPRINT_H
#define LUB_PIPELINE_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A file that has all of these as before has not been written to, unless somebody set its time back. */
typedef struct lub_identity {
  int64_t device, inode, size, mtime; /* mtime: ns since 1970 */
} lub_identity;

/* LUB_EWORLD "path: reason". */
lub_status lub_identify(const char *path, lub_identity *identity, lub_error *err);

/* What is hashed: a file, or `size` bytes in memory, and behind them `extra` of its own (what else matters). */
typedef struct lub_content {
  const char *path; /* NULL: memory */
  const void *bytes;
  int64_t size;
  int64_t extra[4];
} lub_content;

typedef struct lub_fingerprints lub_fingerprints;

/* A job over count >= 1 contents, which must outlive it. Free with lub_fingerprints_free. */
lub_status lub_fingerprints_new(lub_fingerprints **out, const lub_content *contents, int64_t count, lub_error *err);
void lub_fingerprints_free(lub_fingerprints *job);
/* Works for about 20 ms; returns how many are done, with or without success. */
int64_t lub_fingerprints_advance(lub_fingerprints *job);
/* The hash of content i; NULL where its file could not be read. */
const uint64_t *lub_fingerprint(const lub_fingerprints *job, int64_t i);

#endif
