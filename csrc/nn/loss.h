/* loss.h - losses and their gradients, one sample at a time. Names, options and numbers are Keras' on TensorFlow:
 * behind a final softmax the categorical ones are computed from its inputs (the logits), behind a final sigmoid
 * the binary one; elsewhere outputs are probabilities, kept within [1e-7, 1 - 1e-7], or with from_logits logits.
 * (Keras on TensorFlow takes the inputs of either activation for either loss, which is no cross-entropy of the
 * outputs; there we do what it does on JAX.) */
#ifndef LUB_NN_LOSS_H
#define LUB_NN_LOSS_H

#include <stdint.h>

#include "base/options.h"
#include "base/shape.h"
#include "nn/activation.h"

/* A loss over one sample of rows * width outputs: the mean over its rows of the loss of each. */
typedef struct lub_loss_kind {
  const char *name, *class_name; /* Keras' names: "huber", "Huber" */
  const char *const *aliases;    /* more names, NULL at the end; or NULL */
  const lub_option *options;     /* of LUB_LOSS_BYTES at most */
  bool class_numbers;            /* targets are class numbers counted from 1, one per row; else like the outputs */
  lub_activation behind;         /* the final activation whose inputs it can use; LUB_LINEAR: none */
  /* From the outputs p (`logits`: inputs of the final activation, or NULL) and the targets t. */
  double (*value)(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                  int64_t width);
  /* g = scale * d value / d p, or / d logits where those are given. */
  void (*gradient)(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                   int64_t width, double scale, float *g);
} lub_loss_kind;

#define LUB_LOSS_BYTES 32

/* A kind with its options. */
typedef struct lub_loss {
  const lub_loss_kind *kind; /* NULL: no loss */
  _Alignas(8) unsigned char options[LUB_LOSS_BYTES];
} lub_loss;

/* All kinds, NULL at the end; one by any of its names, or NULL; all names, NULL at the end. */
extern const lub_loss_kind *const lub_loss_kinds[];
const lub_loss_kind *lub_loss_named(const char *name);
extern const char *const lub_loss_names[];

extern const lub_loss_kind lub_categorical_crossentropy, lub_sparse_categorical_crossentropy, lub_binary_crossentropy;
extern const lub_loss_kind lub_mean_squared_error, lub_mean_absolute_error, lub_huber;

/* The shape of one sample's targets for outputs of a shape. */
lub_shape lub_loss_target_shape(const lub_loss_kind *kind, const lub_shape *outputs);

/* The first of n targets that is no class number from 1 to `classes`; -1 where all are, or need not be. */
int64_t lub_loss_wrong_target(const lub_loss_kind *kind, const float *t, int64_t n, int64_t classes);

/* What probabilities are kept away from 0 and 1 by. */
#define LUB_LOSS_EPSILON 1e-7

#endif
