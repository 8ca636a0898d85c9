/* trainer_state.h - what a trainer has at hand: trainer.c makes it and begins a pass, pass.c runs it. */
#ifndef LUB_NN_TRAINER_STATE_H
#define LUB_NN_TRAINER_STATE_H

#include "nn/program.h"
#include "nn/trainer.h"
#include "nn/weights.h"

/* The programs of a trainer, each made when it is first needed. */
enum { INFERENCE, TRAINING, GRADIENTS, PROGRAMS };

struct lub_trainer {
  lub_loss loss;
  const lub_optimizer_kind *optimizer;
  const void *options;
  int64_t iterations;
  uint64_t seed;

  lub_graph graph;
  lub_weights model;
  bool reference;
  int first, tap;                  /* which program was made first; whose gradients the last is for */
  lub_program *program[PROGRAMS];
  const lub_program *now;          /* of the pass at hand */

  float *arena, *thread_block, *batch_block, *gradient_block, *shards, *whole;
  int64_t arena_floats, allocations;
  int threads;

  lub_mode mode;
  bool goes_back;
  const float **x, *y, *weights;   /* x: by input */
  float **outputs, **gradients;    /* by output, and one more for what is tapped; by input */
  lub_probe probe;
  int64_t n, cursor;    /* cursor: samples of each shard, or parts of a stage, done in this phase */
  int nshards, phase;
  bool running;
  uint64_t key;
  double loss_sum[LUB_MAX_SHARDS], penalty, result, sample_seconds;
};

#endif
