/* Many links or attributes of one object, as the latest format keeps them: objects in a fractal heap (III.G), listed
 * by a B-tree of version 2 (III.A.2). */
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

static const char *const no_heap = "a fractal heap makes no sense";
static const char *const no_tree = "a B-tree makes no sense";

static int log2_of(uint64_t value) {
  int bits = -1;
  for (; value > 0; value >>= 1) bits++;
  return bits;
}

static bool power_of_two(uint64_t value) { return value > 0 && (value & (value - 1)) == 0; }

/* === trees === */

typedef struct tree tree;
typedef lub_status (*record_visit)(lub_h5_reader *reader, const uint8_t *record, const tree *t, void *context,
                                   lub_error *err);

struct tree {
  unsigned type;
  uint64_t node_size, record_size;
  uint64_t seen; /* bytes of nodes; they do not overlap, so they are no more than the file's */
  record_visit visit;
  void *context;
};

enum { DEEPEST = 16, NODE_HEAD = 6, CHECKSUM = 4 };

/* How many bytes the counts of records take that stand beside a node's children. */
typedef struct level {
  uint64_t most; /* records in a node and below it */
  int bytes;
} level;

static int bytes_for(uint64_t value) { return log2_of(value) / 8 + 1; }

static lub_status read_node(lub_h5_reader *reader, tree *t, uint64_t address, uint64_t records, int depth,
                            const level *levels, lub_error *err) {
  uint8_t *node;
  uint64_t pointer = depth == 0 ? 0
                                : (uint64_t)(reader->address_bytes + levels[0].bytes) +
                                      (depth > 1 ? (uint64_t)levels[depth - 1].bytes : 0);
  uint64_t size = NODE_HEAD + records * t->record_size + (depth > 0 ? (records + 1) * pointer : 0);
  t->seen += size;
  if (size > t->node_size || t->seen > reader->size) return lub_h5_damaged(reader, err, no_tree);
  if (lub_h5_load(reader, address, size, &node, err) != LUB_OK) return err->status;
  lub_status status = LUB_OK;
  if (memcmp(node, depth == 0 ? "BTLF" : "BTIN", 4) != 0 || node[5] != t->type)
    status = lub_h5_damaged(reader, err, no_tree);
  for (uint64_t i = 0; i < records && status == LUB_OK; i++)
    status = t->visit(reader, node + NODE_HEAD + i * t->record_size, t, t->context, err);
  uint64_t before = NODE_HEAD + records * t->record_size;
  lub_h5_span span = lub_h5_span_over(node + before, (size_t)(size - before));
  for (uint64_t i = 0; depth > 0 && i <= records && status == LUB_OK; i++) {
    uint64_t child = lub_h5_take_address(reader, &span), count = lub_h5_take(&span, levels[0].bytes);
    if (depth > 1) lub_h5_skip(&span, (uint64_t)levels[depth - 1].bytes);
    status = read_node(reader, t, child, count, depth - 1, levels, err);
  }
  free(node);
  return status;
}

/* Visits all records of the tree at `address`. */
static lub_status walk_tree(lub_h5_reader *reader, uint64_t address, record_visit visit, void *context,
                            lub_error *err) {
  uint8_t head[16 + 8 + 2];
  size_t size = 16 + (size_t)reader->address_bytes + 2;
  if (lub_h5_fetch(reader, address, head, size, err) != LUB_OK) return err->status;
  lub_h5_span span = lub_h5_span_over(head, size);
  lub_h5_skip(&span, 5);
  tree t = {.type = (unsigned)lub_h5_take(&span, 1), .visit = visit, .context = context};
  t.node_size = lub_h5_take(&span, 4);
  t.record_size = lub_h5_take(&span, 2);
  int depth = (int)lub_h5_take(&span, 2);
  lub_h5_skip(&span, 2); /* when nodes are split and merged */
  uint64_t root = lub_h5_take_address(reader, &span), records = lub_h5_take(&span, 2);
  if (memcmp(head, "BTHD", 4) != 0 || depth > DEEPEST || t.record_size == 0 || t.node_size < 64)
    return lub_h5_damaged(reader, err, no_tree);
  if (root == LUB_H5_UNDEFINED) return LUB_OK;
  level levels[DEEPEST + 1] = {{(t.node_size - NODE_HEAD - CHECKSUM) / t.record_size, 0}};
  levels[0].bytes = bytes_for(levels[0].most);
  for (int i = 1; i <= depth; i++) {
    uint64_t pointer = (uint64_t)(reader->address_bytes + levels[0].bytes + (i > 1 ? levels[i - 1].bytes : 0));
    if (t.node_size < NODE_HEAD + CHECKSUM + pointer) return lub_h5_damaged(reader, err, no_tree);
    uint64_t most = (t.node_size - NODE_HEAD - CHECKSUM - pointer) / (t.record_size + pointer);
    if (levels[i - 1].most > (UINT64_C(1) << 62) / (most + 1)) return lub_h5_damaged(reader, err, no_tree);
    levels[i].most = (most + 1) * levels[i - 1].most + most;
    levels[i].bytes = bytes_for(levels[i].most);
  }
  return read_node(reader, &t, root, records, depth, levels, err);
}

/* === heaps === */

typedef struct heap {
  int id_size, offset_bytes, length_bytes;
  uint64_t huge; /* the tree of objects that are stored on their own */
  uint64_t width, start, largest, root;
  int rows; /* of the root block; 0: it is a block of objects itself */
  lub_h5_dense_visit visit;
  void *context;
} heap;

static lub_status read_heap(lub_h5_reader *reader, uint64_t address, heap *h, lub_error *err) {
  uint8_t head[22 + 12 * 8 + 3 * 8];
  int a = reader->address_bytes, l = reader->length_bytes;
  size_t size = 22 + 12 * (size_t)l + 3 * (size_t)a;
  if (lub_h5_fetch(reader, address, head, size, err) != LUB_OK) return err->status;
  lub_h5_span span = lub_h5_span_over(head, size);
  lub_h5_skip(&span, 5);
  h->id_size = (int)lub_h5_take(&span, 2);
  unsigned filters = (unsigned)lub_h5_take(&span, 2);
  lub_h5_skip(&span, 1); /* flags */
  uint64_t most_managed = lub_h5_take(&span, 4);
  lub_h5_skip(&span, (uint64_t)l); /* the next huge object */
  h->huge = lub_h5_take_address(reader, &span);
  lub_h5_skip(&span, (uint64_t)(l + a + 8 * l)); /* free space and counts */
  h->width = lub_h5_take(&span, 2);
  h->start = lub_h5_take_length(reader, &span);
  h->largest = lub_h5_take_length(reader, &span);
  int bits = (int)lub_h5_take(&span, 2);
  lub_h5_skip(&span, 2); /* rows at first */
  h->root = lub_h5_take_address(reader, &span);
  h->rows = (int)lub_h5_take(&span, 2);
  if (span.bad || memcmp(head, "FRHP", 4) != 0 || !power_of_two(h->width) || !power_of_two(h->start) ||
      !power_of_two(h->largest) || h->largest < h->start || h->largest > UINT32_MAX || bits > 64 || bits < 8 ||
      h->rows > 64 || h->id_size < 2)
    return lub_h5_damaged(reader, err, no_heap);
  if (filters > 0) return lub_h5_refuse(reader, err, "is kept in a compressed heap, which is not read");
  h->offset_bytes = (bits + 7) / 8;
  int largest = (log2_of(h->largest) + 7) / 8, managed = bytes_for(most_managed > 0 ? most_managed : 1);
  h->length_bytes = largest < managed ? largest : managed;
  return LUB_OK;
}

/* Where the block is that holds this offset of the heap, and where the block begins and ends. */
static lub_status find_block(lub_h5_reader *reader, const heap *h, uint64_t offset, uint64_t *block, uint64_t *begin,
                             uint64_t *size, lub_error *err) {
  int direct_rows = log2_of(h->largest) - log2_of(h->start) + 2, rows = h->rows;
  uint64_t address = h->root, base = 0;
  if (rows == 0) {
    *block = address;
    *begin = 0;
    *size = h->start;
    return LUB_OK;
  }
  for (int depth = 0; depth < DEEPEST; depth++) {
    uint64_t within = offset - base, blocks = within / h->start / h->width;
    int row = blocks == 0 ? 0 : log2_of(blocks) + 1; /* rows are of 1, 1, 2, 4, ... times the first block */
    if (row >= rows || row >= 60) break;
    uint64_t extent = row == 0 ? h->start : h->start << (row - 1);
    uint64_t row_begin = row == 0 ? 0 : extent * h->width, column = (within - row_begin) / extent;
    uint8_t entry[8];
    uint64_t at = 5 + (uint64_t)(reader->address_bytes + h->offset_bytes) +
                  ((uint64_t)row * h->width + column) * (uint64_t)reader->address_bytes;
    if (!lub_h5_inside(reader, address, at)) break;
    if (lub_h5_fetch(reader, address + at, entry, (size_t)reader->address_bytes, err) != LUB_OK) return err->status;
    lub_h5_span span = lub_h5_span_over(entry, sizeof entry);
    address = lub_h5_take_address(reader, &span);
    base += row_begin + column * extent;
    if (row < direct_rows) {
      *block = address;
      *begin = base;
      *size = extent;
      return LUB_OK;
    }
    rows = log2_of(extent) - log2_of(h->start * h->width) + 1;
  }
  return lub_h5_damaged(reader, err, no_heap);
}

static lub_status visit_at(lub_h5_reader *reader, const heap *h, uint64_t address, uint64_t size, lub_error *err) {
  uint8_t *bytes;
  if (lub_h5_load(reader, address, size, &bytes, err) != LUB_OK) return err->status;
  lub_status status = h->visit(reader, bytes, (size_t)size, h->context, err);
  free(bytes);
  return status;
}

static lub_status visit_managed(lub_h5_reader *reader, const heap *h, lub_h5_span id, lub_error *err) {
  uint64_t offset = lub_h5_take(&id, h->offset_bytes), size = lub_h5_take(&id, h->length_bytes);
  uint64_t block = 0, begin = 0, extent = 0;
  if (id.bad) return lub_h5_damaged(reader, err, no_heap);
  if (find_block(reader, h, offset, &block, &begin, &extent, err) != LUB_OK) return err->status;
  if (block == LUB_H5_UNDEFINED || offset - begin > extent || size > extent - (offset - begin) ||
      !lub_h5_inside(reader, block, offset - begin))
    return lub_h5_damaged(reader, err, no_heap);
  return visit_at(reader, h, block + (offset - begin), size, err);
}

/* The search for a huge object's address by its number. */
typedef struct huge {
  uint64_t number, address, size;
} huge;

static lub_status match_huge(lub_h5_reader *reader, const uint8_t *record, const tree *t, void *context,
                             lub_error *err) {
  enum { BY_NUMBER = 1 };
  huge *wanted = context;
  lub_h5_span span = lub_h5_span_over(record, (size_t)t->record_size);
  uint64_t address = lub_h5_take_address(reader, &span), size = lub_h5_take_length(reader, &span);
  uint64_t number = lub_h5_take_length(reader, &span);
  if (span.bad || t->type != BY_NUMBER) return lub_h5_damaged(reader, err, no_tree);
  if (number == wanted->number) *wanted = (huge){number, address, size};
  return LUB_OK;
}

static lub_status visit_huge(lub_h5_reader *reader, const heap *h, lub_h5_span id, lub_error *err) {
  huge found = {0, LUB_H5_UNDEFINED, 0};
  if (id.left >= (size_t)(reader->address_bytes + reader->length_bytes)) { /* the address itself stands here */
    found.address = lub_h5_take_address(reader, &id);
    found.size = lub_h5_take_length(reader, &id);
  } else {
    found.number = lub_h5_take(&id, id.left < 8 ? (int)id.left : 8);
    if (walk_tree(reader, h->huge, match_huge, &found, err) != LUB_OK) return err->status;
  }
  if (found.address == LUB_H5_UNDEFINED) return lub_h5_damaged(reader, err, no_heap);
  return visit_at(reader, h, found.address, found.size, err);
}

/* A record of links or attributes by name: it holds the object's place in the heap. */
static lub_status visit_record(lub_h5_reader *reader, const uint8_t *record, const tree *t, void *context,
                               lub_error *err) {
  enum { LINKS = 5, ATTRIBUTES = 8, SHARED = 2 };
  const heap *h = context;
  lub_h5_span span = lub_h5_span_over(record, (size_t)t->record_size);
  if (t->type == LINKS) lub_h5_skip(&span, 4); /* a hash of the name */
  else if (t->type != ATTRIBUTES) return lub_h5_damaged(reader, err, no_tree);
  const uint8_t *bytes = lub_h5_skip(&span, (uint64_t)h->id_size);
  if (!bytes) return lub_h5_damaged(reader, err, no_tree);
  if (t->type == ATTRIBUTES && lub_h5_take(&span, 1) & SHARED)
    return lub_h5_refuse(reader, err, "attributes that objects share in a table of the file are not read");
  lub_h5_span id = lub_h5_span_over(bytes + 1, (size_t)h->id_size - 1);
  enum { MANAGED = 0, HUGE_OBJECT = 1, TINY = 2 };
  size_t tiny = (bytes[0] & 15) + (size_t)1;
  switch (bytes[0] >> 4) { /* with the version, which is 0 */
  case MANAGED: return visit_managed(reader, h, id, err);
  case HUGE_OBJECT: return visit_huge(reader, h, id, err);
  case TINY:
    if (tiny > id.left || id.left > 16) return lub_h5_damaged(reader, err, no_heap);
    return h->visit(reader, id.at, tiny, h->context, err);
  default: return lub_h5_damaged(reader, err, no_heap);
  }
}

lub_status lub_h5_dense(lub_h5_reader *reader, uint64_t heap_address, uint64_t tree_address, lub_h5_dense_visit visit,
                        void *context, lub_error *err) {
  heap h = {.visit = visit, .context = context};
  if (read_heap(reader, heap_address, &h, err) != LUB_OK) return err->status;
  return walk_tree(reader, tree_address, visit_record, &h, err);
}
