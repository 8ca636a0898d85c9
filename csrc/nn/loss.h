/* loss.h - losses and their gradients, one sample at a time. */
#ifndef LUB_NN_LOSS_H
#define LUB_NN_LOSS_H

#include <stdint.h>

/* A loss over one sample of rows * width outputs: the mean over its rows of the loss of each. */
typedef struct lub_loss_kind {
  const char *name; /* Keras' name */
  /* From the outputs p (of a softmax: `logits` are its inputs, or NULL) and the targets t. */
  double (*value)(const float *p, const float *logits, const float *t, int64_t rows, int64_t width);
  /* g = scale * d value / d p, or / d logits where those are given. */
  void (*gradient)(const float *p, const float *logits, const float *t, int64_t rows, int64_t width, float scale,
                   float *g);
} lub_loss_kind;

/* By name, or NULL; lub_loss_names lists them. */
const lub_loss_kind *lub_loss_named(const char *name);
extern const char *const lub_loss_names[];

#endif
