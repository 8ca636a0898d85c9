/* Arrays of numbers. */
#include "h5/internal.h"

static hid_t memory_type(lub_h5_number number) {
  switch (number) {
  case LUB_H5_FLOAT32: return H5T_NATIVE_FLOAT;
  case LUB_H5_FLOAT64: return H5T_NATIVE_DOUBLE;
  default: return H5T_NATIVE_INT64;
  }
}

static hid_t file_type(lub_h5_number number) {
  switch (number) {
  case LUB_H5_FLOAT32: return H5T_IEEE_F32LE;
  case LUB_H5_FLOAT64: return H5T_IEEE_F64LE;
  default: return H5T_STD_I64LE;
  }
}

static lub_status write_dataset(lub_h5 *file, const char *object, lub_h5_number number, const lub_shape *shape,
                                const void *data, lub_error *err) {
  hsize_t dim[LUB_MAX_DIMS];
  for (int i = 0; i < shape->ndim; i++) dim[i] = (hsize_t)shape->dim[i];
  hid_t links = H5Pcreate(H5P_LINK_CREATE), plan = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  H5Pset_obj_track_times(plan, 0); /* the same numbers make the same bytes */
  hid_t space = shape->ndim == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape->ndim, dim, NULL);
  hid_t id = H5Dcreate2(file->id, object, file_type(number), space, links, plan, H5P_DEFAULT);
  lub_status status = LUB_OK;
  if (id < 0 || (lub_shape_size(shape) > 0 &&
                 H5Dwrite(id, memory_type(number), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0))
    status = lub_h5_fail(err, object, "the dataset cannot be written");
  if (id >= 0) H5Dclose(id);
  H5Sclose(space);
  H5Pclose(plan);
  H5Pclose(links);
  return status;
}

static size_t size_of(lub_h5_number number) { return number == LUB_H5_FLOAT32 ? sizeof(float) : sizeof(int64_t); }

lub_status lub_h5_write(lub_h5 *file, const char *object, lub_h5_number number, const lub_shape *shape,
                        const void *data, bool lent, lub_error *err) {
  lub_h5_enter();
  if (lent) lub_h5_memory_offer(file->memory, data, (size_t)lub_shape_size(shape) * size_of(number));
  lub_status status = write_dataset(file, object, number, shape, data, err);
  lub_h5_memory_offer(file->memory, NULL, 0);
  lub_h5_leave();
  return status;
}
