/* A file in memory, as a driver of HDF5's own kind. HDF5 has one that keeps a file in a single block: all numbers are
 * copied there, for which the system must find and clear as much memory as the model has, and that takes as long as a
 * disk needs to write it. Here large arrays stay where they are: the file is a block with all that HDF5 wrote but them,
 * and they lie in between. */
#include <stdlib.h>
#include <string.h>

#include "h5/internal.h"

/* An array in the file, at this address. */
typedef struct lent {
  haddr_t at;
  lub_piece numbers;
} lent;

struct lub_h5_memory {
  H5FD_t head;   /* HDF5's own, must come first */
  haddr_t taken; /* what HDF5 gave away of its space of addresses */
  haddr_t end;   /* of what was written */
  unsigned char *block; /* all bytes but the arrays', in the order of their addresses; `size` of them, room for more */
  size_t size, room;
  lent *lents; /* in the order of their addresses */
  size_t count, most;
  lub_piece offer; /* an array that is on its way through HDF5 */
  lub_piece *pieces;
};

static lub_h5_memory *memory_of(const H5FD_t *file) { return (lub_h5_memory *)(uintptr_t)file; }

/* Room for one more in a list of `count` elements; `most` it has had room for. */
static void *one_more(void *list, size_t count, size_t *most, size_t size) {
  if (count < *most) return list;
  void *longer = realloc(list, (2 * *most + 16) * size);
  if (longer) *most = 2 * *most + 16;
  return longer;
}

/* The block has `size` bytes at least, new ones are 0. */
static bool extend(lub_h5_memory *m, uint64_t size) {
  if (size <= m->size) return true;
  if (size > m->room) {
    uint64_t room = size + size / 2 + 4096;
    unsigned char *longer = room < SIZE_MAX ? realloc(m->block, (size_t)room) : NULL;
    if (!longer) return false;
    m->block = longer;
    m->room = (size_t)room;
  }
  memset(m->block + m->size, 0, (size_t)size - m->size);
  m->size = (size_t)size;
  return true;
}

/* Where these addresses are in the block, which grows to have them; NULL: memory is missing, or they are an array's. */
static unsigned char *place(lub_h5_memory *m, haddr_t at, size_t size) {
  haddr_t before = 0; /* so many bytes at lower addresses are arrays' */
  for (size_t i = 0; i < m->count && at + size > m->lents[i].at; i++) {
    if (at < m->lents[i].at + m->lents[i].numbers.size) return NULL;
    before += m->lents[i].numbers.size;
  }
  if (!extend(m, at - before + size)) return NULL;
  if (at + size > m->end) m->end = at + size;
  return m->block + (at - before);
}

/* The array that is offered becomes a part of the file, behind all others. */
static bool take(lub_h5_memory *m, haddr_t at) {
  lent *longer = one_more(m->lents, m->count, &m->most, sizeof *longer);
  if (!longer) return false;
  m->lents = longer;
  if (!place(m, at, 0)) return false;
  m->lents[m->count++] = (lent){at, m->offer};
  m->end = at + m->offer.size;
  return true;
}

/* === what HDF5 calls === */

static H5FD_t *memory_open(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)name;
  (void)flags;
  (void)access;
  (void)most;
  lub_h5_memory *m = calloc(1, sizeof *m);
  return m ? &m->head : NULL;
}

static herr_t memory_close(H5FD_t *file) {
  lub_h5_memory *m = memory_of(file);
  free(m->block);
  free(m->lents);
  free(m->pieces);
  free(m);
  return 0;
}

static herr_t memory_query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t memory_taken(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return memory_of(file)->taken;
}

static herr_t memory_take(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
  (void)type;
  memory_of(file)->taken = end;
  return 0;
}

static haddr_t memory_end(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return memory_of(file)->end;
}

static herr_t memory_handle(H5FD_t *file, hid_t access, void **handle) {
  (void)access;
  *handle = memory_of(file);
  return 0;
}

static herr_t memory_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, void *out) {
  (void)type;
  (void)transfer;
  const unsigned char *from = place(memory_of(file), at, size);
  if (!from) return -1;
  memcpy(out, from, size);
  return 0;
}

static herr_t memory_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, const void *bytes) {
  (void)type;
  (void)transfer;
  lub_h5_memory *m = memory_of(file);
  if (bytes == m->offer.bytes && size == m->offer.size && at >= m->end) return take(m, at) ? 0 : -1;
  unsigned char *to = place(m, at, size);
  if (!to) return -1;
  memcpy(to, bytes, size);
  return 0;
}

/* === what we call === */

hid_t lub_h5_memory_driver(void) {
  static const H5FD_class_t class = {
#ifdef H5FD_CLASS_VERSION
      .version = H5FD_CLASS_VERSION,
      .value = 511, /* of those for drivers that are nobody else's matter */
#endif
      .name = "lubdub",
      .maxaddr = (haddr_t)INT64_MAX,
      .fc_degree = H5F_CLOSE_WEAK,
      .open = memory_open,
      .close = memory_close,
      .query = memory_query,
      .get_eoa = memory_taken,
      .set_eoa = memory_take,
      .get_eof = memory_end,
      .get_handle = memory_handle,
      .read = memory_read,
      .write = memory_write,
      .fl_map = H5FD_FLMAP_DICHOTOMY,
  };
  return H5FDregister(&class);
}

void lub_h5_memory_offer(lub_h5_memory *m, const void *numbers, size_t size) {
  enum { WORTH = 1 << 14 }; /* a call of the system for less is dearer than a copy */
  m->offer = size >= WORTH ? (lub_piece){numbers, size} : (lub_piece){0};
}

/* A superblock notes that its file is being written. */
static void clear_status(unsigned char *superblock) {
  enum { VERSION = 8, STATUS_0 = 20, STATUS_2 = 11 }; /* where these bytes lie, the last for versions 0 and 1, and 2 */
  if (superblock[VERSION] < 2) memset(superblock + STATUS_0, 0, 4);
  else superblock[STATUS_2] = 0;
}

const lub_piece *lub_h5_memory_pieces(lub_h5_memory *m, size_t *count) {
  lub_piece *pieces = realloc(m->pieces, (2 * m->count + 1) * sizeof *pieces);
  if (!pieces) return NULL;
  m->pieces = pieces;
  if (m->end < m->taken && !place(m, m->taken, 0)) return NULL; /* space that nothing was written to yet */
  clear_status(m->block);
  size_t done = 0;
  haddr_t at = 0;
  for (size_t i = 0; i < m->count; i++) {
    size_t before = (size_t)(m->lents[i].at - at);
    *pieces++ = (lub_piece){m->block + done, before};
    *pieces++ = m->lents[i].numbers;
    done += before;
    at = m->lents[i].at + m->lents[i].numbers.size;
  }
  *pieces++ = (lub_piece){m->block + done, m->size - done};
  *count = 2 * m->count + 1;
  return m->pieces;
}
