#define _XOPEN_SOURCE 700 /* strdup */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/aside.h"
#include "h5/internal.h"

enum { MEMORY_STEP = 1 << 20 }; /* a file in memory grows by so many bytes */

/* What can be said about a path without HDF5, whose words for it would help nobody. */
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

static lub_h5 *new_file(const char *path, lub_error *err) {
  lub_h5 *file = calloc(1, sizeof *file);
  if (file && path) file->path = strdup(path);
  if (!file || (path && !file->path)) {
    free(file);
    lub_nomem(err, path ? path : "new HDF5 file", (double)sizeof *file);
    return NULL;
  }
  file->id = -1;
  return file;
}

/* Objects left open by a failure must not keep the file open: closing is strong. */
static hid_t access_list(void) {
  hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
  return list;
}

static lub_status open_locked(lub_h5 *file, lub_error *err) {
  if (H5Fis_hdf5(file->path) <= 0) {
    H5Eclear2(H5E_DEFAULT);
    return lub_fail(err, LUB_EWORLD, "%s: not an HDF5 file", file->path);
  }
  hid_t access = access_list();
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
  /* we replace files whole, so a reader needs no lock, and some network file systems have none */
  H5Pset_file_locking(access, 0, 1);
#endif
  file->id = H5Fopen(file->path, H5F_ACC_RDONLY, access);
  lub_status status = file->id < 0 ? lub_h5_fail(err, file, NULL, "the HDF5 file is cut or damaged") : LUB_OK;
  H5Pclose(access);
  return status;
}

lub_status lub_h5_open(const char *path, lub_h5 **file, lub_error *err) {
  int64_t bytes = 0;
  *file = NULL;
  if (check_path(path, &bytes, err) != LUB_OK) return err->status;
  lub_h5 *opened = new_file(path, err);
  if (!opened) return err->status;
  opened->bytes = bytes;
  lub_h5_enter();
  lub_status status = open_locked(opened, err);
  lub_h5_leave();
  if (status == LUB_OK) *file = opened;
  else lub_h5_close(opened);
  return status;
}

lub_status lub_h5_create(lub_h5 **file, lub_error *err) {
  lub_h5 *made = new_file(NULL, err);
  *file = NULL;
  if (!made) return err->status;
  lub_h5_enter();
  hid_t access = access_list();
  H5Pset_fapl_core(access, MEMORY_STEP, 0);
  char name[64]; /* is stored nowhere, but HDF5 takes two open files of one name for the same */
  snprintf(name, sizeof name, "lubdub-%p", (void *)made);
  made->id = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  lub_status status = made->id < 0 ? lub_h5_fail(err, made, NULL, "cannot be made") : LUB_OK;
  H5Pclose(access);
  lub_h5_leave();
  if (status == LUB_OK) *file = made;
  else lub_h5_close(made);
  return status;
}

static lub_status image(lub_h5 *file, void **bytes, size_t *size, lub_error *err) {
  *bytes = NULL;
  ssize_t length = H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0 ? -1 : H5Fget_file_image(file->id, NULL, 0);
  if (length < 0) return lub_h5_fail(err, file, NULL, "cannot be finished");
  *size = (size_t)length;
  *bytes = malloc(*size);
  if (!*bytes) return lub_nomem(err, lub_h5_name(file), (double)length);
  if (H5Fget_file_image(file->id, *bytes, *size) == length) return LUB_OK;
  free(*bytes);
  return lub_h5_fail(err, file, NULL, "cannot be copied");
}

lub_status lub_h5_image(lub_h5 *file, void **bytes, size_t *size, lub_error *err) {
  if (file->path) return lub_fail(err, LUB_EARG, "%s: was opened for reading, and cannot be saved", file->path);
  lub_h5_enter();
  lub_status status = image(file, bytes, size, err);
  lub_h5_leave();
  return status;
}

lub_status lub_h5_save(lub_h5 *file, const char *path, lub_error *err) {
  void *bytes;
  size_t size;
  if (lub_h5_image(file, &bytes, &size, err) != LUB_OK) return err->status;
  lub_status status = lub_write_aside(path, bytes, size, err);
  free(bytes);
  return status;
}

void lub_h5_close(lub_h5 *file) {
  if (!file) return;
  if (file->id >= 0) {
    lub_h5_enter();
    H5Fclose(file->id);
    H5Eclear2(H5E_DEFAULT);
    lub_h5_leave();
  }
  free(file->text);
  free(file->path);
  free(file);
}

const char *lub_h5_path(const lub_h5 *file) { return file->path; }
