/* batch_norm.h - what the two ways of batch normalization while training share: with the channels last (batch_norm.c),
 * and with them along another axis (batch_norm_axis.c). */
#ifndef LUB_NN_STAGES_BATCH_NORM_H
#define LUB_NN_STAGES_BATCH_NORM_H

#include "base/pool.h"
#include "nn/kernels/kernels.h"
#include "nn/stage.h"

/* The four walks over the batch, shard by shard: sums of x and of its square, from x to y, sums of the gradient, and
 * the gradient of x. */
typedef struct lub_norm_walks {
  lub_work *sums, *normalize, *gradient_sums, *gradient;
} lub_norm_walks;

typedef struct lub_norm_state {
  const lub_nn_kernels *kernels;
  const lub_norm_walks *walks;
  int64_t height, width, channels, lanes; /* along another axis: `height` times a run of `width` for each channel */
  int64_t step;                     /* from a channel's first pixel to the next one's */
  int64_t rows, columns;            /* of the output */
  int pool_h, pool_w, dropout;      /* dropout: which of the stage's layers drops; -1: none */
  double rate;
  double *partial;                  /* (shards, 2, channels) */
  double *mean, *variance, *g, *gx; /* by channel: of x, and the sums of g and of g * xhat */
  float *shift;                     /* by lane: what sums of x are relative to */
  float *hat_scale, *hat_offset;    /* xhat = x * hat_scale + hat_offset */
  float *scale, *offset;            /* y = x * scale + offset */
  float *a, *b, *d;                 /* of the gradient of x: a * g + b * x + d */
  float *zeros;                     /* the pool's bias */
} lub_norm_state;

/* One whole-batch call at work. */
typedef struct lub_norm_call {
  const lub_stage *stage;
  const lub_stage_pass *pass;
  int shards;
} lub_norm_call;

/* The sums of a shard, all zero: of the first kind, `channels` of them, then of the second. */
double *lub_norm_partial(const lub_norm_state *s, int64_t shard);

extern const lub_norm_walks lub_norm_axis_walks;

#endif
