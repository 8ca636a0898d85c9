/* recurrent.h - the fast stage of LSTM, GRU and Bidirectional: the whole batch at once. */
#ifndef LUB_NN_STAGES_RECURRENT_H
#define LUB_NN_STAGES_RECURRENT_H

#include "nn/layers/recurrent.h"
#include "nn/stage.h"

/* Whether the stage can take this layer: its activations are linear, relu, sigmoid, a hard sigmoid or tanh, and a GRU
 * has reset_after. */
bool lub_recurrent_is_fast(const lub_layer *layer);

lub_status lub_recurrent_stage(lub_stage *stage, lub_error *err);

/* === between stages/recurrent.c (weights, groups, sums) and stages/recurrent_steps.c (through time) === */

/* Parts of the gates: an LSTM's i, f, g, o; a GRU's z, r, and its candidate from x and from h. Steps whose
 * gradients meet the weights at once. */
enum { LUB_GATE_PARTS = 4, LUB_STEP_CHUNK = 8 };

/* One direction. `lanes`: units, padded; a row is h (lanes), x (features), 1; `stride` floats of memory. */
typedef struct lub_track {
  int64_t lanes, terms, stride, input_lanes;
  float *matrix;                        /* (terms, LUB_GATE_PARTS * lanes): dense */
  float *weights, *to_state, *to_input; /* packed: the matrix, and the transposed parts of h and x */
  int64_t gradient_at;                  /* in a shard */
  /* where it keeps what, in floats per sample of a group's block; times are the outer axis */
  int64_t rows_at, gates_at, cells_at, mask_at, gh_at, carry_at, gz_at, gx_at;
} lub_track;

typedef struct lub_recurrent_state {
  lub_recurrence r;
  lub_track track[2];
  int64_t sample_floats, shard_floats;
  int most_shards, at_once; /* at_once: shards that take part in one call */
} lub_recurrent_state;

/* A group of samples in a pass. */
typedef struct lub_recurrent_group {
  const lub_stage *stage;
  const lub_recurrent_state *s;
  const lub_stage_pass *pass;
  int64_t first, count;
  float *block;
} lub_recurrent_group;

/* A group forward: what all steps leave, and the layer's output. */
void lub_recurrent_run(const lub_recurrent_group *group);

/* And back: adds to the shard's gradient and to gx. */
void lub_recurrent_run_back(const lub_recurrent_group *group, float *shard);

#endif
