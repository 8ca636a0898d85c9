#include "base/options.h"

#include <string.h>

void lub_options_defaults(const lub_option *table, void *options) {
  for (const lub_option *o = table; o->name; o++) {
    char *field = (char *)options + o->offset;
    switch (o->type) {
    case LUB_OPTION_INT: *(int64_t *)field = o->none ? LUB_NONE_INT : (int64_t)o->fallback; break;
    case LUB_OPTION_NUMBER: *(double *)field = o->none ? NAN : o->fallback; break;
    case LUB_OPTION_BOOL: *(bool *)field = o->fallback != 0; break;
    case LUB_OPTION_CHOICE: *(int *)field = o->none ? LUB_NONE_CHOICE : (int)o->fallback; break;
    case LUB_OPTION_INTS:
      for (int i = 0; i < o->count; i++) ((int64_t *)field)[i] = o->none ? LUB_NONE_INT : (int64_t)o->fallback;
      break;
    case LUB_OPTION_PAIRS:
      for (int i = 0; i < 2 * o->count; i++) ((int64_t *)field)[i] = (int64_t)o->fallback;
      break;
    case LUB_OPTION_SHAPE: ((lub_shape *)field)->ndim = 0; break;
    case LUB_OPTION_AXES: *(lub_shape *)field = (lub_shape){1, {(int64_t)o->fallback}}; break;
    case LUB_OPTION_OBJECT: {
      lub_object *object = (lub_object *)(void *)field;
      memset(object, 0, sizeof *object);
      object->kind = o->none ? LUB_NONE_CHOICE : (int)o->fallback;
      if (object->kind >= 0) lub_options_defaults(o->kinds[object->kind].options, object->options);
      break;
    }
    case LUB_OPTION_LAYER: *(const void **)field = NULL; break;
    }
  }
}

bool lub_option_at_default(const lub_option *o, const void *field) {
  switch (o->type) {
  case LUB_OPTION_INT: return *(const int64_t *)field == (o->none ? LUB_NONE_INT : (int64_t)o->fallback);
  case LUB_OPTION_NUMBER: {
    double value = *(const double *)field;
    return o->none ? isnan(value) : value == o->fallback;
  }
  case LUB_OPTION_BOOL: return *(const bool *)field == (o->fallback != 0);
  case LUB_OPTION_CHOICE: return *(const int *)field == (o->none ? LUB_NONE_CHOICE : (int)o->fallback);
  case LUB_OPTION_INTS: {
    bool same = true;
    for (int i = 0; i < o->count; i++)
      same = same && ((const int64_t *)field)[i] == (o->none ? LUB_NONE_INT : (int64_t)o->fallback);
    return same;
  }
  case LUB_OPTION_PAIRS: {
    bool same = true;
    for (int i = 0; i < 2 * o->count; i++) same = same && ((const int64_t *)field)[i] == (int64_t)o->fallback;
    return same;
  }
  case LUB_OPTION_SHAPE: return o->none && ((const lub_shape *)field)->ndim == 0;
  case LUB_OPTION_AXES: return lub_shape_equal(field, &(lub_shape){1, {(int64_t)o->fallback}});
  case LUB_OPTION_OBJECT: {
    const lub_object *object = field;
    if (object->kind != (o->none ? LUB_NONE_CHOICE : (int)o->fallback)) return false;
    if (object->kind < 0) return true;
    for (const lub_option *own = o->kinds[object->kind].options; own->name; own++)
      if (!lub_option_at_default(own, object->options + own->offset)) return false;
    return true;
  }
  case LUB_OPTION_LAYER: return *(const void *const *)field == NULL;
  }
  return false;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Levenshtein's edit distance; names longer than a row are never near. */
static size_t edit_distance(const char *a, const char *b) {
  enum { LONGEST = 64 };
  size_t row[LONGEST + 1], la = strlen(a), lb = strlen(b);
  if (la > LONGEST || lb > LONGEST) return LONGEST;
  for (size_t j = 0; j <= lb; j++) row[j] = j;
  for (size_t i = 1; i <= la; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= lb; j++) {
      size_t above = row[j];
      row[j] = least(least(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] != b[j - 1]));
      diagonal = above;
    }
  }
  return row[lb];
}

const char *lub_nearest_name(const char *wrong, const char *const *names) {
  const char *nearest = NULL;
  size_t best = strlen(wrong) / 2 + 2;
  for (; *names; names++) {
    size_t distance = edit_distance(wrong, *names);
    if (distance < best) best = distance, nearest = *names;
  }
  return nearest;
}
