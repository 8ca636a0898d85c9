/* Groups, and the way to an object: link by link, and only over hard links, because what a soft or
 * external link means is decided outside the file that the user named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

/* === the links of a group === */

void lub_h5_free_group(lub_h5_group *group) {
  if (!group) return;
  for (size_t i = 0; i < group->blocks; i++) free(group->names[i]);
  free(group->names);
  free(group->link);
  free(group);
}

lub_status lub_h5_add_link(lub_h5_reader *reader, lub_h5_group *group, const lub_h5_link *link, lub_error *err) {
  size_t length = strlen(link->name);
  group->length += length;
  if (length >= LUB_H5_MOST_NAME || group->length > reader->size)
    return lub_h5_damaged(reader, err, "names that are too long");
  if (group->count == group->room) {
    size_t room = group->room ? group->room * 2 : 16;
    lub_h5_link *grown = realloc(group->link, room * sizeof *grown);
    if (!grown) return lub_h5_nomem(reader, err, (double)(room * sizeof *grown));
    group->link = grown;
    group->room = room;
  }
  group->link[group->count++] = *link;
  return LUB_OK;
}

lub_status lub_h5_keep_names(lub_h5_reader *reader, lub_h5_group *group, uint8_t *block, lub_error *err) {
  if (group->blocks == group->block_room) {
    size_t room = group->block_room ? group->block_room * 2 : 4;
    uint8_t **grown = realloc(group->names, room * sizeof *grown);
    if (!grown) {
      free(block);
      return lub_h5_nomem(reader, err, (double)(room * sizeof *grown));
    }
    group->names = grown;
    group->block_room = room;
  }
  group->names[group->blocks++] = block;
  return LUB_OK;
}

/* A link message (IV.A.2.g): of a small group of the new form, or out of a heap. */
static lub_status take_link(lub_h5_reader *reader, const uint8_t *bytes, size_t size, void *context, lub_error *err) {
  lub_h5_group *group = context;
  lub_h5_span span = lub_h5_span_over(bytes, size);
  unsigned version = (unsigned)lub_h5_take(&span, 1), flags = (unsigned)lub_h5_take(&span, 1);
  unsigned type = flags & 8 ? (unsigned)lub_h5_take(&span, 1) : 0;
  lub_h5_skip(&span, (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0)); /* creation order; character set */
  uint64_t length = lub_h5_take(&span, 1 << (flags & 3));
  const uint8_t *name = lub_h5_skip(&span, length);
  lub_h5_link link = {.kind = type == 0 ? LUB_H5_HARD : type == 1 ? LUB_H5_SOFT : LUB_H5_ELSEWHERE};
  link.address = type == 0 ? lub_h5_take_address(reader, &span) : LUB_H5_UNDEFINED;
  if (span.bad || version != 1) return lub_h5_damaged(reader, err, "a link makes no sense");
  uint8_t *copy = malloc((size_t)length + 1);
  if (!copy) return lub_h5_nomem(reader, err, (double)length);
  memcpy(copy, name, (size_t)length);
  copy[length] = '\0';
  link.name = (const char *)copy;
  if (lub_h5_keep_names(reader, group, copy, err) != LUB_OK) return err->status;
  return lub_h5_add_link(reader, group, &link, err);
}

/* Link info (IV.A.2.c): where the links are that the header has no room for. */
static lub_status take_dense_links(lub_h5_reader *reader, const lub_h5_message *message, lub_h5_group *group,
                                   lub_error *err) {
  lub_h5_span span = lub_h5_span_over(message->data, message->size);
  lub_h5_skip(&span, 1); /* version */
  unsigned flags = (unsigned)lub_h5_take(&span, 1);
  lub_h5_skip(&span, flags & 1 ? 8 : 0);
  uint64_t heap = lub_h5_take_address(reader, &span), tree = lub_h5_take_address(reader, &span);
  if (span.bad) return lub_h5_damaged(reader, err, "a group's links make no sense");
  return heap == LUB_H5_UNDEFINED ? LUB_OK : lub_h5_dense(reader, heap, tree, take_link, group, err);
}

static int compare(const void *a, const void *b) {
  return strcmp(((const lub_h5_link *)a)->name, ((const lub_h5_link *)b)->name);
}

static lub_status fill_group(lub_h5_reader *reader, const lub_h5_header *header, lub_h5_group *group, lub_error *err) {
  lub_status status = LUB_OK;
  for (size_t i = 0; i < header->count && status == LUB_OK; i++) {
    const lub_h5_message *m = &header->message[i];
    if (m->type == LUB_H5_SYMBOLS) status = lub_h5_read_symbols(reader, m, group, err);
    else if (m->type == LUB_H5_LINK) status = take_link(reader, m->data, m->size, group, err);
    else if (m->type == LUB_H5_LINK_INFO) status = take_dense_links(reader, m, group, err);
    if (m->type == LUB_H5_SYMBOLS) break; /* a group has one table */
  }
  if (status == LUB_OK && group->count > 0) qsort(group->link, group->count, sizeof *group->link, compare);
  return status;
}

/* Puts the group that is at `i` of those kept to the front. */
static lub_h5_group *to_front(lub_h5_reader *reader, int i, lub_h5_group *group) {
  for (; i > 0; i--) reader->group[i] = reader->group[i - 1];
  return reader->group[0] = group;
}

/* The links of the group whose header is at `address`: kept, since every path leads through the same few groups.
 * Good until the next call. `header` may be NULL. */
static lub_status group_at(lub_h5_reader *reader, uint64_t address, const lub_h5_header *header, lub_h5_group **group,
                           lub_error *err) {
  lub_h5_header own = {0};
  for (int i = 0; i < LUB_H5_GROUPS_KEPT; i++) {
    if (reader->group[i] && reader->group[i]->header == address) {
      *group = to_front(reader, i, reader->group[i]);
      return LUB_OK;
    }
  }
  lub_h5_group *made = calloc(1, sizeof *made);
  if (!made) return lub_h5_nomem(reader, err, (double)sizeof *made);
  made->header = address;
  lub_status status = header ? LUB_OK : lub_h5_read_header(reader, address, &own, err);
  if (status == LUB_OK) status = fill_group(reader, header ? header : &own, made, err);
  lub_h5_free_header(&own);
  if (status != LUB_OK) {
    lub_h5_free_group(made);
    return status;
  }
  lub_h5_free_group(reader->group[LUB_H5_GROUPS_KEPT - 1]);
  *group = to_front(reader, LUB_H5_GROUPS_KEPT - 1, made);
  return LUB_OK;
}

/* === the way to an object === */

/* The link of this name; NULL where there is none. */
static const lub_h5_link *find_link(const lub_h5_group *group, const char *name, size_t length) {
  size_t low = 0, high = group->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const char *other = group->link[middle].name;
    int order = strncmp(name, other, length);
    if (order == 0 && other[length] != '\0') order = -1;
    if (order == 0) return &group->link[middle];
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return NULL;
}

static lub_status refuse_link(lub_h5_reader *reader, const char *object, const char *end, lub_h5_link link,
                              lub_error *err) {
  return lub_fail(err, LUB_EWORLD, "%s: %.*s: is %s link, which is not followed", reader->path, (int)(end - object),
                  object, link.kind == LUB_H5_SOFT ? "a soft" : "an external");
}

/* The address and header of `object`; *kind is LUB_H5_NOTHING where there is none, and then the header is empty. */
static lub_status walk(lub_h5_reader *reader, const char *object, lub_h5_kind *kind, uint64_t *address,
                       lub_h5_header *header, lub_error *err) {
  *header = (lub_h5_header){0};
  *address = reader->root;
  reader->object = object;
  for (const char *at = object + strspn(object, "/"); *at; at += strspn(at, "/")) {
    size_t length = strcspn(at, "/");
    lub_h5_group *group;
    if (group_at(reader, *address, NULL, &group, err) != LUB_OK) return err->status;
    const lub_h5_link *link = find_link(group, at, length);
    *kind = LUB_H5_NOTHING;
    if (!link) return LUB_OK;
    at += length;
    if (link->kind != LUB_H5_HARD) return refuse_link(reader, object, at, *link, err);
    *address = link->address;
  }
  if (lub_h5_read_header(reader, *address, header, err) != LUB_OK) return err->status;
  *kind = lub_h5_kind_of(header);
  return LUB_OK;
}

lub_status lub_h5_find(lub_h5_reader *reader, const char *object, lub_h5_kind *kind, lub_error *err) {
  lub_h5_header header;
  uint64_t address;
  lub_status status = walk(reader, object, kind, &address, &header, err);
  lub_h5_free_header(&header);
  return status;
}

static lub_status expect(lub_h5_reader *reader, const char *object, lub_h5_kind kind, uint64_t *address,
                         lub_h5_header *header, lub_error *err) {
  lub_h5_kind found;
  if (walk(reader, object, &found, address, header, err) != LUB_OK) return err->status;
  if (found != LUB_H5_NOTHING && (found == kind || kind == LUB_H5_OTHER)) return LUB_OK;
  return lub_h5_refuse(reader, err, found == LUB_H5_NOTHING ? "is missing"
                                    : kind == LUB_H5_GROUP  ? "is no group"
                                                            : "is no dataset");
}

lub_status lub_h5_open_object(lub_h5_reader *reader, const char *object, lub_h5_kind kind, lub_h5_header *header,
                              lub_error *err) {
  uint64_t address;
  return expect(reader, object, kind, &address, header, err);
}

static lub_status list_names(lub_h5_reader *reader, const lub_h5_group *group, lub_h5_text *names, lub_error *err) {
  char **at, *next;
  if (lub_h5_room(reader, group->count, group->length, &at, &next, names, err) != LUB_OK) return err->status;
  for (size_t i = 0; i < group->count; i++) {
    size_t bytes = strlen(group->link[i].name) + 1;
    at[i] = memcpy(next, group->link[i].name, bytes);
    next += bytes;
  }
  return LUB_OK;
}

lub_status lub_h5_members(lub_h5_reader *reader, const char *group, lub_h5_text *names, lub_error *err) {
  lub_h5_header header;
  lub_h5_group *links;
  uint64_t address;
  lub_status status = expect(reader, group, LUB_H5_GROUP, &address, &header, err);
  if (status == LUB_OK) status = group_at(reader, address, &header, &links, err);
  if (status == LUB_OK) status = list_names(reader, links, names, err);
  lub_h5_free_header(&header);
  return status;
}
