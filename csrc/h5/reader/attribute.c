/* Attributes (IV.A.2.m). Keras files hold strings of variable length (h5py 3, and every single string) and of
 * fixed length (lists from h5py 2), and for an empty list no strings at all: float64 of shape (0). */
#define _POSIX_C_SOURCE 200809L /* strnlen */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

/* An attribute message, taken apart; all points into the message. */
typedef struct attribute {
  const char *name; /* not ended by '\0' in its field */
  size_t name_length;
  lub_h5_message type, space;
  const uint8_t *data;
  size_t size;
} attribute;

static lub_status refuse(const lub_h5_reader *reader, const char *name, const char *reason, lub_error *err) {
  return lub_fail(err, LUB_EWORLD, "%s: %s: attribute %s %s", reader->path, reader->object, name, reason);
}

static lub_status take_attribute(lub_h5_reader *reader, const uint8_t *bytes, size_t size, attribute *a,
                                 lub_error *err) {
  lub_h5_span span = lub_h5_span_over(bytes, size);
  unsigned version = (unsigned)lub_h5_take(&span, 1), flags = (unsigned)lub_h5_take(&span, 1);
  uint64_t name = lub_h5_take(&span, 2), type = lub_h5_take(&span, 2), space = lub_h5_take(&span, 2);
  if (version == 3) lub_h5_skip(&span, 1); /* the name's character set */
  uint64_t unit = version == 1 ? 8 : 1;    /* version 1 pads its parts */
  a->name = (const char *)lub_h5_skip(&span, (name + unit - 1) / unit * unit);
  a->type.data = lub_h5_skip(&span, (type + unit - 1) / unit * unit);
  a->space.data = lub_h5_skip(&span, (space + unit - 1) / unit * unit);
  if (span.bad || version < 1 || version > 3 || (version > 1 && flags > 3))
    return lub_h5_damaged(reader, err, "an attribute makes no sense");
  a->name_length = strnlen(a->name, (size_t)name);
  a->type.type = LUB_H5_TYPE;
  a->type.size = (size_t)type;
  a->type.flags = version > 1 && flags & 1 ? 2 : 0;
  a->space.type = LUB_H5_SPACE;
  a->space.size = (size_t)space;
  a->space.flags = version > 1 && flags & 2 ? 2 : 0;
  a->data = span.at;
  a->size = span.left;
  return LUB_OK;
}

/* === finding them === */

/* A search: for one name, or (name NULL) for all. What comes from a heap is copied, to outlive the visit. */
typedef struct search {
  const char *name;
  bool found;
  attribute attribute;
  uint8_t *copy;
  char *names; /* one after the other, each ended by '\0' */
  size_t count, length, room;
} search;

static lub_status note_name(lub_h5_reader *reader, search *s, const attribute *a, lub_error *err) {
  if (s->length > reader->size) return lub_h5_damaged(reader, err, "its attributes' names are longer than the file");
  if (a->name_length + 1 > s->room - s->length) {
    size_t room = s->room * 2 + a->name_length + 64;
    char *grown = realloc(s->names, room);
    if (!grown) return lub_h5_nomem(reader, err, (double)room);
    s->names = grown;
    s->room = room;
  }
  memcpy(s->names + s->length, a->name, a->name_length);
  s->names[s->length + a->name_length] = '\0';
  s->length += a->name_length + 1;
  s->count++;
  return LUB_OK;
}

static lub_status look(lub_h5_reader *reader, const uint8_t *bytes, size_t size, bool keep, search *s,
                       lub_error *err) {
  attribute a;
  if (s->found) return LUB_OK;
  if (take_attribute(reader, bytes, size, &a, err) != LUB_OK) return err->status;
  if (!s->name) return note_name(reader, s, &a, err);
  if (strlen(s->name) != a.name_length || memcmp(s->name, a.name, a.name_length) != 0) return LUB_OK;
  s->found = true;
  if (keep) {
    s->copy = malloc(size);
    if (!s->copy) return lub_h5_nomem(reader, err, (double)size);
    memcpy(s->copy, bytes, size);
    bytes = s->copy;
  }
  return take_attribute(reader, bytes, size, &s->attribute, err);
}

static lub_status look_dense(lub_h5_reader *reader, const uint8_t *bytes, size_t size, void *context,
                             lub_error *err) {
  return look(reader, bytes, size, true, context, err);
}

/* Attribute info (IV.A.2.v): where the attributes are that the header has no room for. */
static lub_status search_heap(lub_h5_reader *reader, const lub_h5_message *message, search *s, lub_error *err) {
  lub_h5_span span = lub_h5_span_over(message->data, message->size);
  lub_h5_skip(&span, 1); /* version */
  unsigned flags = (unsigned)lub_h5_take(&span, 1);
  lub_h5_skip(&span, flags & 1 ? 2 : 0);
  uint64_t heap = lub_h5_take_address(reader, &span), tree = lub_h5_take_address(reader, &span);
  if (span.bad) return lub_h5_damaged(reader, err, "its attributes make no sense");
  return heap == LUB_H5_UNDEFINED ? LUB_OK : lub_h5_dense(reader, heap, tree, look_dense, s, err);
}

static lub_status search_header(lub_h5_reader *reader, const lub_h5_header *header, search *s, lub_error *err) {
  lub_status status = LUB_OK;
  for (size_t i = 0; i < header->count && status == LUB_OK && !s->found; i++) {
    const lub_h5_message *m = &header->message[i];
    if (m->type == LUB_H5_ATTRIBUTE && m->flags & 2)
      return lub_h5_refuse(reader, err, "attributes that objects share in a table of the file are not read");
    if (m->type == LUB_H5_ATTRIBUTE) status = look(reader, m->data, m->size, false, s, err);
    else if (m->type == LUB_H5_ATTRIBUTE_INFO) status = search_heap(reader, m, s, err);
  }
  return status;
}

/* === what they hold === */

/* An attribute with all that its value needs. */
typedef struct value {
  lub_h5_header header, type_header, space_header;
  search search;
  lub_h5_type type;
  lub_h5_space space;
} value;

static void free_value(value *v) {
  lub_h5_free_header(&v->header);
  lub_h5_free_header(&v->type_header);
  lub_h5_free_header(&v->space_header);
  free(v->search.copy);
  free(v->search.names);
}

/* Finds an attribute; v->search.found tells whether there is one. End with free_value in every case. */
static lub_status open_value(lub_h5_reader *reader, const char *object, const char *name, value *v, lub_error *err) {
  *v = (value){.search = {.name = name}};
  if (lub_h5_open_object(reader, object, LUB_H5_OTHER, &v->header, err) != LUB_OK ||
      search_header(reader, &v->header, &v->search, err) != LUB_OK)
    return err->status;
  attribute *a = &v->search.attribute;
  if (!v->search.found) return LUB_OK;
  if (lub_h5_unshare(reader, &a->type, &v->type_header, err) != LUB_OK ||
      lub_h5_unshare(reader, &a->space, &v->space_header, err) != LUB_OK ||
      lub_h5_read_type(reader, a->type.data, a->type.size, &v->type, err) != LUB_OK ||
      lub_h5_read_space(reader, a->space.data, a->space.size, &v->space, err) != LUB_OK)
    return err->status;
  if (v->space.points > 0 && (v->type.size == 0 || v->space.points > a->size / v->type.size))
    return refuse(reader, name, "declares more than the file holds", err);
  return LUB_OK;
}

/* The length of a string in a field of `size` bytes. */
static size_t field_length(const lub_h5_type *type, const uint8_t *field) {
  size_t length = strnlen((const char *)field, type->size);
  while (type->space_padded && length > 0 && field[length - 1] == ' ') length--;
  return length;
}

static lub_status read_fixed(lub_h5_reader *reader, const value *v, lub_h5_text *text, lub_error *err) {
  char **at, *next;
  size_t count = (size_t)v->space.points, size = v->type.size;
  if (lub_h5_room(reader, count, count * size, &at, &next, text, err) != LUB_OK) return err->status;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *field = v->search.attribute.data + i * size;
    size_t length = field_length(&v->type, field);
    at[i] = memcpy(next, field, length);
    next[length] = '\0';
    next += length + 1;
  }
  return LUB_OK;
}

/* Two passes: the first tells how long they are. */
static lub_status read_variable(lub_h5_reader *reader, const value *v, lub_h5_text *text, lub_error *err) {
  char **at = NULL, *next = NULL;
  size_t count = (size_t)v->space.points, total = 0;
  lub_h5_collection collection = {0};
  lub_status status = LUB_OK;
  for (int pass = 1; pass <= 2 && status == LUB_OK; pass++) {
    for (size_t i = 0; i < count && status == LUB_OK; i++) {
      const char *string;
      size_t length;
      status = lub_h5_heap_string(reader, &collection, v->search.attribute.data + i * v->type.size, &string, &length,
                                  err);
      if (status != LUB_OK) break;
      if (pass == 1) {
        total += length; /* strings share no bytes, so that they are no longer than the file */
        if (total > reader->size) status = lub_h5_damaged(reader, err, "its strings are longer than the file");
      } else {
        at[i] = memcpy(next, string, length);
        next[length] = '\0';
        next += length + 1;
      }
    }
    if (pass == 1 && status == LUB_OK) status = lub_h5_room(reader, count, total, &at, &next, text, err);
  }
  lub_h5_free_collection(&collection);
  return status;
}

static lub_status read_text(lub_h5_reader *reader, const char *name, const value *v, lub_h5_attribute *kind,
                            lub_h5_text *text, lub_error *err) {
  char **at, *next;
  *kind = v->space.kind == LUB_H5_SCALAR ? LUB_H5_STRING : LUB_H5_STRINGS;
  if (v->space.points == 0) return lub_h5_room(reader, 0, 0, &at, &next, text, err);
  if (v->type.kind == LUB_H5_VARIABLE_STRING) return read_variable(reader, v, text, err);
  if (v->type.kind == LUB_H5_FIXED_STRING) return read_fixed(reader, v, text, err);
  return refuse(reader, name, "holds no text", err);
}

lub_status lub_h5_read_attribute(lub_h5_reader *reader, const char *object, const char *name, lub_h5_attribute *kind,
                                 lub_h5_text *text, lub_error *err) {
  value v;
  *kind = LUB_H5_ABSENT;
  lub_status status = open_value(reader, object, name, &v, err);
  if (status == LUB_OK && v.search.found) status = read_text(reader, name, &v, kind, text, err);
  free_value(&v);
  return status;
}

static lub_status read_numbers(lub_h5_reader *reader, const char *name, const value *v, lub_shape *shape,
                               lub_h5_number *number, void **values, lub_error *err) {
  if (v->type.kind != LUB_H5_INTEGER && v->type.kind != LUB_H5_FLOAT)
    return refuse(reader, name, "holds no numbers", err);
  if (lub_h5_read_shape(reader, &v->space, shape, err) != LUB_OK) return err->status;
  *number = v->type.kind == LUB_H5_INTEGER ? LUB_H5_INT64 : LUB_H5_FLOAT64;
  size_t count = (size_t)v->space.points;
  *values = malloc((count + 1) * lub_h5_number_size(*number));
  if (!*values) return lub_h5_nomem(reader, err, (double)count * 8);
  lub_h5_convert(&v->type, v->search.attribute.data, count, *number, *values);
  return LUB_OK;
}

lub_status lub_h5_attribute_numbers(lub_h5_reader *reader, const char *object, const char *name, lub_shape *shape,
                                    lub_h5_number *number, void **values, lub_error *err) {
  value v;
  *values = NULL;
  lub_status status = open_value(reader, object, name, &v, err);
  if (status == LUB_OK && v.search.found) status = read_numbers(reader, name, &v, shape, number, values, err);
  free_value(&v);
  return status;
}

/* === their names === */

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static lub_status list_names(lub_h5_reader *reader, const search *s, lub_h5_text *names, lub_error *err) {
  char **at, *next;
  if (lub_h5_room(reader, s->count, s->length, &at, &next, names, err) != LUB_OK) return err->status;
  if (s->count == 0) return LUB_OK;
  memcpy(next, s->names, s->length);
  for (size_t i = 0; i < s->count; i++, next += strlen(next) + 1) at[i] = next;
  qsort(at, s->count, sizeof *at, compare);
  return LUB_OK;
}

lub_status lub_h5_attributes(lub_h5_reader *reader, const char *object, lub_h5_text *names, lub_error *err) {
  lub_h5_header header;
  search s = {0};
  lub_status status = lub_h5_open_object(reader, object, LUB_H5_OTHER, &header, err);
  if (status == LUB_OK) status = search_header(reader, &header, &s, err);
  if (status == LUB_OK) status = list_names(reader, &s, names, err);
  lub_h5_free_header(&header);
  free(s.names);
  return status;
}
