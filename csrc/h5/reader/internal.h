/* internal.h - what the files of csrc/h5/reader share. Section numbers are the HDF5 File Format Specification's. */
#ifndef LUB_H5_READER_INTERNAL_H
#define LUB_H5_READER_INTERNAL_H

#include "h5/reader/reader.h"

/* === bytes (file.c) === */

enum { LUB_H5_MAX_RANK = 32, LUB_H5_GROUPS_KEPT = 8 };

typedef struct lub_h5_group lub_h5_group;

struct lub_h5_reader {
  char *path;
  int fd;                /* -1: in memory */
  const uint8_t *memory; /* NULL: on disk */
  uint64_t size;         /* of the whole file */
  uint64_t base;         /* where address 0 lies */
  int address_bytes, length_bytes;
  uint64_t root;         /* the address of the root group's header */
  uint64_t work;         /* bytes of metadata that may still be looked at */
  uint8_t *window;       /* a piece of a file on disk */
  uint64_t window_at;
  size_t window_size;
  lub_h5_group *group[LUB_H5_GROUPS_KEPT]; /* last used first */
  char *text;            /* the strings last given, and before them their addresses */
  const char *object;    /* what is being read, for messages */
};

/* Fails with "file: object: is damaged: reason". */
lub_status lub_h5_damaged(const lub_h5_reader *reader, lub_error *err, const char *reason);
/* Fails with "file: object: reason". */
lub_status lub_h5_refuse(const lub_h5_reader *reader, lub_error *err, const char *reason);
lub_status lub_h5_nomem(const lub_h5_reader *reader, lub_error *err, double bytes);

/* Whether `size` bytes lie at `address` within the file. */
bool lub_h5_inside(const lub_h5_reader *reader, uint64_t address, uint64_t size);
/* Copies metadata from the file; every look is charged to reader->work. */
lub_status lub_h5_fetch(lub_h5_reader *reader, uint64_t address, void *out, size_t size, lub_error *err);
/* The same into new memory, which the caller frees; *out is NULL after a failure. */
lub_status lub_h5_load(lub_h5_reader *reader, uint64_t address, uint64_t size, uint8_t **out, lub_error *err);
/* Copies numbers from the file: no charge, and no detour over the window. */
lub_status lub_h5_fetch_numbers(const lub_h5_reader *reader, uint64_t address, void *out, size_t size,
                                lub_error *err);

/* A run of bytes being decoded. What lies beyond its end reads as 0 and sets `bad`. */
typedef struct lub_h5_span {
  const uint8_t *at;
  size_t left;
  bool bad;
} lub_h5_span;

static inline lub_h5_span lub_h5_span_over(const uint8_t *bytes, size_t size) {
  return (lub_h5_span){bytes, size, false};
}

static inline const uint8_t *lub_h5_skip(lub_h5_span *span, uint64_t size) {
  const uint8_t *at = span->at;
  if (span->bad || size > span->left) {
    span->bad = true;
    return NULL;
  }
  span->at += size;
  span->left -= size;
  return at;
}

/* A little-endian unsigned integer of 0 to 8 bytes. */
static inline uint64_t lub_h5_take(lub_h5_span *span, int bytes) {
  const uint8_t *at = lub_h5_skip(span, (uint64_t)bytes);
  uint64_t value = 0;
  for (int i = bytes - 1; at && i >= 0; i--) value = value << 8 | at[i];
  return value;
}

#define LUB_H5_UNDEFINED UINT64_MAX
/* An address; LUB_H5_UNDEFINED where all its bytes are 255. */
uint64_t lub_h5_take_address(const lub_h5_reader *reader, lub_h5_span *span);
uint64_t lub_h5_take_length(const lub_h5_reader *reader, lub_h5_span *span);

/* Makes room for `count` strings of `length` characters in all ('\0's not counted) in reader->text, and
 * gives the array of their addresses and the first free character; *text shows them. */
lub_status lub_h5_room(lub_h5_reader *reader, size_t count, size_t length, char ***at, char **characters,
                       lub_h5_text *text, lub_error *err);

/* === object headers (header.c; IV.A) === */

typedef enum lub_h5_message_type {
  LUB_H5_SPACE = 0x01,
  LUB_H5_LINK_INFO = 0x02,
  LUB_H5_TYPE = 0x03,
  LUB_H5_OLD_FILL = 0x04,
  LUB_H5_FILL = 0x05,
  LUB_H5_LINK = 0x06,
  LUB_H5_EXTERNAL = 0x07,
  LUB_H5_LAYOUT = 0x08,
  LUB_H5_FILTERS = 0x0B,
  LUB_H5_ATTRIBUTE = 0x0C,
  LUB_H5_CONTINUATION = 0x10,
  LUB_H5_SYMBOLS = 0x11,
  LUB_H5_ATTRIBUTE_INFO = 0x15
} lub_h5_message_type;

typedef struct lub_h5_message {
  unsigned type, flags;
  const uint8_t *data;
  size_t size;
} lub_h5_message;

typedef struct lub_h5_header {
  lub_h5_message *message;
  size_t count, room;
  uint8_t **block; /* what the messages point into */
  size_t blocks, block_room;
} lub_h5_header;

/* Reads the object header at `address`; end with lub_h5_free_header, also after a failure. */
lub_status lub_h5_read_header(lub_h5_reader *reader, uint64_t address, lub_h5_header *header, lub_error *err);
void lub_h5_free_header(lub_h5_header *header);
/* The first message of this type; NULL where there is none. */
const lub_h5_message *lub_h5_message_of(const lub_h5_header *header, lub_h5_message_type type);
lub_h5_kind lub_h5_kind_of(const lub_h5_header *header);
/* Where a message is shared, *message becomes the one it stands for, in the header *other (which the caller frees in
 * every case, and which is empty before). */
lub_status lub_h5_unshare(lub_h5_reader *reader, lub_h5_message *message, lub_h5_header *other, lub_error *err);

/* === groups (group.c) === */

/* The header of `object`, which must be of this kind (LUB_H5_OTHER: any); sets reader->object. */
lub_status lub_h5_open_object(lub_h5_reader *reader, const char *object, lub_h5_kind kind, lub_h5_header *header,
                              lub_error *err);

/* A link of a group; only hard ones have an address. */
typedef struct lub_h5_link {
  const char *name;
  uint64_t address;
  enum { LUB_H5_HARD, LUB_H5_SOFT, LUB_H5_ELSEWHERE } kind;
} lub_h5_link;

struct lub_h5_group {
  uint64_t header; /* its address */
  lub_h5_link *link;
  size_t count, room;
  size_t length;   /* of all names; they do not overlap, so it is no more than the file's */
  uint8_t **names; /* blocks that hold the names */
  size_t blocks, block_room;
};

void lub_h5_free_group(lub_h5_group *group);
enum { LUB_H5_MOST_NAME = 1 << 16 };
/* Adds a link; `name` must live in a block of the group. */
lub_status lub_h5_add_link(lub_h5_reader *reader, lub_h5_group *group, const lub_h5_link *link, lub_error *err);
/* Hands a block of memory to the group, also where it fails. */
lub_status lub_h5_keep_names(lub_h5_reader *reader, lub_h5_group *group, uint8_t *block, lub_error *err);
/* Reads a symbol table message's links (symbols.c; III.A-D). */
lub_status lub_h5_read_symbols(lub_h5_reader *reader, const lub_h5_message *message, lub_h5_group *group,
                               lub_error *err);

/* === objects kept in a fractal heap (dense.c; III.A.2, III.G) === */

typedef lub_status (*lub_h5_dense_visit)(lub_h5_reader *reader, const uint8_t *bytes, size_t size, void *context,
                                         lub_error *err);
/* Visits every object of a heap that the version-2 B-tree at `tree` lists. */
lub_status lub_h5_dense(lub_h5_reader *reader, uint64_t heap, uint64_t tree, lub_h5_dense_visit visit, void *context,
                        lub_error *err);

/* === types and spaces (type.c; IV.A.2.b, d) === */

typedef struct lub_h5_type {
  enum { LUB_H5_INTEGER, LUB_H5_FLOAT, LUB_H5_FIXED_STRING, LUB_H5_VARIABLE_STRING, LUB_H5_OTHER_TYPE } kind;
  size_t size; /* of one element in the file */
  bool big_endian, is_signed, space_padded;
  int exponent_at, exponent_bits, mantissa_at, mantissa_bits, sign_at; /* of a float */
  int64_t exponent_bias;
} lub_h5_type;

typedef struct lub_h5_space {
  enum { LUB_H5_SCALAR, LUB_H5_SIMPLE, LUB_H5_NULL } kind;
  int rank;
  uint64_t dim[LUB_H5_MAX_RANK];
  uint64_t points; /* at most 2^62 */
} lub_h5_space;

lub_status lub_h5_read_type(lub_h5_reader *reader, const uint8_t *data, size_t size, lub_h5_type *type,
                            lub_error *err);
lub_status lub_h5_read_space(lub_h5_reader *reader, const uint8_t *data, size_t size, lub_h5_space *space,
                             lub_error *err);
lub_status lub_h5_read_shape(lub_h5_reader *reader, const lub_h5_space *space, lub_shape *shape, lub_error *err);
/* The C type for numbers of this type. */
lub_h5_number lub_h5_number_of(const lub_h5_type *type);
size_t lub_h5_number_size(lub_h5_number number);
/* Converts `count` numbers (integers or floats; convert.c). */
void lub_h5_convert(const lub_h5_type *type, const uint8_t *in, size_t count, lub_h5_number number, void *out);

/* Whether they are numbers of this C type, byte for byte. */
bool lub_h5_is_plain(const lub_h5_type *type, lub_h5_number number);

/* === strings of variable length (heap.c; III.E) === */

typedef struct lub_h5_object {
  size_t index;
  const uint8_t *data;
  size_t size;
} lub_h5_object;

/* The collection that was used last; empty at first. */
typedef struct lub_h5_collection {
  uint64_t address;
  uint8_t *bytes;
  size_t size;
  lub_h5_object *object; /* in the order of their numbers */
  size_t count;
} lub_h5_collection;

void lub_h5_free_collection(lub_h5_collection *collection);
/* The string that a reference in an element stands for; it lives in the collection, and has no '\0' at its end. */
lub_status lub_h5_heap_string(lub_h5_reader *reader, lub_h5_collection *collection, const uint8_t *reference,
                              const char **string, size_t *length, lub_error *err);

/* === arrays (dataset.c, chunk.c, filter.c) === */

enum { LUB_H5_MAX_FILTERS = 8 };

typedef struct lub_h5_array {
  lub_h5_header header;
  lub_h5_header shared; /* of a type that stands elsewhere */
  lub_h5_type type;
  lub_h5_space space;
  enum { LUB_H5_COMPACT, LUB_H5_CONTIGUOUS, LUB_H5_CHUNKED } layout;
  uint64_t bytes;         /* of all elements */
  uint64_t address;       /* of the numbers, or of the index of chunks */
  const uint8_t *compact; /* the numbers themselves, in the header */
  const uint8_t *fill;    /* one element, in the header; NULL: zeros */
  uint64_t chunk[LUB_H5_MAX_RANK]; /* the extents of a chunk */
  uint64_t chunk_bytes;
  enum { LUB_H5_INDEX_TREE, LUB_H5_INDEX_SINGLE, LUB_H5_INDEX_IMPLICIT, LUB_H5_INDEX_FIXED } index;
  uint64_t single_size; /* of a single chunk that is filtered */
  unsigned single_mask;
  int filters;
  struct {
    unsigned id, value; /* value: the first parameter */
  } filter[LUB_H5_MAX_FILTERS];
} lub_h5_array;

/* Whether so many bytes of numbers can come out of so many stored ones. */
bool lub_h5_plausible(uint64_t declared, uint64_t stored);

/* A chunk as it is stored; `mask` has a bit for each filter that was left out. */
typedef struct lub_h5_chunk {
  uint64_t address, size;
  unsigned mask;
  uint64_t offset[LUB_H5_MAX_RANK]; /* of its first element */
} lub_h5_chunk;

typedef lub_status (*lub_h5_chunk_visit)(lub_h5_reader *reader, const lub_h5_array *array, const lub_h5_chunk *chunk,
                                         void *context, lub_error *err);
/* Visits every stored chunk, each within the file and within the array. */
lub_status lub_h5_chunks(lub_h5_reader *reader, const lub_h5_array *array, lub_h5_chunk_visit visit, void *context,
                         lub_error *err);
lub_status lub_h5_read_chunks(lub_h5_reader *reader, const lub_h5_array *array, lub_h5_number number, void *out,
                              lub_error *err);

/* Two buffers of `room` bytes; the filters take turns between them. */
typedef struct lub_h5_buffers {
  uint8_t *now, *next;
  size_t size, room; /* size: of what is in `now` */
} lub_h5_buffers;

/* Undoes the filters of a chunk whose stored bytes are in buffers->now; then chunk_bytes are there. */
lub_status lub_h5_unfilter(lub_h5_reader *reader, const lub_h5_array *array, unsigned mask, lub_h5_buffers *buffers,
                           lub_error *err);

#endif
