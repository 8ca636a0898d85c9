/* aside.h - replacing a file whole or not at all.
 *
 * The new contents are written beside the file under the one name `path`.part, synced to the disk, and renamed.
 * Whatever fails (no folder, a full disk, a limit on file sizes, a process that is killed), the old file is
 * untouched; a side file that is left behind is taken over by the next writer. Writers of one path wait for each
 * other, for a second, by a lock on the side file. A symbolic link keeps pointing where it did, also to a file that
 * is made only now, and the file's permissions stay. A device or pipe is written in place. Errors: LUB_EWORLD "path:
 * reason". */
#ifndef LUB_BASE_ASIDE_H
#define LUB_BASE_ASIDE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* A run of bytes that somebody owns. */
typedef struct lub_piece {
  const void *bytes;
  size_t size;
} lub_piece;

/* Makes these pieces, one behind the other, the contents of the file at `path`. */
lub_status lub_write_aside(const char *path, const lub_piece *pieces, size_t count, lub_error *err);

/* === the same in steps, for who writes to a descriptor himself === */

typedef struct lub_aside lub_aside;

/* Opens the side file, empty. End with lub_aside_commit or lub_aside_discard. */
lub_status lub_aside_open(lub_aside **out, const char *path, lub_error *err);
/* Where to write; it belongs to the aside. */
int lub_aside_descriptor(const lub_aside *aside);
/* Writes all of the bytes there; 0, or the errno. A limit on file sizes is the caller's part (lub_size_guard). */
int lub_aside_write(lub_aside *aside, const void *bytes, size_t size);
/* The file takes its name. Frees, also after a failure. */
lub_status lub_aside_commit(lub_aside *aside, lub_error *err);
/* Gives up: the side file is gone. NULL is allowed. */
void lub_aside_discard(lub_aside *aside);

/* SIGXFSZ would end the process where a write meets the limit on file sizes. Between these two it is held back
 * and taken away, so that the write fails with EFBIG instead. */
typedef struct lub_size_guard {
  sigset_t before;
  bool pending;
} lub_size_guard;
void lub_size_guard_enter(lub_size_guard *guard);
void lub_size_guard_leave(lub_size_guard *guard);

#endif
