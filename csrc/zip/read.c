#define _XOPEN_SOURCE 700 /* strdup */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "zip/zip.h"

struct lub_zip {
  zip_t *zip;
  char *path;
  int64_t bytes; /* the length of the file */
};

/* What can be said about a path without libzip. */
static lub_status check_path(const char *path, int64_t *bytes, lub_error *err) {
  struct stat info;
  if (stat(path, &info) != 0 || access(path, R_OK) != 0)
    return lub_fail(err, LUB_EWORLD, "%s: %s", path, strerror(errno));
  if (S_ISDIR(info.st_mode)) return lub_fail(err, LUB_EWORLD, "%s: %s", path, strerror(EISDIR));
  if (!S_ISREG(info.st_mode)) return lub_fail(err, LUB_EWORLD, "%s: not a regular file", path);
  if (info.st_size == 0) return lub_fail(err, LUB_EWORLD, "%s: the file is empty", path);
  *bytes = info.st_size;
  return LUB_OK;
}

static lub_status fail_open(const char *path, int code, lub_error *err) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  lub_status status = lub_fail(err, LUB_EWORLD, "%s: no whole zip archive (%s)", path, zip_error_strerror(&error));
  zip_error_fini(&error);
  return status;
}

lub_status lub_zip_open(const char *path, lub_zip **archive, lub_error *err) {
  int code = 0;
  int64_t bytes = 0;
  *archive = NULL;
  if (check_path(path, &bytes, err) != LUB_OK) return err->status;
  lub_zip *opened = calloc(1, sizeof *opened);
  if (opened) opened->path = strdup(path);
  if (!opened || !opened->path) {
    free(opened);
    return lub_nomem(err, path, (double)sizeof *opened);
  }
  opened->bytes = bytes;
  opened->zip = zip_open(path, ZIP_RDONLY, &code);
  if (!opened->zip) {
    lub_zip_close(opened);
    return fail_open(path, code, err);
  }
  *archive = opened;
  return LUB_OK;
}

void lub_zip_close(lub_zip *archive) {
  if (!archive) return;
  if (archive->zip) zip_discard(archive->zip);
  free(archive->path);
  free(archive);
}

static lub_status fail(const lub_zip *archive, const char *name, const char *reason, lub_error *err) {
  return lub_fail(err, LUB_EWORLD, "%s: %s: %s", archive->path, name, reason);
}

/* The only member of this name; -1 where there is none. */
static lub_status locate(lub_zip *archive, const char *name, int64_t *index, lub_error *err) {
  *index = -1;
  int64_t count = zip_get_num_entries(archive->zip, 0);
  for (int64_t i = 0; i < count; i++) {
    const char *there = zip_get_name(archive->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
    if (!there || strcmp(there, name) != 0) continue;
    if (*index >= 0) return fail(archive, name, "is in the archive twice", err);
    *index = i;
  }
  return LUB_OK;
}

static lub_status check_member(const lub_zip *archive, const char *name, const zip_stat_t *stat, lub_error *err) {
  const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if ((stat->valid & needed) != needed) return fail(archive, name, "its size is not known", err);
  if (stat->encryption_method != ZIP_EM_NONE) return fail(archive, name, "is encrypted", err);
  if (stat->comp_method != ZIP_CM_STORE && stat->comp_method != ZIP_CM_DEFLATE)
    return fail(archive, name, "is compressed in a way that is not known", err);
  if (stat->comp_size > (zip_uint64_t)archive->bytes || stat->size > (zip_uint64_t)INT64_MAX)
    return fail(archive, name, "declares to be larger than the file", err);
  if (stat->comp_method == ZIP_CM_STORE ? stat->size != stat->comp_size
                                        : stat->size > LUB_ZIP_SMALL && stat->size / LUB_ZIP_RATIO > stat->comp_size)
    return fail(archive, name, "declares to be much larger than what is stored", err);
  return LUB_OK;
}

lub_status lub_zip_find(lub_zip *archive, const char *name, int64_t *size, lub_error *err) {
  int64_t index;
  zip_stat_t stat;
  *size = -1;
  if (locate(archive, name, &index, err) != LUB_OK) return err->status;
  if (index < 0) return LUB_OK;
  zip_stat_init(&stat);
  if (zip_stat_index(archive->zip, (zip_uint64_t)index, 0, &stat) != 0)
    return fail(archive, name, zip_strerror(archive->zip), err);
  if (check_member(archive, name, &stat, err) != LUB_OK) return err->status;
  *size = (int64_t)stat.size;
  return LUB_OK;
}

/* Reads until the end, where libzip compares the checksum. */
static lub_status read_member(lub_zip *archive, const char *name, zip_file_t *member, char *out, int64_t size,
                              lub_error *err) {
  int64_t done = 0;
  char more;
  while (done < size) {
    zip_int64_t got = zip_fread(member, out + done, (zip_uint64_t)(size - done));
    if (got < 0) return fail(archive, name, zip_file_strerror(member), err);
    if (got == 0) return fail(archive, name, "ends before its declared size", err);
    done += got;
  }
  zip_int64_t rest = zip_fread(member, &more, 1);
  if (rest < 0) return fail(archive, name, zip_file_strerror(member), err);
  return rest == 0 ? LUB_OK : fail(archive, name, "goes on behind its declared size", err);
}

lub_status lub_zip_read(lub_zip *archive, const char *name, void *out, int64_t size, lub_error *err) {
  int64_t index;
  if (locate(archive, name, &index, err) != LUB_OK) return err->status;
  if (index < 0) return fail(archive, name, "is missing", err);
  zip_file_t *member = zip_fopen_index(archive->zip, (zip_uint64_t)index, 0);
  if (!member) return fail(archive, name, zip_strerror(archive->zip), err);
  lub_status status = read_member(archive, name, member, out, size, err);
  zip_fclose(member);
  return status;
}
