/* aside.h - replacing a file whole or not at all. */
#ifndef LUB_BASE_ASIDE_H
#define LUB_BASE_ASIDE_H

#include <stddef.h>

#include "base/error.h"

/* Makes `size` bytes the contents of the file at `path`: they are written beside it under the one
 * name `path`.part, synced to the disk, and renamed. Whatever fails (no folder, a full disk, a limit
 * on file sizes), the old file is untouched and the side file is gone. A symbolic link keeps
 * pointing where it did, and the file's permissions stay. A character device is written in place.
 * Errors: LUB_EWORLD "path: reason". */
lub_status lub_write_aside(const char *path, const void *bytes, size_t size, lub_error *err);

#endif
