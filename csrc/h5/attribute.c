/* Text attributes. Keras files hold strings of variable length (h5py 3, and every single string) and of
 * fixed length (lists from h5py 2), and for an empty list no strings at all: float64 of shape (0). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5/internal.h"

static hid_t string_type(size_t size, const char *const *string, size_t count) {
  bool ascii = true;
  for (size_t i = 0; i < count && ascii; i++)
    for (const char *c = string[i]; *c && ascii; c++) ascii = (unsigned char)*c < 128;
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, size);
  H5Tset_cset(type, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8);
  return type;
}

static lub_status fail_attribute(lub_error *err, const char *object, const char *name) {
  char what[256];
  snprintf(what, sizeof what, "attribute %s cannot be written", name);
  return lub_h5_fail(err, object, what);
}

/* Writes an attribute, in place of one of the same name; takes `type` and `space` over. */
static lub_status write_attribute(lub_h5 *file, const char *object, const char *name, hid_t type, hid_t space,
                                  const void *data, lub_error *err) {
  if (H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0)
    H5Adelete_by_name(file->id, object, name, H5P_DEFAULT);
  H5Eclear2(H5E_DEFAULT);
  hid_t id = H5Acreate_by_name(file->id, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  lub_status status = id < 0 || (data && H5Awrite(id, type, data) < 0) ? fail_attribute(err, object, name) : LUB_OK;
  if (id >= 0) H5Aclose(id);
  H5Sclose(space);
  H5Tclose(type);
  return status;
}

lub_status lub_h5_write_string(lub_h5 *file, const char *object, const char *name, const char *string,
                               lub_error *err) {
  lub_h5_enter();
  hid_t type = string_type(H5T_VARIABLE, &string, 1);
  lub_status status = write_attribute(file, object, name, type, H5Screate(H5S_SCALAR), &string, err);
  lub_h5_leave();
  return status;
}

static lub_status write_strings(lub_h5 *file, const char *object, const char *name, const char *const *string,
                                size_t count, lub_error *err) {
  hsize_t dim = count;
  hid_t space = H5Screate_simple(1, &dim, NULL);
  if (count == 0) return write_attribute(file, object, name, H5Tcopy(H5T_IEEE_F64LE), space, NULL, err);
  size_t longest = 1;
  for (size_t i = 0; i < count; i++) longest = strlen(string[i]) > longest ? strlen(string[i]) : longest;
  char *fields = count > SIZE_MAX / longest ? NULL : calloc(count, longest);
  if (!fields) {
    H5Sclose(space);
    return lub_nomem(err, LUB_H5_NAME, (double)count * (double)longest);
  }
  for (size_t i = 0; i < count; i++) memcpy(fields + i * longest, string[i], strlen(string[i]));
  hid_t type = string_type(longest, string, count);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  lub_status status = write_attribute(file, object, name, type, space, fields, err);
  free(fields);
  return status;
}

lub_status lub_h5_write_strings(lub_h5 *file, const char *object, const char *name, const char *const *string,
                                size_t count, lub_error *err) {
  lub_h5_enter();
  lub_status status = write_strings(file, object, name, string, count, err);
  lub_h5_leave();
  return status;
}
