/* An archive goes straight from its members to the side file of base/aside.h, without a copy in memory, and its
 * checksums are taken while the disk writes. libzip would pass everything on in pieces of 8 kB, which takes longer than
 * fast disks do; and an archive whose members are not compressed needs little (PKWARE's APPNOTE.TXT, 4.3: local headers
 * before the members, a directory and its end behind them, numbers little-endian). Where a size or place
 * needs more than 32 bits, these fields say so, and a field of 64 bits follows (4.5.3, "zip64"). */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/aside.h"
#include "zip/zip.h"

enum {
  PLAIN_VERSION = 20,
  ZIP64_VERSION = 45,
  YEAR_1980 = (1 << 5) | 1, /* the first day that an archive can name */
  ZIP64 = 1,                /* the kind of the field behind a name */
  FIXED = 128,              /* a header without its name has no more bytes */
  AT_ONCE = 1 << 23
};

typedef struct writer {
  lub_aside *aside;
  uint64_t at;
  int reason; /* the errno of the first write that failed */
} writer;

/* === bytes in a row === */

typedef struct row {
  unsigned char bytes[FIXED];
  size_t size;
} row;

static void put(row *r, int bytes, uint64_t value) {
  for (int i = 0; i < bytes; i++) r->bytes[r->size++] = (unsigned char)(value >> 8 * i);
}

/* A number in a field of `bytes` bytes, or all ones where a longer field follows. */
static void put_or_ones(row *r, int bytes, uint64_t value, bool longer) { put(r, bytes, longer ? UINT64_MAX : value); }

static void write_on(writer *w, const void *bytes, size_t size) {
  if (!w->reason) w->reason = lub_aside_write(w->aside, bytes, size);
  w->at += size;
}

/* === members === */

typedef struct entry {
  const char *name;
  uint64_t at; /* of its local header */
  uint64_t size;
  uint32_t crc;
} entry;

static bool is_long(uint64_t value) { return value >= UINT32_MAX; }

/* What both headers of a member have in common, from the version that reads it to the length of its name. */
static void put_common(row *r, const entry *e, bool longer) {
  put(r, 2, longer ? ZIP64_VERSION : PLAIN_VERSION);
  put(r, 2, 0); /* flags */
  put(r, 2, 0); /* not compressed */
  put(r, 2, 0); /* midnight */
  put(r, 2, YEAR_1980);
  put(r, 4, e->crc);
  put_or_ones(r, 4, e->size, longer); /* as it lies there, */
  put_or_ones(r, 4, e->size, longer); /* and unpacked */
  put(r, 2, strlen(e->name));
}

static row local_header(const entry *e) {
  bool longer = is_long(e->size);
  row r = {.size = 0};
  put(&r, 4, 0x04034b50);
  put_common(&r, e, longer);
  put(&r, 2, longer ? 20 : 0);
  return r;
}

static void write_piece(writer *w, const lub_piece *piece, uint32_t *crc) {
  const unsigned char *from = piece->bytes;
  for (size_t done = 0; done < piece->size && !w->reason; done += AT_ONCE) {
    size_t size = piece->size - done < AT_ONCE ? piece->size - done : AT_ONCE;
    *crc = (uint32_t)crc32_z(*crc, from + done, size);
    write_on(w, from + done, size);
  }
}

static void write_member(writer *w, const lub_zip_member *member, entry *e) {
  row field = {.size = 0};
  *e = (entry){.name = member->name, .at = w->at};
  for (size_t i = 0; i < member->count; i++) e->size += member->pieces[i].size;
  row header = local_header(e);
  write_on(w, header.bytes, header.size);
  write_on(w, e->name, strlen(e->name));
  if (is_long(e->size)) {
    put(&field, 2, ZIP64);
    put(&field, 2, 16);
    put(&field, 8, e->size);
    put(&field, 8, e->size);
    write_on(w, field.bytes, field.size);
  }
  for (size_t i = 0; i < member->count; i++) write_piece(w, &member->pieces[i], &e->crc);
  header = local_header(e); /* once more, now that the checksum is known */
  if (!w->reason && pwrite(lub_aside_descriptor(w->aside), header.bytes, header.size, (off_t)e->at) < 0)
    w->reason = errno;
}

/* === the directory === */

static void write_entry(writer *w, const entry *e) {
  bool longer = is_long(e->size) || is_long(e->at);
  row r = {.size = 0}, field = {.size = 0};
  put(&r, 4, 0x02014b50);
  put(&r, 2, longer ? ZIP64_VERSION : PLAIN_VERSION); /* who made it */
  put_common(&r, e, longer);
  put(&r, 2, longer ? 28 : 0);
  put(&r, 2, 0); /* no comment */
  put(&r, 2, 0); /* disk 0 */
  put(&r, 2, 0); /* attributes: none */
  put(&r, 4, 0);
  put_or_ones(&r, 4, e->at, longer);
  write_on(w, r.bytes, r.size);
  write_on(w, e->name, strlen(e->name));
  if (!longer) return;
  put(&field, 2, ZIP64);
  put(&field, 2, 24);
  put(&field, 8, e->size);
  put(&field, 8, e->size);
  put(&field, 8, e->at);
  write_on(w, field.bytes, field.size);
}

/* The end of a directory that lies from `from` to here, with its longer form before it where that is needed. */
static void write_end(writer *w, uint64_t from, size_t count) {
  uint64_t end = w->at, size = end - from;
  bool longer = is_long(end) || count >= UINT16_MAX;
  row r = {.size = 0};
  if (longer) {
    put(&r, 4, 0x06064b50);
    put(&r, 8, 44); /* the bytes that follow in this record */
    put(&r, 2, ZIP64_VERSION);
    put(&r, 2, ZIP64_VERSION);
    put(&r, 4, 0); /* this disk is disk 0, */
    put(&r, 4, 0); /* where the directory is */
    put(&r, 8, count);
    put(&r, 8, count);
    put(&r, 8, size);
    put(&r, 8, from);
    put(&r, 4, 0x07064b50); /* and where this record is */
    put(&r, 4, 0);
    put(&r, 8, end);
    put(&r, 4, 1);
  }
  put(&r, 4, 0x06054b50);
  put(&r, 2, 0);
  put(&r, 2, 0);
  put_or_ones(&r, 2, count, longer);
  put_or_ones(&r, 2, count, longer);
  put_or_ones(&r, 4, size, longer);
  put_or_ones(&r, 4, from, longer);
  put(&r, 2, 0); /* no comment */
  write_on(w, r.bytes, r.size);
}

static void write_archive(writer *w, const lub_zip_member *members, size_t count, entry *entries) {
  for (size_t i = 0; i < count && !w->reason; i++) write_member(w, &members[i], &entries[i]);
  uint64_t directory = w->at;
  for (size_t i = 0; i < count && !w->reason; i++) write_entry(w, &entries[i]);
  write_end(w, directory, count);
}

lub_status lub_zip_write(const char *path, const lub_zip_member *members, size_t count, lub_error *err) {
  writer w = {.at = 0};
  lub_size_guard guard;
  entry *entries = calloc(count + 1, sizeof *entries);
  if (!entries) return lub_nomem(err, path, (double)((count + 1) * sizeof *entries));
  if (lub_aside_open(&w.aside, path, err) != LUB_OK) {
    free(entries);
    return err->status;
  }
  lub_size_guard_enter(&guard);
  write_archive(&w, members, count, entries);
  lub_size_guard_leave(&guard);
  free(entries);
  if (!w.reason) return lub_aside_commit(w.aside, err);
  lub_aside_discard(w.aside);
  return lub_fail(err, LUB_EWORLD, "%s: %s", path, strerror(w.reason));
}
