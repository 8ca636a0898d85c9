/* zip.h - whole members out of an archive, by libzip, and an archive written whole, by ourselves (write.c says why).
 *
 * Members are found by their full names and read into memory; nothing is ever extracted to a disk, so that the paths in
 * an archive mean nothing. What a member declares is compared with what lies in the file before memory is allocated for
 * it: a member that would unpack to more than LUB_ZIP_RATIO times what it takes (beyond LUB_ZIP_SMALL), that stands in
 * the archive twice, or that is encrypted, is refused; checksums are compared.
 *
 * Errors: LUB_EWORLD "path: reason", LUB_ENOMEM. */
#ifndef LUB_ZIP_ZIP_H
#define LUB_ZIP_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/aside.h"
#include "base/error.h"

enum { LUB_ZIP_RATIO = 100, LUB_ZIP_SMALL = 1 << 26 };

typedef struct lub_zip lub_zip;

/* Opens the archive at `path` for reading. *archive must be closed with lub_zip_close. */
lub_status lub_zip_open(const char *path, lub_zip **archive, lub_error *err);

/* Closes it; NULL is allowed. */
void lub_zip_close(lub_zip *archive);

/* The size of the member `name`; -1 where there is none, which is no error. */
lub_status lub_zip_find(lub_zip *archive, const char *name, int64_t *size, lub_error *err);

/* Reads the whole member into `out`, which has room for the `size` bytes that lub_zip_find gave. */
lub_status lub_zip_read(lub_zip *archive, const char *name, void *out, int64_t size, lub_error *err);

typedef struct lub_zip_member {
  const char *name; /* ASCII, at most 65535 bytes */
  const lub_piece *pieces;
  size_t count; /* of pieces */
} lub_zip_member;

/* Writes an archive of these members, not compressed and dated 1980 as Keras does, whole or not at all
 * (base/aside.h). The same members give the same bytes. */
lub_status lub_zip_write(const char *path, const lub_zip_member *members, size_t count, lub_error *err);

#endif
