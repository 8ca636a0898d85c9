/* Groups as symbol tables: a B-tree of version 1 (III.A.1) over symbol nodes (III.B), names in a local heap (III.D). */
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

/* A walk over one group's nodes. Nodes do not overlap, so all together are no larger than the file. */
typedef struct walk {
  lub_h5_group *group;
  const uint8_t *names; /* the heap */
  uint64_t names_size;
  uint64_t seen;
} walk;

static lub_status load_node(lub_h5_reader *reader, walk *w, uint64_t address, uint64_t size, uint8_t **node,
                            lub_error *err) {
  w->seen += size;
  if (w->seen > reader->size) return lub_h5_damaged(reader, err, "a group's tree is larger than the file");
  return lub_h5_load(reader, address, size, node, err);
}

/* Loads the heap of names; the group owns it. */
static lub_status load_heap(lub_h5_reader *reader, walk *w, uint64_t address, lub_error *err) {
  uint8_t head[8 + 3 * 8], *names;
  size_t size = 8 + 2 * (size_t)reader->length_bytes + (size_t)reader->address_bytes;
  if (lub_h5_fetch(reader, address, head, size, err) != LUB_OK) return err->status;
  if (memcmp(head, "HEAP", 4) != 0) return lub_h5_damaged(reader, err, "a heap of names has no signature");
  lub_h5_span span = lub_h5_span_over(head + 8, size - 8);
  w->names_size = lub_h5_take_length(reader, &span);
  lub_h5_take_length(reader, &span); /* free space */
  if (lub_h5_load(reader, lub_h5_take_address(reader, &span), w->names_size, &names, err) != LUB_OK)
    return err->status;
  w->names = names;
  return lub_h5_keep_names(reader, w->group, names, err);
}

static lub_status take_symbols(lub_h5_reader *reader, walk *w, const uint8_t *bytes, size_t size, uint64_t count,
                               lub_error *err) {
  enum { SOFT = 2 };
  lub_h5_span span = lub_h5_span_over(bytes, size);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t name = lub_h5_take(&span, reader->address_bytes);
    lub_h5_link link = {.address = lub_h5_take_address(reader, &span)};
    link.kind = lub_h5_take(&span, 4) == SOFT ? LUB_H5_SOFT : LUB_H5_HARD;
    lub_h5_skip(&span, 20);
    uint64_t room = name < w->names_size ? w->names_size - name : 0;
    if (room > LUB_H5_MOST_NAME) room = LUB_H5_MOST_NAME;
    if (span.bad || room == 0 || !memchr(w->names + name, '\0', (size_t)room))
      return lub_h5_damaged(reader, err, "a name lies outside of its heap");
    link.name = (const char *)w->names + name;
    if (lub_h5_add_link(reader, w->group, &link, err) != LUB_OK) return err->status;
  }
  return LUB_OK;
}

static lub_status read_symbol_node(lub_h5_reader *reader, walk *w, uint64_t address, lub_error *err) {
  uint8_t head[8], *node;
  if (lub_h5_fetch(reader, address, head, sizeof head, err) != LUB_OK) return err->status;
  if (memcmp(head, "SNOD", 4) != 0) return lub_h5_damaged(reader, err, "a node of symbols has no signature");
  lub_h5_span span = lub_h5_span_over(head + 6, 2);
  uint64_t count = lub_h5_take(&span, 2), size = count * (24 + 2 * (uint64_t)reader->address_bytes);
  if (load_node(reader, w, address + sizeof head, size, &node, err) != LUB_OK) return err->status;
  lub_status status = take_symbols(reader, w, node, (size_t)size, count, err);
  free(node);
  return status;
}

/* A node's level is one less than its parent's, so that the recursion ends; `level` is -1 for the root. */
static lub_status read_tree_node(lub_h5_reader *reader, walk *w, uint64_t address, int level, lub_error *err) {
  enum { DEEPEST = 32 };
  uint8_t head[8 + 2 * 8], *node;
  size_t size = 8 + 2 * (size_t)reader->address_bytes;
  if (lub_h5_fetch(reader, address, head, size, err) != LUB_OK) return err->status;
  if (memcmp(head, "TREE", 4) != 0 || head[4] != 0 || head[5] > DEEPEST || (level >= 0 && head[5] != level))
    return lub_h5_damaged(reader, err, "a group's tree makes no sense");
  lub_h5_span span = lub_h5_span_over(head + 6, 2);
  uint64_t count = lub_h5_take(&span, 2);
  uint64_t bytes = count * (uint64_t)(reader->length_bytes + reader->address_bytes);
  if (load_node(reader, w, address + size, bytes, &node, err) != LUB_OK) return err->status;
  span = lub_h5_span_over(node, (size_t)bytes);
  lub_status status = LUB_OK;
  for (uint64_t i = 0; i < count && status == LUB_OK; i++) {
    lub_h5_take_length(reader, &span); /* a key: the names before it are here */
    uint64_t child = lub_h5_take_address(reader, &span);
    status = head[5] == 0 ? read_symbol_node(reader, w, child, err)
                          : read_tree_node(reader, w, child, head[5] - 1, err);
  }
  free(node);
  return status;
}

lub_status lub_h5_read_symbols(lub_h5_reader *reader, const lub_h5_message *message, lub_h5_group *group,
                               lub_error *err) {
  walk w = {.group = group};
  lub_h5_span span = lub_h5_span_over(message->data, message->size);
  uint64_t tree = lub_h5_take_address(reader, &span), heap = lub_h5_take_address(reader, &span);
  if (span.bad) return lub_h5_damaged(reader, err, "a group has no table");
  if (load_heap(reader, &w, heap, err) != LUB_OK) return err->status;
  return read_tree_node(reader, &w, tree, -1, err);
}
