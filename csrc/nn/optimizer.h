/* optimizer.h - how weights follow their gradients. Names, options, defaults and the order of things are Keras':
 * the penalties' gradients are added, the gradients are clipped, the weights decay, and then the method moves them. */
#ifndef LUB_NN_OPTIMIZER_H
#define LUB_NN_OPTIMIZER_H

#include <stdint.h>

#include "base/error.h"
#include "base/options.h"

/* The fields that all kinds share come first in their options; NAN means None. */
typedef struct lub_optimizer_options {
  double learning_rate;
  double weight_decay;    /* every weight loses learning_rate * weight_decay of itself per step */
  double clipnorm;        /* each gradient is scaled to at most this norm */
  double clipvalue;       /* each number of a gradient is kept in +-clipvalue */
  double global_clipnorm; /* all gradients together are scaled to at most this norm */
} lub_optimizer_options;

/* What they are in a kind's table; `owner` has a lub_optimizer_options `base`. */
#define LUB_OPTIMIZER_NUMBER(owner, field, ...)                                                                        \
  { .name = #field, .type = LUB_OPTION_NUMBER, .offset = offsetof(owner, field), __VA_ARGS__ }
#define LUB_OPTIMIZER_BASE(owner, rate, decay_by_default, decay)                                                       \
  {.name = "learning_rate",                                                                                            \
   .type = LUB_OPTION_NUMBER,                                                                                          \
   .offset = offsetof(owner, base.learning_rate),                                                                      \
   .fallback = rate,                                                                                                   \
   .min = 0,                                                                                                           \
   .max = INFINITY},                                                                                                   \
      {.name = "weight_decay",                                                                                         \
       .type = LUB_OPTION_NUMBER,                                                                                      \
       .offset = offsetof(owner, base.weight_decay),                                                                   \
       .fallback = decay,                                                                                              \
       .nullable = !(decay_by_default),                                                                                \
       .none = !(decay_by_default),                                                                                    \
       .min = 0,                                                                                                       \
       .max = INFINITY},                                                                                               \
      {.name = "clipnorm",                                                                                             \
       .type = LUB_OPTION_NUMBER,                                                                                      \
       .offset = offsetof(owner, base.clipnorm),                                                                       \
       .nullable = true,                                                                                               \
       .none = true,                                                                                                   \
       .min = 0,                                                                                                       \
       .max = INFINITY},                                                                                               \
      {.name = "clipvalue",                                                                                            \
       .type = LUB_OPTION_NUMBER,                                                                                      \
       .offset = offsetof(owner, base.clipvalue),                                                                      \
       .nullable = true,                                                                                               \
       .none = true,                                                                                                   \
       .min = 0,                                                                                                       \
       .max = INFINITY},                                                                                               \
  {                                                                                                                    \
    .name = "global_clipnorm", .type = LUB_OPTION_NUMBER, .offset = offsetof(owner, base.global_clipnorm),             \
    .nullable = true, .none = true, .min = 0, .max = INFINITY                                                          \
  }

#define LUB_MAX_SLOTS 4

typedef struct lub_optimizer_kind {
  const char *name; /* Keras' class name */
  const lub_option *options;
  size_t options_size;
  /* Names of the arrays of the weights' size that the method keeps with these options, into
   * names[LUB_MAX_SLOTS]; returns how many. */
  int (*slots)(const void *options, const char **names);
  /* Moves n weights w along their gradient g at step `iteration` (from 1); slots begin as zeros. */
  void (*update)(const void *options, int64_t iteration, float *w, const float *g, float *const *slots, int64_t n);
} lub_optimizer_kind;

/* All kinds, NULL at the end; options of any kind fit into LUB_OPTIMIZER_BYTES. */
extern const lub_optimizer_kind *const lub_optimizer_kinds[];
#define LUB_OPTIMIZER_BYTES 128

extern const lub_optimizer_kind lub_sgd_kind, lub_rmsprop_kind, lub_adam_kind, lub_adamw_kind;

/* Refuses options that do not fit together. */
lub_status lub_optimizer_check(const lub_optimizer_kind *kind, const void *options, lub_error *err);

/* How many slots each weight has. */
int lub_optimizer_slots(const lub_optimizer_kind *kind, const void *options);

/* The sum of a gradient's squares; what all gradients have together is wanted by lub_optimizer_step. */
double lub_square_sum(const float *g, int64_t n);
bool lub_optimizer_wants_squares(const void *options);

/* Clips the gradient g in place, lets the weights w decay and moves them. `squares` is the sum of all gradients'
 * squares (only read where lub_optimizer_wants_squares). */
void lub_optimizer_step(const lub_optimizer_kind *kind, const void *options, int64_t iteration, double squares,
                        float *w, float *g, float *const *slots, int64_t n);

#endif
