/* An archive goes straight from its members to the side file of base/aside.h, without a copy in memory: libzip writes
 * through a source, which here is a file descriptor. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/aside.h"
#include "zip/zip.h"

enum {
  YEAR_1980 = (1 << 5) | 1, /* the first day that an archive can name */
  HELD = 1 << 18            /* libzip writes 8 kB at a time: they are gathered to so many bytes */
};

typedef struct target {
  lub_aside *aside;
  int64_t at, end;
  size_t held; /* bytes in `gathered` that stand before `at` */
  char gathered[HELD];
  int reason; /* the errno of the first write that failed */
  zip_error_t error;
} target;

static zip_int64_t refuse(target *t, int code, int reason) {
  if (!t->reason) t->reason = reason;
  zip_error_set(&t->error, code, reason);
  return -1;
}

/* The archive is new: nothing is there to be read. */
static zip_int64_t say_absent(target *t, void *data, zip_uint64_t size) {
  (void)size;
  zip_stat_init(data);
  zip_error_set(&t->error, ZIP_ER_READ, ENOENT);
  return -1;
}

/* Writes what is gathered. */
static int flush(target *t) {
  int reason = lub_aside_write(t->aside, t->gathered, t->held);
  if (reason) return (int)refuse(t, ZIP_ER_WRITE, reason);
  t->held = 0;
  return 0;
}

static zip_int64_t write_on(target *t, const char *bytes, zip_uint64_t size) {
  for (zip_uint64_t done = 0; done < size;) {
    size_t n = size - done < HELD - t->held ? (size_t)(size - done) : HELD - t->held;
    memcpy(t->gathered + t->held, bytes + done, n);
    t->held += n;
    done += n;
    if (t->held == HELD && flush(t) != 0) return -1;
  }
  t->at += (int64_t)size;
  if (t->at > t->end) t->end = t->at;
  return (zip_int64_t)size;
}

static zip_int64_t seek(target *t, void *data, zip_uint64_t size) {
  zip_int64_t to = zip_source_seek_compute_offset((zip_uint64_t)t->at, (zip_uint64_t)t->end, data, size, &t->error);
  if (to < 0 || flush(t) != 0) return -1;
  if (to != t->at && lseek(lub_aside_descriptor(t->aside), (off_t)to, SEEK_SET) < 0) return refuse(t, ZIP_ER_SEEK, errno);
  t->at = to;
  return 0;
}

static zip_int64_t serve(void *state, void *data, zip_uint64_t size, zip_source_cmd_t command) {
  target *t = state;
  switch (command) {
  case ZIP_SOURCE_SUPPORTS:
    return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                          ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                          ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE, ZIP_SOURCE_ROLLBACK_WRITE,
                                          ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE,
                                          ZIP_SOURCE_SUPPORTS, ZIP_SOURCE_REMOVE, -1);
  case ZIP_SOURCE_STAT: return say_absent(t, data, size);
  case ZIP_SOURCE_ERROR: return zip_error_to_data(&t->error, data, size);
  case ZIP_SOURCE_COMMIT_WRITE: return flush(t);
  case ZIP_SOURCE_BEGIN_WRITE:
  case ZIP_SOURCE_ROLLBACK_WRITE:
  case ZIP_SOURCE_CLOSE:
  case ZIP_SOURCE_FREE: return 0;
  case ZIP_SOURCE_WRITE: return write_on(t, data, size);
  case ZIP_SOURCE_SEEK_WRITE: return seek(t, data, size);
  case ZIP_SOURCE_TELL_WRITE: return t->at;
  default: return refuse(t, ZIP_ER_OPNOTSUPP, 0);
  }
}

static int add(zip_t *zip, const lub_zip_member *member) {
  zip_source_t *source = zip_source_buffer(zip, member->bytes, member->size, 0);
  if (!source) return -1;
  zip_int64_t index = zip_file_add(zip, member->name, source, 0);
  if (index < 0) {
    zip_source_free(source);
    return -1;
  }
  if (zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) != 0) return -1;
  return zip_file_set_dostime(zip, (zip_uint64_t)index, 0, YEAR_1980, 0);
}

/* 0, or -1 and libzip's reason in t->error. */
static int write_archive(target *t, const lub_zip_member *members, size_t count) {
  zip_source_t *source = zip_source_function_create(serve, t, &t->error);
  if (!source) return -1;
  zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &t->error);
  if (!zip) {
    zip_source_free(source);
    return -1;
  }
  int failed = 0;
  for (size_t i = 0; i < count && !failed; i++) failed = add(zip, &members[i]);
  if (!failed) failed = zip_close(zip);
  if (!failed) return 0;
  zip_error_set(&t->error, zip_error_code_zip(zip_get_error(zip)), zip_error_code_system(zip_get_error(zip)));
  zip_discard(zip);
  return -1;
}

lub_status lub_zip_write(const char *path, const lub_zip_member *members, size_t count, lub_error *err) {
  lub_aside *aside;
  lub_size_guard guard;
  if (lub_aside_open(&aside, path, err) != LUB_OK) return err->status;
  target *t = calloc(1, sizeof *t);
  if (!t) {
    lub_aside_discard(aside);
    return lub_nomem(err, path, sizeof *t);
  }
  t->aside = aside;
  zip_error_init(&t->error);
  lub_size_guard_enter(&guard);
  int failed = write_archive(t, members, count);
  lub_size_guard_leave(&guard);
  lub_status status = LUB_OK;
  if (failed) {
    status = lub_fail(err, LUB_EWORLD, "%s: %s", path, t->reason ? strerror(t->reason) : zip_error_strerror(&t->error));
    lub_aside_discard(aside);
  }
  zip_error_fini(&t->error);
  free(t);
  return failed ? status : lub_aside_commit(aside, err);
}
