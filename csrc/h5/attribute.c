/* Text attributes. Keras files hold strings of variable length (h5py 3, and every single string) and of
 * fixed length (lists from h5py 2), and for an empty list no strings at all: float64 of shape (0). */
#include <stdlib.h>
#include <string.h>

#include "h5/internal.h"

/* An attribute's handles; -1 where not open. */
typedef struct attribute {
  hid_t id, type, space;
} attribute;

static void close_attribute(const attribute *a) {
  if (a->space >= 0) H5Sclose(a->space);
  if (a->type >= 0) H5Tclose(a->type);
  if (a->id >= 0) H5Aclose(a->id);
}

static lub_status fail_attribute(lub_error *err, const lub_h5 *file, const char *object, const char *name,
                                 const char *reason) {
  char what[256];
  snprintf(what, sizeof what, "attribute %s %s", name, reason);
  return lub_h5_fail(err, file, object, what);
}

static hid_t string_type(size_t size, const char *const *string, size_t count) {
  bool ascii = true;
  for (size_t i = 0; i < count && ascii; i++)
    for (const char *c = string[i]; *c && ascii; c++) ascii = (unsigned char)*c < 128;
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, size);
  H5Tset_cset(type, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8);
  return type;
}

/* === reading === */

static lub_status read_variable(lub_h5 *file, const attribute *a, size_t count, lub_h5_text *text, lub_error *err) {
  char **given = calloc(count, sizeof *given), **at, *next;
  if (!given) return lub_nomem(err, lub_h5_name(file), (double)(count * sizeof *given));
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5Tget_cset(a->type));
  lub_status status = LUB_OK;
  if (H5Aread(a->id, type, given) < 0) {
    status = lub_h5_fail(err, file, NULL, "a text attribute cannot be read");
  } else {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) length += given[i] ? strlen(given[i]) : 0;
    status = lub_h5_room(file, count, length, &at, &next, text, err);
    for (size_t i = 0; i < count && status == LUB_OK; i++) {
      const char *string = given[i] ? given[i] : "";
      size_t bytes = strlen(string) + 1;
      at[i] = memcpy(next, string, bytes);
      next += bytes;
    }
    H5Dvlen_reclaim(type, a->space, H5P_DEFAULT, given);
  }
  H5Tclose(type);
  free(given);
  return status;
}

/* The length of a string in a field of `size` bytes. */
static size_t field_length(const char *field, size_t size, H5T_str_t padding) {
  const char *end = memchr(field, '\0', size);
  size_t length = end ? (size_t)(end - field) : size;
  while (padding == H5T_STR_SPACEPAD && length > 0 && field[length - 1] == ' ') length--;
  return length;
}

static lub_status read_fixed(lub_h5 *file, const attribute *a, size_t count, size_t size, lub_h5_text *text,
                             lub_error *err) {
  char *fields = malloc(count * size), **at, *next;
  if (!fields) return lub_nomem(err, lub_h5_name(file), (double)(count * size));
  lub_status status = H5Aread(a->id, a->type, fields) < 0
                          ? lub_h5_fail(err, file, NULL, "a text attribute cannot be read")
                          : lub_h5_room(file, count, count * size, &at, &next, text, err);
  for (size_t i = 0; i < count && status == LUB_OK; i++) {
    size_t length = field_length(fields + i * size, size, H5Tget_strpad(a->type));
    at[i] = memcpy(next, fields + i * size, length);
    next[length] = '\0';
    next += length + 1;
  }
  free(fields);
  return status;
}

static lub_status read_opened(lub_h5 *file, const char *object, const char *name, const attribute *a,
                              lub_h5_attribute *kind, lub_h5_text *text, lub_error *err) {
  char **at, *next;
  hssize_t points = a->id < 0 || a->type < 0 || a->space < 0 ? -1 : H5Sget_simple_extent_npoints(a->space);
  if (points < 0) return fail_attribute(err, file, object, name, "cannot be opened");
  *kind = H5Sget_simple_extent_type(a->space) == H5S_SCALAR ? LUB_H5_STRING : LUB_H5_STRINGS;
  if (points == 0) return lub_h5_room(file, 0, 0, &at, &next, text, err);
  if (H5Tget_class(a->type) != H5T_STRING) return fail_attribute(err, file, object, name, "holds no text");
  size_t size = H5Tget_size(a->type); /* of variable length: of the reference to it */
  if (size == 0 || (file->path && points > file->bytes / (int64_t)size))
    return fail_attribute(err, file, object, name, "declares more text than the file holds");
  if (H5Tis_variable_str(a->type) > 0) return read_variable(file, a, (size_t)points, text, err);
  return read_fixed(file, a, (size_t)points, size, text, err);
}

static lub_status read_attribute(lub_h5 *file, const char *object, const char *name, lub_h5_attribute *kind,
                                 lub_h5_text *text, lub_error *err) {
  *kind = LUB_H5_ABSENT;
  if (lub_h5_expect(file, object, LUB_H5_OTHER, err) != LUB_OK) return err->status;
  htri_t exists = H5Aexists_by_name(file->id, object, name, H5P_DEFAULT);
  if (exists < 0) return fail_attribute(err, file, object, name, "cannot be looked up");
  if (exists == 0) return LUB_OK;
  attribute a = {H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT), -1, -1};
  if (a.id >= 0) {
    a.type = H5Aget_type(a.id);
    a.space = H5Aget_space(a.id);
  }
  lub_status status = read_opened(file, object, name, &a, kind, text, err);
  close_attribute(&a);
  return status;
}

lub_status lub_h5_read_attribute(lub_h5 *file, const char *object, const char *name, lub_h5_attribute *kind,
                                 lub_h5_text *text, lub_error *err) {
  lub_h5_enter();
  lub_status status = read_attribute(file, object, name, kind, text, err);
  lub_h5_leave();
  return status;
}

/* === writing === */

/* Writes an attribute, in place of one of the same name; takes `type` and `space` over. */
static lub_status write_attribute(lub_h5 *file, const char *object, const char *name, hid_t type, hid_t space,
                                  const void *data, lub_error *err) {
  attribute a = {-1, type, space};
  lub_status status = lub_h5_expect(file, object, LUB_H5_OTHER, err);
  if (status == LUB_OK) {
    if (H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0)
      H5Adelete_by_name(file->id, object, name, H5P_DEFAULT);
    a.id = H5Acreate_by_name(file->id, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (a.id < 0 || (data && H5Awrite(a.id, type, data) < 0))
      status = fail_attribute(err, file, object, name, "cannot be written");
  }
  close_attribute(&a);
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
    return lub_nomem(err, lub_h5_name(file), (double)count * (double)longest);
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
