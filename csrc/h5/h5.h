/* h5.h - a small typed face on HDF5: groups, text attributes, arrays of numbers.
 *
 * A file is either read from a disk (lub_h5_open) or made in memory (lub_h5_create) and then saved
 * whole (lub_h5_save), so that HDF5 itself never meets a full disk and no half-written file exists.
 *
 * Objects are named by paths from the root: "/", "/model_weights/conv2d". Only hard links are
 * followed; soft and external links, external and virtual storage are refused. What a file declares
 * is compared with what it stores before memory is allocated for it. One lock is held around every
 * call of HDF5, which is not thread-safe as distributions build it, and its own error
 * messages are never printed; a host's setting of them is kept.
 *
 * Files that are cut, empty or no HDF5 are refused. HDF5 1.10 itself is not safe against bytes that were changed on
 * purpose: it trusts the sizes in its heap of long strings. A file of unknown origin is as trustworthy as a program.
 *
 * Errors: LUB_EWORLD "file: object: reason (HDF5's words)", LUB_EARG, LUB_ENOMEM. */
#ifndef LUB_H5_H5_H
#define LUB_H5_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/shape.h"

typedef struct lub_h5 lub_h5;

/* === files (file.c) === */

/* Opens the file at `path` for reading. *file must be closed with lub_h5_close. */
lub_status lub_h5_open(const char *path, lub_h5 **file, lub_error *err);

/* A new file in memory. Its bytes depend on nothing but what is written into it, and when. */
lub_status lub_h5_create(lub_h5 **file, lub_error *err);

/* Writes a file made by lub_h5_create to `path`, whole or not at all (base/aside.h). */
lub_status lub_h5_save(lub_h5 *file, const char *path, lub_error *err);

/* The bytes of a file made by lub_h5_create, as they would lie on a disk; the caller frees them. */
lub_status lub_h5_image(lub_h5 *file, void **bytes, size_t *size, lub_error *err);

/* Closes the file and frees everything; NULL is allowed. */
void lub_h5_close(lub_h5 *file);

/* Where the file was opened; NULL for one made in memory. Owned by the file. */
const char *lub_h5_path(const lub_h5 *file);

/* === objects (object.c) === */

typedef enum lub_h5_kind { LUB_H5_NOTHING, LUB_H5_GROUP, LUB_H5_DATASET, LUB_H5_OTHER } lub_h5_kind;

/* What lies at `object`; LUB_H5_NOTHING is no error. */
lub_status lub_h5_find(lub_h5 *file, const char *object, lub_h5_kind *kind, lub_error *err);

/* Makes a group, and those above it; nothing where it exists. */
lub_status lub_h5_make_group(lub_h5 *file, const char *group, lub_error *err);

/* Text that a file gave: `count` strings, each ended by '\0'. Owned by the file and good until its
 * next call that gives text. */
typedef struct lub_h5_text {
  size_t count;
  const char *const *string;
} lub_h5_text;

/* The names of a group's members, in byte order. */
lub_status lub_h5_members(lub_h5 *file, const char *group, lub_h5_text *names, lub_error *err);

/* === attributes (attribute.c) === */

typedef enum lub_h5_attribute {
  LUB_H5_ABSENT,
  LUB_H5_STRING, /* one string */
  LUB_H5_STRINGS /* a list of strings; an empty list of any type counts */
} lub_h5_attribute;

/* Reads the attribute `name` of `object`: strings of fixed or variable length, ASCII or UTF-8. */
lub_status lub_h5_read_attribute(lub_h5 *file, const char *object, const char *name, lub_h5_attribute *kind,
                                 lub_h5_text *text, lub_error *err);

/* Writes one string, of variable length, as h5py does. */
lub_status lub_h5_write_string(lub_h5 *file, const char *object, const char *name, const char *string, lub_error *err);

/* Writes a list of strings, of fixed length and padded with '\0', which every h5py reads as
 * bytes; an empty list becomes float64 of shape (0), as h5py writes it. An attribute holds 64 KB. */
lub_status lub_h5_write_strings(lub_h5 *file, const char *object, const char *name, const char *const *string,
                                size_t count, lub_error *err);

/* === arrays of numbers (dataset.c) === */

typedef enum lub_h5_number { LUB_H5_FLOAT32, LUB_H5_FLOAT64, LUB_H5_INT64 } lub_h5_number;

/* The shape of the dataset at `object` (at most LUB_MAX_DIMS axes) and the type that holds its
 * numbers best: INT64 for every integer type, FLOAT32 for floats of at most 4 bytes, else FLOAT64.
 * Fails where the declared size cannot be true, so that `shape` may be allocated. */
lub_status lub_h5_dataset(lub_h5 *file, const char *object, lub_shape *shape, lub_h5_number *number, lub_error *err);

/* Reads the whole dataset, row-major, into `out`: `count` numbers of C type float, double or int64_t as
 * `number` says, converted from what the file holds. `count` is the size that lub_h5_dataset gave. */
lub_status lub_h5_read(lub_h5 *file, const char *object, lub_h5_number number, void *out, int64_t count,
                       lub_error *err);

/* Writes a dataset of C type `number` and of this shape (row-major `data`), little-endian and contiguous;
 * groups above it are made. */
lub_status lub_h5_write(lub_h5 *file, const char *object, lub_h5_number number, const lub_shape *shape,
                        const void *data, lub_error *err);

#endif
