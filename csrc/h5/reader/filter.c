/* What was done to chunks before they were stored (IV.A.2.l), undone in the reverse order. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "h5/reader/internal.h"

enum { DEFLATE = 1, SHUFFLE = 2, FLETCHER = 3 };

static void exchange(lub_h5_buffers *b, size_t size) {
  uint8_t *now = b->now;
  b->now = b->next;
  b->next = now;
  b->size = size;
}

static lub_status inflate_chunk(lub_h5_reader *reader, lub_h5_buffers *b, lub_error *err) {
  uLongf size = b->room;
  if (uncompress(b->next, &size, b->now, b->size) != Z_OK)
    return lub_h5_damaged(reader, err, "a compressed chunk does not unpack");
  exchange(b, size);
  return LUB_OK;
}

/* All first bytes of the elements, then all second ones, ...; what is less than an element stays behind. */
static void unshuffle(lub_h5_buffers *b, size_t element) {
  size_t count = b->size / element;
  for (size_t byte = 0; count > 0 && byte < element; byte++)
    for (size_t i = 0; i < count; i++) b->next[i * element + byte] = b->now[byte * count + i];
  memcpy(b->next + count * element, b->now + count * element, b->size - count * element);
  exchange(b, b->size);
}

static lub_status refuse_filter(lub_h5_reader *reader, unsigned id, lub_error *err) {
  static const struct {
    unsigned id;
    const char *name;
  } known[] = {{4, "szip"}, {5, "nbit"}, {6, "scaleoffset"}, {32000, "lzf"}, {32001, "blosc"}, {32015, "zstd"}};
  const char *name = "unknown";
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].id == id) name = known[i].name;
  return lub_fail(err, LUB_EWORLD, "%s: %s: is compressed by the filter %u (%s), which is not read: save it with gzip "
                  "or uncompressed", reader->path, reader->object, id, name);
}

lub_status lub_h5_unfilter(lub_h5_reader *reader, const lub_h5_array *a, unsigned mask, lub_h5_buffers *buffers,
                           lub_error *err) {
  for (int i = a->filters - 1; i >= 0; i--) {
    if (mask >> i & 1) continue;
    switch (a->filter[i].id) {
    case DEFLATE:
      if (inflate_chunk(reader, buffers, err) != LUB_OK) return err->status;
      break;
    case SHUFFLE: {
      size_t element = a->filter[i].value ? a->filter[i].value : a->type.size;
      unshuffle(buffers, element);
      break;
    }
    case FLETCHER: /* a checksum at the end, which is not verified */
      buffers->size = buffers->size < 4 ? 0 : buffers->size - 4;
      break;
    default: return refuse_filter(reader, a->filter[i].id, err);
    }
  }
  if (buffers->size != a->chunk_bytes) return lub_h5_damaged(reader, err, "a chunk has not the size it should have");
  return LUB_OK;
}
