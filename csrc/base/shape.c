#include "base/shape.h"

#include <stdio.h>

int64_t lub_shape_size(const lub_shape *shape) {
  int64_t size = 1;
  bool empty = false;
  for (int i = 0; i < shape->ndim; i++) {
    int64_t d = shape->dim[i];
    if (d == 0) empty = true;
    else if (size > (INT64_C(1) << 62) / d) return -1;
    else size *= d;
  }
  return empty ? 0 : size;
}

bool lub_shape_equal(const lub_shape *a, const lub_shape *b) {
  if (a->ndim != b->ndim) return false;
  for (int i = 0; i < a->ndim; i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}

const char *lub_shape_text(const lub_shape *shape, const char *unknown, char text[LUB_SHAPE_TEXT]) {
  int at = snprintf(text, LUB_SHAPE_TEXT, "(");
  for (int i = 0; i < shape->ndim; i++) {
    const char *separator = i > 0 ? ", " : "";
    if (shape->dim[i] < 0) at += snprintf(text + at, LUB_SHAPE_TEXT - (size_t)at, "%s%s", separator, unknown);
    else at += snprintf(text + at, LUB_SHAPE_TEXT - (size_t)at, "%s%lld", separator, (long long)shape->dim[i]);
  }
  snprintf(text + at, LUB_SHAPE_TEXT - (size_t)at, shape->ndim == 1 ? ",)" : ")");
  return text;
}
