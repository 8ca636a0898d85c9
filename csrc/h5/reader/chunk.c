/* Arrays in chunks: the indices that say where these are, and how they are put together. */
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

/* === indices === */

/* A walk over the chunks of one array. No index has more entries than the array has chunks. */
typedef struct walk {
  const lub_h5_array *array;
  lub_h5_chunk_visit visit;
  void *context;
  uint64_t left;                      /* chunks that may still come */
  uint64_t nodes;                     /* bytes of the index that were seen */
  uint64_t across[LUB_H5_MAX_RANK];   /* chunks along each axis */
} walk;

static lub_status visit_chunk(lub_h5_reader *reader, walk *w, const lub_h5_chunk *chunk, lub_error *err) {
  const lub_h5_array *a = w->array;
  if (w->left == 0) return lub_h5_damaged(reader, err, "more chunks than the array has");
  w->left--;
  for (int i = 0; i < a->space.rank; i++)
    if (chunk->offset[i] >= a->space.dim[i] || chunk->offset[i] % a->chunk[i] != 0)
      return lub_h5_damaged(reader, err, "a chunk lies outside of its array");
  if (!lub_h5_inside(reader, chunk->address, chunk->size))
    return lub_h5_damaged(reader, err, "a chunk lies beyond the end of the file");
  if (a->filters == 0 && chunk->size != a->chunk_bytes)
    return lub_h5_damaged(reader, err, "a chunk has not the size it should have");
  return w->visit(reader, a, chunk, w->context, err);
}

/* The chunk with this number, row-major. */
static lub_status visit_number(lub_h5_reader *reader, walk *w, uint64_t number, lub_h5_chunk *chunk, lub_error *err) {
  if (chunk->address == LUB_H5_UNDEFINED) return LUB_OK;
  for (int i = w->array->space.rank - 1; i >= 0; i--) {
    chunk->offset[i] = number % w->across[i] * w->array->chunk[i];
    number /= w->across[i];
  }
  return visit_chunk(reader, w, chunk, err);
}

/* A B-tree of version 1 (III.A.1); its keys have the offsets of chunks. A node's level is one less than its
 * parent's, so that the recursion ends; `level` is -1 for the root. */
static lub_status read_node(lub_h5_reader *reader, walk *w, uint64_t address, int level, lub_error *err) {
  enum { DEEPEST = 32, CHUNKS = 1 };
  uint8_t head[8 + 2 * 8], *node;
  size_t size = 8 + 2 * (size_t)reader->address_bytes;
  if (lub_h5_fetch(reader, address, head, size, err) != LUB_OK) return err->status;
  if (memcmp(head, "TREE", 4) != 0 || head[4] != CHUNKS || head[5] > DEEPEST || (level >= 0 && head[5] != level))
    return lub_h5_damaged(reader, err, "an index of chunks makes no sense");
  lub_h5_span span = lub_h5_span_over(head + 6, 2);
  uint64_t count = lub_h5_take(&span, 2);
  uint64_t bytes = count * (8 + 8 * (uint64_t)(w->array->space.rank + 1) + (uint64_t)reader->address_bytes);
  w->nodes += bytes;
  if (w->nodes > reader->size) return lub_h5_damaged(reader, err, "an index of chunks is larger than the file");
  if (lub_h5_load(reader, address + size, bytes, &node, err) != LUB_OK) return err->status;
  span = lub_h5_span_over(node, (size_t)bytes);
  lub_status status = LUB_OK;
  for (uint64_t i = 0; i < count && status == LUB_OK; i++) {
    lub_h5_chunk chunk = {.size = lub_h5_take(&span, 4), .mask = (unsigned)lub_h5_take(&span, 4)};
    for (int k = 0; k < w->array->space.rank; k++) chunk.offset[k] = lub_h5_take(&span, 8);
    lub_h5_skip(&span, 8); /* within an element */
    chunk.address = lub_h5_take_address(reader, &span);
    status = head[5] == 0 ? visit_chunk(reader, w, &chunk, err)
                          : read_node(reader, w, chunk.address, head[5] - 1, err);
  }
  free(node);
  return status;
}

/* A fixed array (VII.B): one entry for each chunk. */
static lub_status read_fixed(lub_h5_reader *reader, walk *w, uint64_t chunks, lub_error *err) {
  uint8_t head[24], *block;
  size_t size = 8 + (size_t)(reader->length_bytes + reader->address_bytes);
  if (lub_h5_fetch(reader, w->array->address, head, size, err) != LUB_OK) return err->status;
  if (memcmp(head, "FAHD", 4) != 0) return lub_h5_damaged(reader, err, "an index of chunks has no signature");
  bool filtered = head[5] == 1;
  int entry = head[6], page_bits = head[7];
  lub_h5_span span = lub_h5_span_over(head + 8, size - 8);
  uint64_t count = lub_h5_take_length(reader, &span), data = lub_h5_take_address(reader, &span);
  int width = entry - reader->address_bytes - 4; /* of a filtered chunk's size */
  if (count != chunks || (filtered ? width < 1 || width > 8 : entry != reader->address_bytes))
    return lub_h5_damaged(reader, err, "an index of chunks makes no sense");
  if (data == LUB_H5_UNDEFINED) return LUB_OK;
  if (page_bits < 64 && count > UINT64_C(1) << page_bits)
    return lub_h5_refuse(reader, err, "has so many chunks, in the form of HDF5's latest version, that it is not read: "
                                      "save the model without libver=\"latest\" (h5repack converts it)");
  if (count > reader->size) return lub_h5_damaged(reader, err, "an index of chunks is larger than the file");
  uint64_t before = 6 + (uint64_t)reader->address_bytes, bytes = before + count * (uint64_t)entry;
  if (lub_h5_load(reader, data, bytes, &block, err) != LUB_OK) return err->status;
  lub_status status = LUB_OK;
  if (memcmp(block, "FADB", 4) != 0) status = lub_h5_damaged(reader, err, "an index of chunks has no signature");
  span = lub_h5_span_over(block + before, (size_t)(bytes - before));
  for (uint64_t i = 0; i < count && status == LUB_OK; i++) {
    lub_h5_chunk chunk = {.address = lub_h5_take_address(reader, &span), .size = w->array->chunk_bytes};
    if (filtered) {
      chunk.size = lub_h5_take(&span, width);
      chunk.mask = (unsigned)lub_h5_take(&span, 4);
    }
    status = visit_number(reader, w, i, &chunk, err);
  }
  free(block);
  return status;
}

lub_status lub_h5_chunks(lub_h5_reader *reader, const lub_h5_array *a, lub_h5_chunk_visit visit, void *context,
                         lub_error *err) {
  walk w = {.array = a, .visit = visit, .context = context};
  uint64_t chunks = a->space.points > 0 ? 1 : 0;
  for (int i = 0; i < a->space.rank && chunks > 0; i++) {
    w.across[i] = (a->space.dim[i] - 1) / a->chunk[i] + 1;
    chunks *= w.across[i]; /* no more than the elements, so it does not overflow */
  }
  w.left = chunks;
  if (chunks == 0) return LUB_OK;
  lub_h5_chunk chunk = {.address = a->address, .size = a->chunk_bytes};
  switch (a->index) {
  case LUB_H5_INDEX_TREE: return read_node(reader, &w, a->address, -1, err);
  case LUB_H5_INDEX_FIXED: return read_fixed(reader, &w, chunks, err);
  case LUB_H5_INDEX_SINGLE:
    if (a->filters > 0) chunk.size = a->single_size;
    chunk.mask = a->single_mask;
    return chunks == 1 ? visit_chunk(reader, &w, &chunk, err)
                       : lub_h5_damaged(reader, err, "an array of several chunks has one");
  case LUB_H5_INDEX_IMPLICIT: break;
  }
  if (chunks > reader->size) return lub_h5_damaged(reader, err, "an index of chunks is larger than the file");
  for (uint64_t i = 0; i < chunks; i++, chunk.address += a->chunk_bytes)
    if (visit_number(reader, &w, i, &chunk, err) != LUB_OK) return err->status;
  return LUB_OK;
}

/* === reading === */

typedef struct gathering {
  lub_h5_number number;
  uint8_t *out;
  lub_h5_buffers buffers;
} gathering;

/* Puts a chunk's numbers where they belong, row by row; what lies beyond the array's edge is left out. */
static void place(const lub_h5_array *a, const lub_h5_chunk *chunk, const gathering *g) {
  int rank = a->space.rank, last = rank - 1;
  size_t size = lub_h5_number_size(g->number);
  uint64_t at[LUB_H5_MAX_RANK] = {0}, count[LUB_H5_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    uint64_t room = a->space.dim[i] - chunk->offset[i];
    count[i] = room < a->chunk[i] ? room : a->chunk[i];
  }
  for (;;) {
    uint64_t from = 0, to = 0;
    for (int i = 0; i < rank; i++) {
      from = from * a->chunk[i] + at[i];
      to = to * a->space.dim[i] + chunk->offset[i] + at[i];
    }
    lub_h5_convert(&a->type, g->buffers.now + from * a->type.size, rank > 0 ? (size_t)count[last] : 1, g->number,
                   g->out + to * size);
    int axis = last - 1;
    while (axis >= 0 && ++at[axis] == count[axis]) at[axis--] = 0;
    if (axis < 0) return;
  }
}

static lub_status read_chunk(lub_h5_reader *reader, const lub_h5_array *a, const lub_h5_chunk *chunk, void *context,
                             lub_error *err) {
  gathering *g = context;
  if (chunk->size > g->buffers.room) return lub_h5_damaged(reader, err, "a chunk is larger than its numbers");
  g->buffers.size = (size_t)chunk->size;
  if (lub_h5_fetch_numbers(reader, chunk->address, g->buffers.now, g->buffers.size, err) != LUB_OK ||
      lub_h5_unfilter(reader, a, chunk->mask, &g->buffers, err) != LUB_OK)
    return err->status;
  place(a, chunk, g);
  return LUB_OK;
}

lub_status lub_h5_read_chunks(lub_h5_reader *reader, const lub_h5_array *a, lub_h5_number number, void *out,
                              lub_error *err) {
  /* what deflate cannot shrink grows a little; so it does by checksums */
  size_t room = (size_t)(a->chunk_bytes + a->chunk_bytes / 64 + 1024);
  gathering g = {number, out, {malloc(room), malloc(room), 0, room}};
  lub_status status = g.buffers.now && g.buffers.next ? lub_h5_chunks(reader, a, read_chunk, &g, err)
                                                      : lub_h5_nomem(reader, err, 2.0 * (double)room);
  free(g.buffers.now);
  free(g.buffers.next);
  return status;
}
