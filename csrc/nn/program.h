/* program.h - a plan, cut into segments, with a place in memory for everything that it passes on.
 *
 * A segment is a run of stages that samples go through depth first, one sample at a time; a stage that wants the whole
 * batch at once is a segment of its own. The last segment takes whole-batch stages never, so that the loss and the
 * way back can follow each sample at once. What only the last segment touches lives in a thread's block, sample
 * after sample in the same place, and stays in the cache; everything else lives in the batch's blocks. */
#ifndef LUB_NN_PROGRAM_H
#define LUB_NN_PROGRAM_H

#include "nn/plan.h"

typedef struct lub_segment {
  int first, last; /* stages first .. last - 1; the last segment may be empty, but for the loss */
  bool whole;      /* one stage, the batch in one call */
} lub_segment;

/* Floats from a block's start; in the batch's blocks per sample, to be multiplied by the batch's size. */
typedef struct lub_place {
  bool batch;
  int64_t at;
  bool read;   /* has a reader */
  bool stored; /* a gradient that its value's only reader stores, so that nobody need clear it */
} lub_place;

typedef struct lub_program {
  lub_nn_plan *plan;
  int nsegments;
  lub_segment *segment;
  lub_place *value, *gradient; /* by value; those outside have none, nor has the gradient of what a plan taps */
  lub_place *saved;            /* by stage */
  int64_t *packed_at;          /* by stage: its packed gradient in a shard, or in `whole` */
  int64_t thread_floats;       /* a thread's block */
  int64_t batch_floats;        /* per sample: values and what stages save */
  int64_t gradient_floats;     /* per sample: gradients of values */
  int64_t shard_floats;        /* a gradient shard */
  int64_t whole_floats;        /* gradients of whole-batch stages */
  int64_t scratch_at;          /* of stages, in a thread's block */
} lub_program;

/* Plans a graph and lays it out. Free with lub_program_free. */
lub_status lub_program_new(const lub_graph *graph, lub_purpose purpose, lub_program **program, lub_error *err);
void lub_program_free(lub_program *program);

/* Floats that a stage saves per sample. */
int64_t lub_saved_floats(const lub_stage *stage);

#endif
