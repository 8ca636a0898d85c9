/* The bytes of a file: opening, the superblock (II), and the one way to them. */
#define _XOPEN_SOURCE 700 /* pread, strdup */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pool.h"
#include "h5/reader/internal.h"

enum {
  WINDOW = 1 << 16, /* metadata of a file on disk is read in pieces of so many bytes */
  PAGE = 1 << 12,
  PIECE = 1 << 26, /* one pread asks for no more */
  COST = 64        /* of each look, beside its bytes */
};

/* An honest reading of a model looks at each byte of metadata a few times. */
static uint64_t work_of(uint64_t size) { return (UINT64_C(1) << 26) + 64 * size; }

/* === messages === */

lub_status lub_h5_refuse(const lub_h5_reader *reader, lub_error *err, const char *reason) {
  const char *object = reader->object;
  return lub_fail(err, LUB_EWORLD, "%s: %s%s%s", reader->path, object ? object : "", object ? ": " : "", reason);
}

lub_status lub_h5_damaged(const lub_h5_reader *reader, lub_error *err, const char *reason) {
  const char *object = reader->object;
  return lub_fail(err, LUB_EWORLD, "%s: %s%sthe HDF5 file is damaged (%s)", reader->path, object ? object : "",
                  object ? ": " : "", reason);
}

lub_status lub_h5_nomem(const lub_h5_reader *reader, lub_error *err, double bytes) {
  return lub_nomem(err, reader->path, bytes);
}

/* === access === */

bool lub_h5_inside(const lub_h5_reader *reader, uint64_t address, uint64_t size) {
  uint64_t room = reader->size - reader->base;
  return address <= room && size <= room - address;
}

static lub_status pread_all(const lub_h5_reader *reader, uint64_t at, uint8_t *out, size_t size, lub_error *err) {
  while (size > 0) {
    ssize_t got = pread(reader->fd, out, size < PIECE ? size : PIECE, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return lub_h5_refuse(reader, err, strerror(errno));
    if (got == 0) return lub_h5_refuse(reader, err, "the file was cut while it was read");
    at += (uint64_t)got;
    out += got;
    size -= (size_t)got;
  }
  return LUB_OK;
}

/* A long run, by several threads: one alone spends most of its time on getting the pages that it reads into. */
typedef struct long_read {
  const lub_h5_reader *reader;
  uint64_t at;
  uint8_t *out;
  size_t size;
  _Atomic bool failed;
} long_read;

enum { LONG = 1 << 23, SHARE = 1 << 21 };

static void read_share(void *context, int64_t chunk, int thread) {
  long_read *r = context;
  lub_error err;
  size_t from = (size_t)chunk * SHARE, size = r->size - from < SHARE ? r->size - from : SHARE;
  (void)thread;
  if (pread_all(r->reader, r->at + from, r->out + from, size, &err) != LUB_OK) r->failed = true;
}

static lub_status read_long(const lub_h5_reader *reader, uint64_t at, uint8_t *out, size_t size, lub_error *err) {
  long_read r = {.reader = reader, .at = at, .out = out, .size = size};
  lub_parallel((int64_t)((size + SHARE - 1) / SHARE), lub_num_threads(), read_share, &r);
  if (!r.failed) return LUB_OK;
  return pread_all(reader, at, out, size, err); /* once more, for the reason */
}

lub_status lub_h5_fetch_numbers(const lub_h5_reader *reader, uint64_t address, void *out, size_t size,
                                lub_error *err) {
  if (!lub_h5_inside(reader, address, size)) return lub_h5_damaged(reader, err, "an address lies beyond its end");
  if (!reader->memory && size >= LONG) return read_long(reader, reader->base + address, out, size, err);
  if (!reader->memory) return pread_all(reader, reader->base + address, out, size, err);
  if (size > 0) memcpy(out, reader->memory + reader->base + address, size);
  return LUB_OK;
}

/* Moves the window over `size` bytes from `at`, all within the file. */
static lub_status move_window(lub_h5_reader *reader, uint64_t at, size_t size, lub_error *err) {
  if (at >= reader->window_at && at - reader->window_at + size <= reader->window_size) return LUB_OK;
  uint64_t start = at / PAGE * PAGE, room = reader->size - start;
  reader->window_size = 0;
  reader->window_at = start;
  size_t length = room < WINDOW ? (size_t)room : WINDOW;
  if (pread_all(reader, start, reader->window, length, err) != LUB_OK) return err->status;
  reader->window_size = length;
  return LUB_OK;
}

lub_status lub_h5_fetch(lub_h5_reader *reader, uint64_t address, void *out, size_t size, lub_error *err) {
  if (!lub_h5_inside(reader, address, size)) return lub_h5_damaged(reader, err, "an address lies beyond its end");
  if (reader->work < size + COST) return lub_h5_damaged(reader, err, "its parts refer to each other without end");
  reader->work -= size + COST;
  if (reader->memory || size > WINDOW - PAGE) return lub_h5_fetch_numbers(reader, address, out, size, err);
  uint64_t at = reader->base + address;
  if (move_window(reader, at, size, err) != LUB_OK) return err->status;
  memcpy(out, reader->window + (at - reader->window_at), size);
  return LUB_OK;
}

lub_status lub_h5_load(lub_h5_reader *reader, uint64_t address, uint64_t size, uint8_t **out, lub_error *err) {
  *out = NULL;
  if (!lub_h5_inside(reader, address, size)) return lub_h5_damaged(reader, err, "an address lies beyond its end");
  uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
  if (!bytes) return lub_h5_nomem(reader, err, (double)size);
  if (lub_h5_fetch(reader, address, bytes, (size_t)size, err) == LUB_OK) *out = bytes;
  else free(bytes);
  return *out ? LUB_OK : err->status;
}

uint64_t lub_h5_take_address(const lub_h5_reader *reader, lub_h5_span *span) {
  uint64_t value = lub_h5_take(span, reader->address_bytes);
  uint64_t undefined = UINT64_MAX >> (64 - 8 * reader->address_bytes);
  return value == undefined ? LUB_H5_UNDEFINED : value;
}

uint64_t lub_h5_take_length(const lub_h5_reader *reader, lub_h5_span *span) {
  return lub_h5_take(span, reader->length_bytes);
}

lub_status lub_h5_room(lub_h5_reader *reader, size_t count, size_t length, char ***at, char **characters,
                       lub_h5_text *text, lub_error *err) {
  size_t bytes = count * sizeof(char *) + length + count + 1;
  char *room = malloc(bytes);
  if (!room) return lub_h5_nomem(reader, err, (double)bytes);
  free(reader->text);
  reader->text = room;
  *at = (char **)(void *)room;
  *characters = room + count * sizeof(char *);
  text->count = count;
  text->string = (const char *const *)*at;
  return LUB_OK;
}

/* === the superblock === */

static const uint8_t signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

static bool plain_size(int bytes) { return bytes == 2 || bytes == 4 || bytes == 8; }

/* Versions 0 and 1: the root group is named by a symbol table entry. */
static uint64_t take_old(lub_h5_reader *reader, lub_h5_span *span, int version, uint64_t *end) {
  lub_h5_skip(span, 4); /* versions of parts */
  reader->address_bytes = (int)lub_h5_take(span, 1);
  reader->length_bytes = (int)lub_h5_take(span, 1);
  if (!plain_size(reader->address_bytes) || !plain_size(reader->length_bytes)) return LUB_H5_UNDEFINED;
  lub_h5_skip(span, version == 0 ? 9 : 13); /* sizes of B-tree nodes, flags */
  reader->base = lub_h5_take_address(reader, span);
  lub_h5_take_address(reader, span); /* free space */
  *end = lub_h5_take_address(reader, span);
  lub_h5_take_address(reader, span); /* driver information */
  lub_h5_take_address(reader, span); /* the root's name */
  return lub_h5_take_address(reader, span);
}

/* Versions 2 and 3: by its header's address. */
static uint64_t take_new(lub_h5_reader *reader, lub_h5_span *span, uint64_t *end) {
  reader->address_bytes = (int)lub_h5_take(span, 1);
  reader->length_bytes = (int)lub_h5_take(span, 1);
  if (!plain_size(reader->address_bytes) || !plain_size(reader->length_bytes)) return LUB_H5_UNDEFINED;
  lub_h5_skip(span, 1); /* flags */
  reader->base = lub_h5_take_address(reader, span);
  lub_h5_take_address(reader, span); /* superblock extension */
  *end = lub_h5_take_address(reader, span);
  return lub_h5_take_address(reader, span);
}

/* The superblock at `at`, behind the signature. */
static lub_status read_superblock(lub_h5_reader *reader, uint64_t at, lub_error *err) {
  enum { MOST = 96 };
  uint8_t bytes[MOST];
  uint64_t room = reader->size - at, end = 0;
  size_t size = room < MOST ? (size_t)room : MOST;
  if (lub_h5_fetch(reader, at, bytes, size, err) != LUB_OK) return err->status;
  lub_h5_span span = lub_h5_span_over(bytes, size);
  lub_h5_skip(&span, sizeof signature);
  int version = (int)lub_h5_take(&span, 1);
  if (version > 3) return lub_h5_refuse(reader, err, "an HDF5 file of a later version than 1.14's is not read");
  uint64_t root = version < 2 ? take_old(reader, &span, version, &end) : take_new(reader, &span, &end);
  if (span.bad || root == LUB_H5_UNDEFINED) {
    reader->base = 0;
    return lub_h5_damaged(reader, err, "its first block makes no sense");
  }
  if (end > reader->size) {
    return lub_fail(err, LUB_EWORLD, "%s: the HDF5 file is cut: it has %llu of %llu bytes", reader->path,
                    (unsigned long long)reader->size, (unsigned long long)end);
  }
  if (reader->base > at) return lub_h5_damaged(reader, err, "its first block makes no sense");
  reader->root = root;
  return LUB_OK;
}

/* The superblock is at 0, or behind a user block of 512, 1024, 2048, ... bytes. */
static lub_status find_superblock(lub_h5_reader *reader, lub_error *err) {
  uint8_t start[sizeof signature];
  for (uint64_t at = 0; lub_h5_inside(reader, at, sizeof start); at = at == 0 ? 512 : at * 2) {
    if (lub_h5_fetch(reader, at, start, sizeof start, err) != LUB_OK) return err->status;
    if (memcmp(start, signature, sizeof start) == 0) return read_superblock(reader, at, err);
  }
  return lub_h5_refuse(reader, err, "not an HDF5 file");
}

/* === opening === */

static lub_status new_reader(const char *name, lub_h5_reader **out, lub_error *err) {
  lub_h5_reader *reader = calloc(1, sizeof *reader);
  *out = NULL;
  if (reader) {
    reader->fd = -1;
    reader->path = strdup(name);
  }
  if (!reader || !reader->path) {
    lub_h5_reader_close(reader);
    return lub_nomem(err, name, (double)sizeof *reader);
  }
  *out = reader;
  return LUB_OK;
}

static lub_status open_file(lub_h5_reader *reader, lub_error *err) {
  struct stat info;
  /* without waiting: it may be a pipe */
  reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (reader->fd < 0 || fstat(reader->fd, &info) != 0) return lub_h5_refuse(reader, err, strerror(errno));
  if (S_ISDIR(info.st_mode)) return lub_h5_refuse(reader, err, strerror(EISDIR));
  if (!S_ISREG(info.st_mode)) return lub_h5_refuse(reader, err, "not a regular file");
  if (info.st_size == 0) return lub_h5_refuse(reader, err, "the file is empty");
  reader->size = (uint64_t)info.st_size;
  reader->window = malloc(WINDOW);
  return reader->window ? LUB_OK : lub_h5_nomem(reader, err, WINDOW);
}

static lub_status begin(lub_h5_reader *reader, lub_error *err) {
  reader->work = work_of(reader->size);
  return find_superblock(reader, err);
}

lub_status lub_h5_open(const char *path, lub_h5_reader **reader, lub_error *err) {
  if (new_reader(path, reader, err) != LUB_OK) return err->status;
  if (open_file(*reader, err) == LUB_OK && begin(*reader, err) == LUB_OK) return LUB_OK;
  lub_h5_reader_close(*reader);
  *reader = NULL;
  return err->status;
}

lub_status lub_h5_open_memory(const void *bytes, size_t size, const char *name, lub_h5_reader **reader,
                              lub_error *err) {
  if (new_reader(name, reader, err) != LUB_OK) return err->status;
  (*reader)->memory = bytes;
  (*reader)->size = size;
  if ((size > 0 ? begin(*reader, err) : lub_h5_refuse(*reader, err, "the file is empty")) == LUB_OK) return LUB_OK;
  lub_h5_reader_close(*reader);
  *reader = NULL;
  return err->status;
}

void lub_h5_reader_close(lub_h5_reader *reader) {
  if (!reader) return;
  if (reader->fd >= 0) close(reader->fd);
  for (int i = 0; i < LUB_H5_GROUPS_KEPT; i++) lub_h5_free_group(reader->group[i]);
  free(reader->window);
  free(reader->text);
  free(reader->path);
  free(reader);
}

const char *lub_h5_reader_name(const lub_h5_reader *reader) { return reader->path; }

int64_t lub_h5_reader_bytes(const lub_h5_reader *reader) { return (int64_t)reader->size; }
