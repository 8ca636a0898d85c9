/* Groups, and what there is already. */
#define _XOPEN_SOURCE 700 /* strdup */
#include <stdlib.h>
#include <string.h>

#include "h5/internal.h"

/* What there is at a path. */
typedef enum lub_h5_place { LUB_H5_FREE, LUB_H5_IS_GROUP, LUB_H5_TAKEN } lub_h5_place;

static lub_status place_of(lub_h5 *file, const char *object, lub_h5_place *place, lub_error *err) {
  htri_t exists = H5Lexists(file->id, object, H5P_DEFAULT);
  *place = LUB_H5_FREE;
  if (exists < 0) return lub_h5_fail(err, object, "cannot be reached");
  if (exists == 0) return LUB_OK;
  hid_t id = H5Oopen(file->id, object, H5P_DEFAULT);
  if (id < 0) return lub_h5_fail(err, object, "cannot be opened");
  *place = H5Iget_type(id) == H5I_GROUP ? LUB_H5_IS_GROUP : LUB_H5_TAKEN;
  H5Oclose(id);
  return LUB_OK;
}

/* Walks over `prefix`, a copy of the object's path that is cut after each of its parts in turn. */
static lub_status walk(lub_h5 *file, char *prefix, lub_h5_place *place, lub_error *err) {
  *place = LUB_H5_IS_GROUP; /* the root */
  for (char *at = prefix; *at && *place == LUB_H5_IS_GROUP;) {
    at += strspn(at, "/");
    if (!*at) break;
    at += strcspn(at, "/");
    char separator = *at;
    *at = '\0';
    if (place_of(file, prefix, place, err) != LUB_OK) return err->status;
    *at = separator;
  }
  return LUB_OK;
}

static lub_status look(lub_h5 *file, const char *object, lub_h5_place *place, lub_error *err) {
  char *prefix = strdup(object);
  if (!prefix) return lub_nomem(err, object, (double)strlen(object));
  lub_status status = walk(file, prefix, place, err);
  free(prefix);
  return status;
}

static lub_status make_group(lub_h5 *file, const char *group, lub_error *err) {
  lub_h5_place place;
  if (look(file, group, &place, err) != LUB_OK) return err->status;
  if (place == LUB_H5_IS_GROUP) return LUB_OK;
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t id = H5Gcreate2(file->id, group, links, H5P_DEFAULT, H5P_DEFAULT);
  lub_status status = id < 0 ? lub_h5_fail(err, group, "the group cannot be made") : LUB_OK;
  if (id >= 0) H5Gclose(id);
  H5Pclose(links);
  return status;
}

lub_status lub_h5_make_group(lub_h5 *file, const char *group, lub_error *err) {
  lub_h5_enter();
  lub_status status = make_group(file, group, err);
  lub_h5_leave();
  return status;
}
