/* merge.h - what the layers that merge several inputs element by element share: Keras' rule of shapes, and the way
 * through inputs that are spread out. */
#ifndef LUB_NN_LAYERS_MERGE_H
#define LUB_NN_LAYERS_MERGE_H

#include "nn/layers/kinds.h"

/* Axes are matched from the last one on; an axis of size 1, or that is missing, is spread over the others'.
 * Fails where sizes differ otherwise. `name` is the layer's, for the message. */
lub_status lub_merged_shape(const char *name, const lub_shape *in, int n, lub_shape *out, lub_error *err);

/* A run of outputs along the last axis, and what belongs to it. Element i of the run reads x[k][i * step[k]]. */
typedef struct lub_merge_run {
  int ninputs;
  int64_t n;
  int64_t step[LUB_MAX_INPUTS]; /* 1, or 0 where input k is spread along the run */
  const float *x[LUB_MAX_INPUTS];
  float *gx[LUB_MAX_INPUTS];    /* NULL where not wanted, and on the way forward */
  float *y;
  const float *gy;              /* NULL on the way forward */
} lub_merge_run;

/* Calls `work` for run after run. */
void lub_merge_each(const lub_pass *pass, bool back, void (*work)(const lub_merge_run *run));

/* Adds factor * gy to the gradient of input k along the run. */
void lub_merge_add_gradient(const lub_merge_run *run, int k, float factor);

#define LUB_MERGE_KIND(title, shape, forwards, backwards)                                                            \
  {.name = title, .options = lub_merge_options, .activation_at = -1, .inputs = LUB_MANY_INPUTS,                      \
   .merged_shape = shape, .forward = forwards, .backward = backwards}

/* None. */
extern const lub_option lub_merge_options[];

#endif
