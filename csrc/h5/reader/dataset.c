/* Arrays of numbers: what they declare (IV.A.2.i, f, l), against what they store, and their transfer. */
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

/* Deflate cannot shrink by more than 1032 times, and does so with zeros alone. Trained weights hardly shrink; small
 * arrays, and those with large parts of zeros, may be what they declare. */
bool lub_h5_plausible(uint64_t declared, uint64_t stored) {
  enum { SMALL = 1 << 26, RATIO = 64 };
  return declared <= SMALL || declared / RATIO <= stored;
}

static lub_status refuse_amount(lub_h5_reader *reader, const lub_h5_space *space, lub_error *err) {
  char text[LUB_SHAPE_TEXT];
  lub_shape shape;
  if (lub_h5_read_shape(reader, space, &shape, err) != LUB_OK) return err->status;
  return lub_fail(err, LUB_EWORLD, "%s: %s: declares a shape of %s, but the file holds no such amount of numbers",
                  reader->path, reader->object, lub_shape_text(&shape, "?", text));
}

/* === storage === */

static const char *const elsewhere = "its numbers lie in other files, which are not opened";
static const char *const no_storage = "its storage makes no sense";

enum { COMPACT = 0, CONTIGUOUS = 1, CHUNKED = 2, VIRTUAL = 3 };

/* The extents of a chunk, and behind them the size of an element. */
static lub_status take_chunk_shape(lub_h5_reader *reader, lub_h5_span *span, lub_h5_array *a, int rank, int width,
                                   lub_error *err) {
  if (rank != a->space.rank + 1 || width < 1 || width > 8) return lub_h5_damaged(reader, err, no_storage);
  a->chunk_bytes = a->type.size;
  for (int i = 0; i < rank - 1; i++) {
    uint64_t extent = a->chunk[i] = lub_h5_take(span, width);
    if (extent == 0 || extent > UINT32_MAX || a->chunk_bytes > UINT32_MAX / extent)
      return lub_h5_damaged(reader, err, no_storage);
    a->chunk_bytes *= extent;
  }
  if (lub_h5_take(span, width) != a->type.size || span->bad) return lub_h5_damaged(reader, err, no_storage);
  return LUB_OK;
}

/* Versions 1 and 2: one form for all storage. */
static lub_status take_old_layout(lub_h5_reader *reader, lub_h5_span *span, lub_h5_array *a, lub_error *err) {
  int rank = (int)lub_h5_take(span, 1);
  a->layout = (int)lub_h5_take(span, 1);
  lub_h5_skip(span, 5);
  if (a->layout != LUB_H5_COMPACT) a->address = lub_h5_take_address(reader, span);
  if (a->layout == LUB_H5_CHUNKED) return take_chunk_shape(reader, span, a, rank, 4, err);
  lub_h5_skip(span, 4 * (uint64_t)rank); /* the extents once more */
  uint64_t size = a->layout == LUB_H5_COMPACT ? lub_h5_take(span, 4) : 0;
  a->compact = lub_h5_skip(span, size);
  if (!span->bad && a->layout == LUB_H5_COMPACT && size < a->bytes) return refuse_amount(reader, &a->space, err);
  return span->bad ? lub_h5_damaged(reader, err, no_storage) : LUB_OK;
}

/* Version 4: chunks with an index of one of five kinds. */
static lub_status take_indexed(lub_h5_reader *reader, lub_h5_span *span, lub_h5_array *a, lub_error *err) {
  enum { SINGLE = 1, IMPLICIT = 2, FIXED = 3, FILTERED_SINGLE = 2 };
  unsigned flags = (unsigned)lub_h5_take(span, 1);
  int rank = (int)lub_h5_take(span, 1), width = (int)lub_h5_take(span, 1);
  if (take_chunk_shape(reader, span, a, rank, width, err) != LUB_OK) return err->status;
  switch (lub_h5_take(span, 1)) {
  case SINGLE:
    a->index = LUB_H5_INDEX_SINGLE;
    if (flags & FILTERED_SINGLE) {
      a->single_size = lub_h5_take_length(reader, span);
      a->single_mask = (unsigned)lub_h5_take(span, 4);
    }
    break;
  case IMPLICIT: a->index = LUB_H5_INDEX_IMPLICIT; break;
  case FIXED:
    a->index = LUB_H5_INDEX_FIXED;
    lub_h5_skip(span, 1); /* the size of its pages: its header has it, too */
    break;
  default:
    return lub_h5_refuse(reader, err, "is stored so that it can grow, in the form of HDF5's latest version, which is "
                                      "not read: save the model without libver=\"latest\" (h5repack converts it)");
  }
  a->address = lub_h5_take_address(reader, span);
  return span->bad ? lub_h5_damaged(reader, err, no_storage) : LUB_OK;
}

static lub_status take_layout(lub_h5_reader *reader, lub_h5_array *a, lub_error *err) {
  const lub_h5_message *m = lub_h5_message_of(&a->header, LUB_H5_LAYOUT);
  lub_h5_span span = lub_h5_span_over(m->data, m->size);
  unsigned version = (unsigned)lub_h5_take(&span, 1);
  if (version == 1 || version == 2) {
    if (m->size > 2 && m->data[2] > CHUNKED) return lub_h5_damaged(reader, err, no_storage);
    return take_old_layout(reader, &span, a, err);
  }
  if (version != 3 && version != 4) return lub_h5_damaged(reader, err, no_storage);
  uint64_t size;
  switch (lub_h5_take(&span, 1)) {
  case COMPACT:
    a->layout = LUB_H5_COMPACT;
    size = lub_h5_take(&span, 2);
    a->compact = lub_h5_skip(&span, size);
    if (!span.bad && size < a->bytes) return refuse_amount(reader, &a->space, err);
    break;
  case CONTIGUOUS:
    a->layout = LUB_H5_CONTIGUOUS;
    a->address = lub_h5_take_address(reader, &span);
    size = lub_h5_take_length(reader, &span);
    if (!span.bad && a->address != LUB_H5_UNDEFINED && size < a->bytes) return refuse_amount(reader, &a->space, err);
    break;
  case CHUNKED:
    a->layout = LUB_H5_CHUNKED;
    if (version == 4) return take_indexed(reader, &span, a, err);
    int rank = (int)lub_h5_take(&span, 1);
    a->address = lub_h5_take_address(reader, &span);
    return take_chunk_shape(reader, &span, a, rank, 4, err);
  case VIRTUAL: return lub_h5_refuse(reader, err, elsewhere);
  default: return lub_h5_damaged(reader, err, no_storage);
  }
  return span.bad ? lub_h5_damaged(reader, err, no_storage) : LUB_OK;
}

static lub_status take_filters(lub_h5_reader *reader, lub_h5_array *a, lub_error *err) {
  const lub_h5_message *m = lub_h5_message_of(&a->header, LUB_H5_FILTERS);
  if (!m) return LUB_OK;
  lub_h5_span span = lub_h5_span_over(m->data, m->size);
  unsigned version = (unsigned)lub_h5_take(&span, 1);
  a->filters = (int)lub_h5_take(&span, 1);
  if (version == 1) lub_h5_skip(&span, 6);
  if (version < 1 || version > 2 || m->flags & 2) return lub_h5_damaged(reader, err, "its filters make no sense");
  if (a->filters > LUB_H5_MAX_FILTERS) return lub_h5_refuse(reader, err, "has more filters than are read");
  for (int i = 0; i < a->filters; i++) {
    a->filter[i].id = (unsigned)lub_h5_take(&span, 2);
    uint64_t name = version == 1 || a->filter[i].id >= 256 ? lub_h5_take(&span, 2) : 0;
    lub_h5_skip(&span, 2); /* flags */
    uint64_t values = lub_h5_take(&span, 2);
    lub_h5_skip(&span, version == 1 ? (name + 7) / 8 * 8 : name);
    if (values > 0) a->filter[i].value = (unsigned)lub_h5_take(&span, 4);
    if (values > 0) lub_h5_skip(&span, 4 * (values - 1) + (version == 1 && values % 2 ? 4 : 0));
  }
  return span.bad ? lub_h5_damaged(reader, err, "its filters make no sense") : LUB_OK;
}

/* What stands where nothing was written: one element, or NULL for zeros. */
static const uint8_t *take_fill(const lub_h5_array *a) {
  const lub_h5_message *m = lub_h5_message_of(&a->header, LUB_H5_FILL);
  if (!m || m->flags & 2) return NULL;
  lub_h5_span span = lub_h5_span_over(m->data, m->size);
  unsigned version = (unsigned)lub_h5_take(&span, 1);
  bool defined = true;
  if (version < 3) {
    lub_h5_skip(&span, 2); /* when it is written */
    defined = lub_h5_take(&span, 1) != 0;
  } else {
    defined = lub_h5_take(&span, 1) & 0x20;
  }
  uint64_t size = defined ? lub_h5_take(&span, 4) : 0;
  const uint8_t *fill = size == a->type.size ? lub_h5_skip(&span, size) : NULL;
  return span.bad ? NULL : fill;
}

/* === opening === */

static lub_status add_size(lub_h5_reader *reader, const lub_h5_array *a, const lub_h5_chunk *chunk, void *context,
                           lub_error *err) {
  uint64_t *total = context;
  (void)a;
  *total += chunk->size; /* chunks share no bytes */
  return *total <= reader->size ? LUB_OK : lub_h5_damaged(reader, err, "its chunks are larger than the file");
}

/* Whether the numbers that the array declares can lie in this very file. */
static lub_status check_storage(lub_h5_reader *reader, const lub_h5_array *a, lub_error *err) {
  uint64_t stored = 0;
  if (a->layout == LUB_H5_COMPACT) return LUB_OK;
  if (a->address != LUB_H5_UNDEFINED && a->layout == LUB_H5_CHUNKED) {
    if (lub_h5_chunks(reader, a, add_size, &stored, err) != LUB_OK) return err->status;
    if (!lub_h5_plausible(a->chunk_bytes, stored)) return refuse_amount(reader, &a->space, err);
  } else if (a->address != LUB_H5_UNDEFINED) {
    return lub_h5_inside(reader, a->address, a->bytes) ? LUB_OK : refuse_amount(reader, &a->space, err);
  }
  return lub_h5_plausible(a->bytes, stored) ? LUB_OK : refuse_amount(reader, &a->space, err);
}

static lub_status take_parts(lub_h5_reader *reader, lub_h5_array *a, lub_shape *shape, lub_error *err) {
  const lub_h5_message *type = lub_h5_message_of(&a->header, LUB_H5_TYPE);
  const lub_h5_message *space = lub_h5_message_of(&a->header, LUB_H5_SPACE);
  if (!type || !space || space->flags & 2) return lub_h5_damaged(reader, err, "a dataset without type or shape");
  lub_h5_message unshared = *type;
  if (lub_h5_unshare(reader, &unshared, &a->shared, err) != LUB_OK ||
      lub_h5_read_type(reader, unshared.data, unshared.size, &a->type, err) != LUB_OK)
    return err->status;
  if (a->type.kind != LUB_H5_INTEGER && a->type.kind != LUB_H5_FLOAT)
    return lub_h5_refuse(reader, err, "holds no numbers");
  if (lub_h5_read_space(reader, space->data, space->size, &a->space, err) != LUB_OK ||
      lub_h5_read_shape(reader, &a->space, shape, err) != LUB_OK)
    return err->status;
  if (lub_h5_message_of(&a->header, LUB_H5_EXTERNAL)) return lub_h5_refuse(reader, err, elsewhere);
  if (a->space.points > (UINT64_C(1) << 62) / a->type.size) return refuse_amount(reader, &a->space, err);
  a->bytes = a->space.points * a->type.size;
  if (take_layout(reader, a, err) != LUB_OK || take_filters(reader, a, err) != LUB_OK) return err->status;
  a->fill = take_fill(a);
  return check_storage(reader, a, err);
}

static void close_array(lub_h5_array *a) {
  lub_h5_free_header(&a->header);
  lub_h5_free_header(&a->shared);
}

/* End with close_array in every case. */
static lub_status open_array(lub_h5_reader *reader, const char *object, lub_h5_array *a, lub_shape *shape,
                             lub_error *err) {
  *a = (lub_h5_array){0};
  if (lub_h5_open_object(reader, object, LUB_H5_DATASET, &a->header, err) != LUB_OK) return err->status;
  return take_parts(reader, a, shape, err);
}

lub_status lub_h5_dataset(lub_h5_reader *reader, const char *object, lub_shape *shape, lub_h5_number *number,
                          lub_error *err) {
  lub_h5_array a;
  lub_status status = open_array(reader, object, &a, shape, err);
  if (status == LUB_OK) *number = lub_h5_number_of(&a.type);
  close_array(&a);
  return status;
}

/* === reading === */

static void fill(const lub_h5_array *a, lub_h5_number number, void *out) {
  size_t size = lub_h5_number_size(number);
  memset(out, 0, (size_t)a->space.points * size);
  if (!a->fill) return;
  uint8_t one[8];
  lub_h5_convert(&a->type, a->fill, 1, number, one);
  for (uint64_t i = 0; i < a->space.points; i++) memcpy((uint8_t *)out + i * size, one, size);
}

/* Straight into `out` where nothing is to be converted, else piece by piece. */
static lub_status read_contiguous(lub_h5_reader *reader, const lub_h5_array *a, lub_h5_number number, void *out,
                                  lub_error *err) {
  enum { PIECE = 1 << 16 };
  if (lub_h5_is_plain(&a->type, number))
    return lub_h5_fetch_numbers(reader, a->address, out, (size_t)a->bytes, err);
  uint8_t *piece = malloc(PIECE);
  if (!piece) return lub_h5_nomem(reader, err, PIECE);
  size_t many = PIECE / a->type.size;
  lub_status status = LUB_OK;
  for (uint64_t done = 0; done < a->space.points && status == LUB_OK; done += many) {
    size_t count = a->space.points - done < many ? (size_t)(a->space.points - done) : many;
    status = lub_h5_fetch_numbers(reader, a->address + done * a->type.size, piece, count * a->type.size, err);
    if (status == LUB_OK)
      lub_h5_convert(&a->type, piece, count, number, (uint8_t *)out + done * lub_h5_number_size(number));
  }
  free(piece);
  return status;
}

static lub_status read_array(lub_h5_reader *reader, const lub_h5_array *a, lub_h5_number number, void *out,
                             lub_error *err) {
  if (a->layout == LUB_H5_COMPACT) {
    lub_h5_convert(&a->type, a->compact, (size_t)a->space.points, number, out);
    return LUB_OK;
  }
  if (a->address != LUB_H5_UNDEFINED && a->layout == LUB_H5_CONTIGUOUS)
    return read_contiguous(reader, a, number, out, err);
  fill(a, number, out);
  if (a->address == LUB_H5_UNDEFINED) return LUB_OK;
  return lub_h5_read_chunks(reader, a, number, out, err);
}

lub_status lub_h5_read(lub_h5_reader *reader, const char *object, lub_h5_number number, void *out, int64_t count,
                       lub_error *err) {
  lub_h5_array a;
  lub_shape shape;
  lub_status status = open_array(reader, object, &a, &shape, err);
  if (status == LUB_OK && a.space.points != (uint64_t)count)
    status = lub_fail(err, LUB_EARG, "%s: %s: room for %lld numbers was given", reader->path, object,
                      (long long)count);
  if (status == LUB_OK && number == LUB_H5_INT64 && a.type.kind != LUB_H5_INTEGER)
    status = lub_fail(err, LUB_EARG, "%s: %s: holds no whole numbers", reader->path, object);
  if (status == LUB_OK && count > 0) status = read_array(reader, &a, number, out, err);
  close_array(&a);
  return status;
}
