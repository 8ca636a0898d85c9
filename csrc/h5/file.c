/* A file in memory, and its way to a disk. */
#include <stdlib.h>

#include "h5/internal.h"

/* Each file has a driver of its own: one for all would have to be made again when a host has closed the library. */
static lub_status open_file(lub_h5 *made, lub_error *err) {
  lub_status status = LUB_OK;
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG); /* objects left open by a failure must not keep the file open */
  made->driver = lub_h5_memory_driver();
  if (made->driver >= 0 && H5Pset_driver(access, made->driver, NULL) >= 0)
    made->id = H5Fcreate("lubdub", H5F_ACC_TRUNC, H5P_DEFAULT, access); /* the name is stored nowhere */
  if (made->id < 0 || H5Fget_vfd_handle(made->id, H5P_DEFAULT, (void **)&made->memory) < 0)
    status = lub_h5_fail(err, NULL, "cannot be made");
  H5Pclose(access);
  return status;
}

lub_status lub_h5_create(lub_h5 **file, lub_error *err) {
  lub_h5 *made = calloc(1, sizeof *made);
  *file = NULL;
  if (!made) return lub_nomem(err, LUB_H5_NAME, (double)sizeof *made);
  made->id = made->driver = -1;
  lub_h5_enter();
  lub_status status = open_file(made, err);
  lub_h5_leave();
  if (status == LUB_OK) *file = made;
  else lub_h5_close(made);
  return status;
}

lub_status lub_h5_image(lub_h5 *file, const lub_piece **pieces, size_t *count, lub_error *err) {
  lub_h5_enter();
  *pieces = H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0 ? NULL : lub_h5_memory_pieces(file->memory, count);
  lub_status status = *pieces ? LUB_OK : lub_h5_fail(err, NULL, "cannot be finished");
  lub_h5_leave();
  return status;
}

lub_status lub_h5_save(lub_h5 *file, const char *path, lub_error *err) {
  const lub_piece *pieces;
  size_t count;
  if (lub_h5_image(file, &pieces, &count, err) != LUB_OK) return err->status;
  return lub_write_aside(path, pieces, count, err);
}

void lub_h5_close(lub_h5 *file) {
  if (!file) return;
  lub_h5_enter();
  if (file->id >= 0) H5Fclose(file->id);
  if (file->driver >= 0) H5FDunregister(file->driver); /* now: HDF5 looks at it until the file is closed */
  H5Eclear2(H5E_DEFAULT);
  lub_h5_leave();
  free(file);
}
