/* reader.h - reads HDF5 files of any origin: groups, attributes, arrays of numbers.
 *
 * Why not libhdf5: it trusts what a file says of itself. Debian's 1.10.8 crashed inside of itself on about one in a
 * hundred byte-flipped model files, where strings of variable length are read, and a model file comes from strangers.
 * The other way out, a child process that may crash, costs a fork and a copy for every model, and a fork in a
 * process with threads is a risk of its own. So this is a reader of our own, written from the HDF5 File Format
 * Specification 3.0, for what h5py and libhdf5 write; it needs no library but zlib, takes no lock (each file
 * has a state of its own), and a process that only loads models never loads libhdf5. Writing is libhdf5's (h5/h5.h).
 *
 * Every byte is fetched through one function that checks the address against the file's length and charges a budget
 * of work, so that no file, however it refers to itself, takes for ever; every size that a file declares is compared
 * with what can lie in the file before memory is allocated for it.
 *
 * Read:     superblocks 0 to 3, with a user block before them and any size of addresses; object headers 1 and 2 with
 *           continuations; groups as symbol tables, as links in the header and as links in a fractal heap; attributes
 *           1 to 3, in the header and in a fractal heap; contiguous, compact and chunked storage (B-tree 1, single
 *           chunk, implicit, fixed array), deflate, shuffle, fletcher32; integers, enumerations and floats of 1 to 8
 *           bytes in either byte order; strings of fixed and of variable length.
 * Refused:  links and storage that leave the file, soft links, virtual datasets, other filters, extensible arrays
 *           and B-trees of version 2 as chunk indices; the message says what to do. Checksums of metadata are not
 *           verified: a changed byte of the numbers themselves would go unseen all the same.
 *
 * Objects are named by paths from the root: "/", "/model_weights/conv2d".
 * Errors: LUB_EWORLD "file: object: reason", LUB_EARG, LUB_ENOMEM. */
#ifndef LUB_H5_READER_READER_H
#define LUB_H5_READER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/shape.h"
#include "h5/number.h"

typedef struct lub_h5_reader lub_h5_reader;

/* === files (file.c) === */

/* Opens the file at `path`. *reader must be closed with lub_h5_reader_close; it is NULL after a failure. */
lub_status lub_h5_open(const char *path, lub_h5_reader **reader, lub_error *err);

/* The same over `size` bytes in memory, which are not copied and must stay until the reader is closed.
 * `name` stands for the path in messages. */
lub_status lub_h5_open_memory(const void *bytes, size_t size, const char *name, lub_h5_reader **reader,
                              lub_error *err);

/* Frees everything; NULL is allowed. */
void lub_h5_reader_close(lub_h5_reader *reader);

/* The path or name with which it was opened; owned by the reader. */
const char *lub_h5_reader_name(const lub_h5_reader *reader);

/* The length of the file in bytes. */
int64_t lub_h5_reader_bytes(const lub_h5_reader *reader);

/* === objects (group.c) === */

typedef enum lub_h5_kind { LUB_H5_NOTHING, LUB_H5_GROUP, LUB_H5_DATASET, LUB_H5_OTHER } lub_h5_kind;

/* What lies at `object`; LUB_H5_NOTHING is no error. */
lub_status lub_h5_find(lub_h5_reader *reader, const char *object, lub_h5_kind *kind, lub_error *err);

/* Text that a file gave: `count` strings, each ended by '\0'. Owned by the reader and good until its
 * next call that gives text. */
typedef struct lub_h5_text {
  size_t count;
  const char *const *string;
} lub_h5_text;

/* The names of a group's members, in byte order. */
lub_status lub_h5_members(lub_h5_reader *reader, const char *group, lub_h5_text *names, lub_error *err);

/* === attributes (attribute.c) === */

typedef enum lub_h5_attribute {
  LUB_H5_ABSENT,
  LUB_H5_STRING, /* one string */
  LUB_H5_STRINGS /* a list of strings; an empty list of any type counts */
} lub_h5_attribute;

/* Reads the attribute `name` of `object`: strings of fixed or variable length, ASCII or UTF-8. */
lub_status lub_h5_read_attribute(lub_h5_reader *reader, const char *object, const char *name, lub_h5_attribute *kind,
                                 lub_h5_text *text, lub_error *err);

/* The names of an object's attributes, in byte order. */
lub_status lub_h5_attributes(lub_h5_reader *reader, const char *object, lub_h5_text *names, lub_error *err);

/* Reads an attribute of numbers: *values (NULL where there is no such attribute) are `count` doubles or int64_t as
 * *number says (LUB_H5_FLOAT64 or LUB_H5_INT64), of the given shape. The caller frees them. */
lub_status lub_h5_attribute_numbers(lub_h5_reader *reader, const char *object, const char *name, lub_shape *shape,
                                    lub_h5_number *number, void **values, lub_error *err);

/* === arrays of numbers (dataset.c) === */

/* The shape of the dataset at `object` (at most LUB_MAX_DIMS axes) and the type that holds its
 * numbers best: INT64 for every integer type, FLOAT32 for floats of at most 4 bytes, else FLOAT64.
 * Fails where the declared size cannot be true, so that `shape` may be allocated. */
lub_status lub_h5_dataset(lub_h5_reader *reader, const char *object, lub_shape *shape, lub_h5_number *number,
                          lub_error *err);

/* Reads the whole dataset, row-major, into `out`: `count` numbers of C type float, double or int64_t as
 * `number` says, converted from what the file holds (integers to any, floats not to int64_t). `count` is the size that
 * lub_h5_dataset gave. */
lub_status lub_h5_read(lub_h5_reader *reader, const char *object, lub_h5_number number, void *out, int64_t count,
                       lub_error *err);

#endif
