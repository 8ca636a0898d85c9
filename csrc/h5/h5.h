/* h5.h - makes HDF5 files with libhdf5: groups, text attributes, arrays of numbers.
 *
 * A file is made in memory (lub_h5_create) and then saved whole (lub_h5_save), so that HDF5 itself never meets a
 * full disk and no half-written file exists; arrays that are lent to it are not copied there (memory.c). Reading is
 * done by a reader of our own (h5/reader/reader.h).
 *
 * Objects are named by paths from the root: "/", "/model_weights/conv2d". One lock is held around every call of
 * HDF5, which is not thread-safe as distributions build it, and its own error messages are never printed; a host's
 * setting of them is kept.
 *
 * Errors: LUB_EWORLD "new HDF5 file: object: reason (HDF5's words)", LUB_EARG, LUB_ENOMEM. */
#ifndef LUB_H5_H5_H
#define LUB_H5_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/aside.h"
#include "base/error.h"
#include "base/shape.h"
#include "h5/number.h"

typedef struct lub_h5 lub_h5;

/* === files (file.c) === */

/* A new file in memory. Its bytes depend on nothing but what is written into it, and when.
 * *file must be closed with lub_h5_close. */
lub_status lub_h5_create(lub_h5 **file, lub_error *err);

/* Writes a file made by lub_h5_create to `path`, whole or not at all (base/aside.h). */
lub_status lub_h5_save(lub_h5 *file, const char *path, lub_error *err);

/* The bytes of a file made by lub_h5_create, as they would lie on a disk: its own pieces, good until it is changed or
 * closed. */
lub_status lub_h5_image(lub_h5 *file, const lub_piece **pieces, size_t *count, lub_error *err);

/* Closes the file and frees everything; NULL is allowed. */
void lub_h5_close(lub_h5 *file);

/* === objects (object.c) === */

/* Makes a group, and those above it; nothing where it exists. */
lub_status lub_h5_make_group(lub_h5 *file, const char *group, lub_error *err);

/* === attributes (attribute.c) === */

/* Writes one string, of variable length, as h5py does. */
lub_status lub_h5_write_string(lub_h5 *file, const char *object, const char *name, const char *string, lub_error *err);

/* Writes a list of strings, of fixed length and padded with '\0', which every h5py reads as
 * bytes; an empty list becomes float64 of shape (0), as h5py writes it. An attribute holds 64 KB. */
lub_status lub_h5_write_strings(lub_h5 *file, const char *object, const char *name, const char *const *string,
                                size_t count, lub_error *err);

/* === arrays of numbers (dataset.c) === */

/* Writes a dataset of C type `number` and of this shape (row-major `data`), little-endian and contiguous;
 * groups above it are made. `lent`: the data stay where and as they are until the file is closed, and need not be
 * copied. */
lub_status lub_h5_write(lub_h5 *file, const char *object, lub_h5_number number, const lub_shape *shape,
                        const void *data, bool lent, lub_error *err);

#endif
