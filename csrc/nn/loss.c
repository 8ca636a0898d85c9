#include "nn/loss.h"

#include <string.h>

const lub_loss_kind *const lub_loss_kinds[] = {&lub_categorical_crossentropy,
                                               &lub_sparse_categorical_crossentropy,
                                               &lub_binary_crossentropy,
                                               &lub_mean_squared_error,
                                               &lub_mean_absolute_error,
                                               &lub_huber,
                                               NULL};

const char *const lub_loss_names[] = {"categorical_crossentropy",
                                      "sparse_categorical_crossentropy",
                                      "binary_crossentropy",
                                      "mean_squared_error",
                                      "mean_absolute_error",
                                      "huber",
                                      "mse",
                                      "mae",
                                      "bce",
                                      NULL};

const lub_loss_kind *lub_loss_named(const char *name) {
  for (const lub_loss_kind *const *kind = lub_loss_kinds; *kind; kind++) {
    if (strcmp((*kind)->name, name) == 0 || strcmp((*kind)->class_name, name) == 0) return *kind;
    for (const char *const *alias = (*kind)->aliases; alias && *alias; alias++)
      if (strcmp(*alias, name) == 0) return *kind;
  }
  return NULL;
}

lub_shape lub_loss_target_shape(const lub_loss_kind *kind, const lub_shape *outputs) {
  lub_shape shape = *outputs;
  if (kind->class_numbers && shape.ndim > 0) shape.ndim--;
  return shape;
}

int64_t lub_loss_wrong_target(const lub_loss_kind *kind, const float *t, int64_t n, int64_t classes) {
  for (int64_t i = 0; i < n && kind->class_numbers; i++)
    if (!(t[i] >= 1 && t[i] <= (float)classes && t[i] == (float)(int64_t)t[i])) return i;
  return -1;
}
