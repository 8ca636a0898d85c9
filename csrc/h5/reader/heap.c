/* The global heap (III.E): collections of objects, in which strings of variable length lie. */
#define _POSIX_C_SOURCE 200809L /* strnlen */
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

void lub_h5_free_collection(lub_h5_collection *c) {
  free(c->bytes);
  free(c->object);
  *c = (lub_h5_collection){0};
}

static int compare(const void *a, const void *b) {
  const lub_h5_object *x = a, *y = b;
  return (x->index > y->index) - (x->index < y->index);
}

/* Finds out where each object of a collection begins. Object 0 is the free space at the end. */
static lub_status index_objects(lub_h5_reader *reader, lub_h5_collection *c, lub_error *err) {
  size_t head = 8 + (size_t)reader->length_bytes, most = c->size / head;
  lub_h5_span span = lub_h5_span_over(c->bytes, c->size);
  lub_h5_object *objects = realloc(c->object, (most + 1) * sizeof *objects);
  if (!objects) return lub_h5_nomem(reader, err, (double)(most * sizeof *objects));
  c->object = objects;
  c->count = 0;
  lub_h5_skip(&span, head);
  while (span.left >= head) {
    size_t index = (size_t)lub_h5_take(&span, 2);
    lub_h5_skip(&span, 6);
    uint64_t size = lub_h5_take_length(reader, &span);
    if (index == 0) break;
    const uint8_t *data = lub_h5_skip(&span, size);
    if (!data) return lub_h5_damaged(reader, err, "a long string is longer than its heap");
    c->object[c->count++] = (lub_h5_object){index, data, (size_t)size};
    size_t padding = (8 - size % 8) % 8;
    lub_h5_skip(&span, padding < span.left ? padding : span.left);
  }
  qsort(c->object, c->count, sizeof *c->object, compare);
  return LUB_OK;
}

static lub_status load_collection(lub_h5_reader *reader, lub_h5_collection *c, uint64_t address, lub_error *err) {
  uint8_t head[16];
  size_t size = 8 + (size_t)reader->length_bytes;
  free(c->bytes);
  c->bytes = NULL;
  if (lub_h5_fetch(reader, address, head, size, err) != LUB_OK) return err->status;
  lub_h5_span span = lub_h5_span_over(head + 8, size - 8);
  c->size = (size_t)lub_h5_take_length(reader, &span);
  c->address = address;
  if (memcmp(head, "GCOL", 4) != 0 || head[4] != 1)
    return lub_h5_damaged(reader, err, "no heap of strings where one should be");
  if (lub_h5_load(reader, address, c->size, &c->bytes, err) != LUB_OK) return err->status;
  return index_objects(reader, c, err);
}

lub_status lub_h5_heap_string(lub_h5_reader *reader, lub_h5_collection *c, const uint8_t *reference,
                              const char **string, size_t *length, lub_error *err) {
  lub_h5_span span = lub_h5_span_over(reference, 8 + (size_t)reader->address_bytes);
  uint64_t wanted = lub_h5_take(&span, 4), address = lub_h5_take_address(reader, &span);
  size_t index = (size_t)lub_h5_take(&span, 4);
  *string = "";
  *length = 0;
  if (wanted == 0 || address == 0) return LUB_OK; /* an empty string is stored nowhere */
  if ((!c->bytes || c->address != address) && load_collection(reader, c, address, err) != LUB_OK) return err->status;
  lub_h5_object key = {.index = index};
  const lub_h5_object *object = bsearch(&key, c->object, c->count, sizeof key, compare);
  if (!object || wanted > object->size) return lub_h5_damaged(reader, err, "a long string is not in its heap");
  *string = (const char *)object->data;
  *length = strnlen(*string, (size_t)wanted);
  return LUB_OK;
}
