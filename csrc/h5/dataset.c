/* Arrays of numbers: what they declare, against what they store, and their transfer. */
#include "h5/internal.h"

/* An HDF5 filter (gzip and its like) cannot shrink numbers by more than this: deflate's own bound is 1032. */
enum { MOST_COMPRESSION = 1100 };

/* A dataset's handles; -1 where not open. */
typedef struct dataset {
  hid_t id, type, space, plan; /* plan: how it was created */
} dataset;

static void close_dataset(const dataset *d) {
  if (d->plan >= 0) H5Pclose(d->plan);
  if (d->space >= 0) H5Sclose(d->space);
  if (d->type >= 0) H5Tclose(d->type);
  if (d->id >= 0) H5Dclose(d->id);
}

static lub_status open_dataset(lub_h5 *file, const char *object, dataset *d, lub_error *err) {
  *d = (dataset){-1, -1, -1, -1};
  if (lub_h5_expect(file, object, LUB_H5_DATASET, err) != LUB_OK) return err->status;
  d->id = H5Dopen2(file->id, object, H5P_DEFAULT);
  if (d->id >= 0) {
    d->type = H5Dget_type(d->id);
    d->space = H5Dget_space(d->id);
    d->plan = H5Dget_create_plist(d->id);
  }
  if (d->id >= 0 && d->type >= 0 && d->space >= 0 && d->plan >= 0) return LUB_OK;
  lub_h5_fail(err, file, object, "the dataset cannot be opened");
  close_dataset(d);
  return err->status;
}

static lub_status check_type(const lub_h5 *file, const char *object, const dataset *d, lub_h5_number *number,
                             lub_error *err) {
  switch (H5Tget_class(d->type)) {
  case H5T_INTEGER: *number = LUB_H5_INT64; return LUB_OK;
  case H5T_FLOAT: *number = H5Tget_size(d->type) <= sizeof(float) ? LUB_H5_FLOAT32 : LUB_H5_FLOAT64; return LUB_OK;
  default: return lub_fail(err, LUB_EWORLD, "%s: %s: holds no numbers", lub_h5_name(file), object);
  }
}

static lub_status check_shape(const lub_h5 *file, const char *object, const dataset *d, lub_shape *shape,
                              lub_error *err) {
  int ndim = H5Sget_simple_extent_ndims(d->space);
  if (ndim < 0 || H5Sget_simple_extent_type(d->space) == H5S_NULL)
    return lub_fail(err, LUB_EWORLD, "%s: %s: has no shape", lub_h5_name(file), object);
  if (ndim > LUB_MAX_DIMS)
    return lub_fail(err, LUB_EWORLD, "%s: %s: has %d axes, and at most %d can be read", lub_h5_name(file), object,
                    ndim, LUB_MAX_DIMS);
  hsize_t dim[LUB_MAX_DIMS];
  H5Sget_simple_extent_dims(d->space, dim, NULL);
  *shape = (lub_shape){.ndim = ndim};
  for (int i = 0; i < ndim; i++) shape->dim[i] = dim[i] > INT64_MAX ? INT64_MAX : (int64_t)dim[i];
  return LUB_OK;
}

/* Whether the numbers that the dataset declares can lie in this very file. */
static lub_status check_storage(const lub_h5 *file, const char *object, const dataset *d, const lub_shape *shape,
                                lub_error *err) {
  H5D_layout_t layout = H5Pget_layout(d->plan);
  if (layout == H5D_VIRTUAL || H5Pget_external_count(d->plan) > 0)
    return lub_fail(err, LUB_EWORLD, "%s: %s: its numbers lie in other files, which are not opened",
                    lub_h5_name(file), object);
  int64_t size = lub_shape_size(shape);
  double declared = (double)size * (double)H5Tget_size(d->type);
  double stored = (double)H5Dget_storage_size(d->id);
  double most = stored * (layout == H5D_CHUNKED ? MOST_COMPRESSION : 1);
  if (size >= 0 && declared <= most && (!file->path || stored <= (double)file->bytes)) return LUB_OK;
  char text[LUB_SHAPE_TEXT];
  return lub_fail(err, LUB_EWORLD, "%s: %s: declares a shape of %s, but the file holds no such amount of numbers",
                  lub_h5_name(file), object, lub_shape_text(shape, "?", text));
}

static lub_status examine(lub_h5 *file, const char *object, lub_shape *shape, lub_h5_number *number,
                          lub_error *err) {
  dataset d;
  if (open_dataset(file, object, &d, err) != LUB_OK) return err->status;
  lub_status status = check_type(file, object, &d, number, err);
  if (status == LUB_OK) status = check_shape(file, object, &d, shape, err);
  if (status == LUB_OK) status = check_storage(file, object, &d, shape, err);
  close_dataset(&d);
  return status;
}

lub_status lub_h5_dataset(lub_h5 *file, const char *object, lub_shape *shape, lub_h5_number *number,
                          lub_error *err) {
  lub_h5_enter();
  lub_status status = examine(file, object, shape, number, err);
  lub_h5_leave();
  return status;
}

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

static lub_status read_dataset(lub_h5 *file, const char *object, lub_h5_number number, void *out, int64_t count,
                               lub_error *err) {
  dataset d;
  if (open_dataset(file, object, &d, err) != LUB_OK) return err->status;
  lub_status status = LUB_OK;
  if (H5Sget_simple_extent_npoints(d.space) != count)
    status = lub_fail(err, LUB_EARG, "%s: %s: room for %lld numbers was given", lub_h5_name(file), object,
                      (long long)count);
  else if (count > 0 && H5Dread(d.id, memory_type(number), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
    status = lub_h5_fail(err, file, object, "the dataset cannot be read");
  close_dataset(&d);
  return status;
}

lub_status lub_h5_read(lub_h5 *file, const char *object, lub_h5_number number, void *out, int64_t count,
                       lub_error *err) {
  lub_h5_enter();
  lub_status status = read_dataset(file, object, number, out, count, err);
  lub_h5_leave();
  return status;
}

static lub_status write_dataset(lub_h5 *file, const char *object, lub_h5_number number, const lub_shape *shape,
                                const void *data, lub_error *err) {
  hsize_t dim[LUB_MAX_DIMS];
  for (int i = 0; i < shape->ndim; i++) dim[i] = (hsize_t)shape->dim[i];
  dataset d = {.type = -1};
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  d.plan = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(d.plan, 0); /* the same numbers make the same bytes */
  d.space = shape->ndim == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape->ndim, dim, NULL);
  d.id = H5Dcreate2(file->id, object, file_type(number), d.space, links, d.plan, H5P_DEFAULT);
  lub_status status = LUB_OK;
  if (d.id < 0 || (lub_shape_size(shape) > 0 &&
                   H5Dwrite(d.id, memory_type(number), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0))
    status = lub_h5_fail(err, file, object, "the dataset cannot be written");
  H5Pclose(links);
  close_dataset(&d);
  return status;
}

lub_status lub_h5_write(lub_h5 *file, const char *object, lub_h5_number number, const lub_shape *shape,
                        const void *data, lub_error *err) {
  lub_h5_enter();
  lub_status status = write_dataset(file, object, number, shape, data, err);
  lub_h5_leave();
  return status;
}
