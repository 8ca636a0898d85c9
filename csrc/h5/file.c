/* A file in memory, and its way to a disk. */
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/aside.h"
#include "base/memory.h"
#include "h5/internal.h"

enum { MEMORY_STEP = 1 << 20 }; /* a file in memory grows by so many bytes */

/* Objects left open by a failure must not keep the file open: closing is strong. */
static hid_t access_list(void) {
  hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
  return list;
}

/* The memory of a file that grows, as HDF5 asks for it. In pages of the usual size, getting them would take most of the
 * time of making a large file; and as the system does not move a block with pages of two sizes, half is added each
 * time. */
typedef struct memory_block {
  alignas(LUB_ALIGN) size_t size; /* the bytes that HDF5 asked for, which follow */
  size_t room;
} memory_block;

static void *grow(void *block, size_t size, H5FD_file_image_op_t operation, void *context) {
  memory_block *old = block ? (memory_block *)block - 1 : NULL;
  (void)operation;
  (void)context;
  if (!old || size > old->room) {
    size_t room = size + size / 2;
    memory_block *grown = lub_alloc(sizeof *grown + room);
    if (!grown) return NULL;
    lub_expect_fill(grown, sizeof *grown + room);
    grown->room = room;
    if (old) memcpy(grown + 1, block, old->size);
    free(old);
    old = grown;
  }
  old->size = size;
  return old + 1;
}

static herr_t release(void *block, H5FD_file_image_op_t operation, void *context) {
  (void)operation;
  (void)context;
  if (block) free((memory_block *)block - 1);
  return 0;
}

lub_status lub_h5_create(lub_h5 **file, lub_error *err) {
  lub_h5 *made = calloc(1, sizeof *made);
  *file = NULL;
  if (!made) return lub_nomem(err, LUB_H5_NAME, (double)sizeof *made);
  lub_h5_enter();
  hid_t access = access_list();
  H5Pset_fapl_core(access, MEMORY_STEP, 0);
  H5Pset_file_image_callbacks(access, &(H5FD_file_image_callbacks_t){.image_realloc = grow, .image_free = release});
  char name[64]; /* is stored nowhere, but HDF5 takes two open files of one name for the same */
  snprintf(name, sizeof name, "lubdub-%p", (void *)made);
  made->id = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  lub_status status = made->id < 0 ? lub_h5_fail(err, NULL, "cannot be made") : LUB_OK;
  H5Pclose(access);
  lub_h5_leave();
  if (status == LUB_OK) *file = made;
  else lub_h5_close(made);
  return status;
}

/* A superblock notes that its file is being written; what H5Fget_file_image copies does not. */
static void clear_status(unsigned char *superblock) {
  enum { VERSION = 8, STATUS_0 = 20, STATUS_2 = 11 }; /* where these bytes lie, the last for versions 0 and 1, and 2 */
  if (superblock[VERSION] < 2) memset(superblock + STATUS_0, 0, 4);
  else superblock[STATUS_2] = 0;
}

/* The driver's handle of a file in memory is where its memory is noted; H5Fget_file_image would copy it. */
static lub_status image(lub_h5 *file, const void **bytes, size_t *size, lub_error *err) {
  void **memory = NULL;
  ssize_t length = H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0 ? -1 : H5Fget_file_image(file->id, NULL, 0);
  if (length < 0 || H5Fget_vfd_handle(file->id, H5P_DEFAULT, (void **)&memory) < 0)
    return lub_h5_fail(err, NULL, "cannot be finished");
  clear_status(*memory);
  *bytes = *memory;
  *size = (size_t)length;
  return LUB_OK;
}

lub_status lub_h5_image(lub_h5 *file, const void **bytes, size_t *size, lub_error *err) {
  lub_h5_enter();
  lub_status status = image(file, bytes, size, err);
  lub_h5_leave();
  return status;
}

lub_status lub_h5_save(lub_h5 *file, const char *path, lub_error *err) {
  const void *bytes;
  size_t size;
  if (lub_h5_image(file, &bytes, &size, err) != LUB_OK) return err->status;
  return lub_write_aside(path, bytes, size, err);
}

void lub_h5_close(lub_h5 *file) {
  if (!file) return;
  if (file->id >= 0) {
    lub_h5_enter();
    H5Fclose(file->id);
    H5Eclear2(H5E_DEFAULT);
    lub_h5_leave();
  }
  free(file);
}
