/* optimizer.h - how weights follow their gradients. */
#ifndef LUB_NN_OPTIMIZER_H
#define LUB_NN_OPTIMIZER_H

#include <stdint.h>

#include "base/options.h"

/* The fields that all kinds share come first in their options. */
typedef struct lub_optimizer_options {
  double learning_rate;
} lub_optimizer_options;

typedef struct lub_optimizer_kind {
  const char *name; /* Keras' class name */
  const lub_option *options;
  size_t options_size;
  int slots; /* arrays of the weights' size that the method keeps: Adam has 2 */
  const char *const *slot_names;
  /* Moves n weights w along their gradient g at step `iteration` (from 1); slots begin as zeros. */
  void (*update)(const void *options, int64_t iteration, float *w, const float *g, float *const *slots, int64_t n);
} lub_optimizer_kind;

/* All kinds, NULL at the end; options of any kind fit into LUB_OPTIMIZER_BYTES. */
extern const lub_optimizer_kind *const lub_optimizer_kinds[];
#define LUB_OPTIMIZER_BYTES 128
#define LUB_MAX_SLOTS 4

#endif
