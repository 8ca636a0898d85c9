/* Groups, and the way to an object: link by link, and only over hard links, because what a soft or
 * external link means is decided outside the file that the user named. */
#define _XOPEN_SOURCE 700 /* strdup */
#include <stdlib.h>
#include <string.h>

#include "h5/internal.h"

/* Checks the link at `prefix`; *there tells whether it exists. */
static lub_status check_link(lub_h5 *file, const char *prefix, bool *there, lub_error *err) {
  H5L_info_t info;
  htri_t exists = H5Lexists(file->id, prefix, H5P_DEFAULT);
  *there = exists > 0;
  if (exists < 0 || (exists > 0 && H5Lget_info(file->id, prefix, &info, H5P_DEFAULT) < 0))
    return lub_h5_fail(err, file, prefix, "cannot be reached");
  if (exists > 0 && info.type != H5L_TYPE_HARD)
    return lub_fail(err, LUB_EWORLD, "%s: %s: is %s link, which is not followed", lub_h5_name(file), prefix,
                    info.type == H5L_TYPE_SOFT ? "a soft" : "an external");
  return LUB_OK;
}

static lub_h5_kind kind_of(hid_t object) {
  switch (H5Iget_type(object)) {
  case H5I_GROUP: return LUB_H5_GROUP;
  case H5I_DATASET: return LUB_H5_DATASET;
  default: return LUB_H5_OTHER;
  }
}

static lub_status object_kind(lub_h5 *file, const char *object, lub_h5_kind *kind, lub_error *err) {
  hid_t id = H5Oopen(file->id, object, H5P_DEFAULT);
  if (id < 0) return lub_h5_fail(err, file, object, "cannot be opened");
  *kind = kind_of(id);
  H5Oclose(id);
  return LUB_OK;
}

/* Walks over `prefix`, a copy of the object's path that is cut after each of its parts in turn. */
static lub_status walk(lub_h5 *file, char *prefix, lub_h5_kind *kind, lub_error *err) {
  *kind = LUB_H5_GROUP; /* the root */
  for (char *at = prefix; *at;) {
    bool there = false;
    at += strspn(at, "/");
    if (!*at) break;
    at += strcspn(at, "/");
    char separator = *at;
    *at = '\0';
    if (*kind == LUB_H5_GROUP && check_link(file, prefix, &there, err) != LUB_OK) return err->status;
    if (*kind != LUB_H5_GROUP || !there) {
      *kind = LUB_H5_NOTHING;
      return LUB_OK;
    }
    if (object_kind(file, prefix, kind, err) != LUB_OK) return err->status;
    *at = separator;
  }
  return LUB_OK;
}

lub_status lub_h5_look(lub_h5 *file, const char *object, lub_h5_kind *kind, lub_error *err) {
  char *prefix = strdup(object);
  if (!prefix) return lub_nomem(err, object, (double)strlen(object));
  lub_status status = walk(file, prefix, kind, err);
  free(prefix);
  return status;
}

lub_status lub_h5_expect(lub_h5 *file, const char *object, lub_h5_kind kind, lub_error *err) {
  lub_h5_kind found;
  if (lub_h5_look(file, object, &found, err) != LUB_OK) return err->status;
  if (found != LUB_H5_NOTHING && (found == kind || kind == LUB_H5_OTHER)) return LUB_OK;
  return lub_fail(err, LUB_EWORLD, "%s: %s: %s", lub_h5_name(file), object,
                  found == LUB_H5_NOTHING    ? "is missing"
                  : kind == LUB_H5_GROUP     ? "is no group"
                                             : "is no dataset");
}

lub_status lub_h5_find(lub_h5 *file, const char *object, lub_h5_kind *kind, lub_error *err) {
  lub_h5_enter();
  lub_status status = lub_h5_look(file, object, kind, err);
  lub_h5_leave();
  return status;
}

static lub_status make_group(lub_h5 *file, const char *group, lub_error *err) {
  lub_h5_kind kind;
  if (lub_h5_look(file, group, &kind, err) != LUB_OK) return err->status;
  if (kind == LUB_H5_GROUP) return LUB_OK;
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t id = H5Gcreate2(file->id, group, links, H5P_DEFAULT, H5P_DEFAULT);
  lub_status status = id < 0 ? lub_h5_fail(err, file, group, "the group cannot be made") : LUB_OK;
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

/* The names of a group's links, gathered in two passes: first their lengths, then they themselves. */
typedef struct gathering {
  size_t count, length;
  char **at; /* NULL in the first pass */
  char *next;
} gathering;

static herr_t gather(hid_t group, const char *name, const H5L_info_t *info, void *data) {
  gathering *g = data;
  size_t length = strlen(name);
  (void)group;
  (void)info;
  if (g->at) {
    g->at[g->count] = g->next;
    memcpy(g->next, name, length + 1);
    g->next += length + 1;
  }
  g->count++;
  g->length += length;
  return 0;
}

static herr_t visit(hid_t group, gathering *g) {
  g->count = g->length = 0;
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, gather, g);
}

static lub_status members(lub_h5 *file, const char *group, lub_h5_text *names, lub_error *err) {
  gathering g = {0};
  if (lub_h5_expect(file, group, LUB_H5_GROUP, err) != LUB_OK) return err->status;
  hid_t id = H5Gopen2(file->id, group, H5P_DEFAULT);
  if (id < 0) return lub_h5_fail(err, file, group, "cannot be opened");
  lub_status status = visit(id, &g) < 0 ? lub_h5_fail(err, file, group, "cannot be listed") : LUB_OK;
  if (status == LUB_OK) status = lub_h5_room(file, g.count, g.length, &g.at, &g.next, names, err);
  if (status == LUB_OK && visit(id, &g) < 0) status = lub_h5_fail(err, file, group, "cannot be listed");
  H5Gclose(id);
  return status;
}

lub_status lub_h5_members(lub_h5 *file, const char *group, lub_h5_text *names, lub_error *err) {
  lub_h5_enter();
  lub_status status = members(file, group, names, err);
  lub_h5_leave();
  return status;
}
