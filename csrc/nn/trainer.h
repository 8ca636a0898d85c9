/* trainer.h - runs batches through a plan: training steps, evaluation, prediction, gradients of what a layer says.
 *
 * A pass is begun with its batch and advanced until it is finished; each call does about 50 ms of work, so that a
 * host stays alive. Weights and optimizer change only in the last call of a training step.
 *
 * Stages are grouped into segments: within one, samples run depth first, each through all of its stages (and, in the
 * last, through the loss and all the way back), so that what they pass to each other stays in the cache; a stage that
 * wants the whole batch at once is a segment of its own. Gradients are summed by base/sum.h: the same bits for
 * any number of threads. */
#ifndef LUB_NN_TRAINER_H
#define LUB_NN_TRAINER_H

#include "nn/loss.h"
#include "nn/optimizer.h"
#include "nn/plan.h"

typedef enum lub_mode { LUB_TRAIN, LUB_EVALUATE, LUB_PREDICT, LUB_GRADIENT } lub_mode;

typedef struct lub_trainer lub_trainer;

/* Plans a graph (copied) and makes a trainer; loss (copied) may be NULL (prediction only) and must be where the graph
 * has several outputs. Free with lub_trainer_free; layers must outlive it. */
lub_status lub_trainer_new(const lub_graph *graph, const lub_loss *loss, bool reference, lub_trainer **trainer,
                           lub_error *err);
void lub_trainer_free(lub_trainer *trainer);

/* Which optimizer steps use; its options (which must outlive the trainer) are read at each step. NULL: no training. */
void lub_trainer_set_optimizer(lub_trainer *trainer, const lub_optimizer_kind *kind, const void *options);

const lub_nn_plan *lub_trainer_plan(const lub_trainer *trainer);
const lub_loss *lub_trainer_loss_function(const lub_trainer *trainer); /* its kind may be NULL */

/* The shape of one sample's targets; that of the outputs where there is no loss. */
lub_shape lub_trainer_targets(const lub_trainer *trainer);

/* Which unit of a model's output is asked for gradients, and where the answers go. */
typedef struct lub_probe {
  bool before_final;      /* the unit before the final softmax or sigmoid, where the model has one */
  float *unit;            /* (n): its number among a sample's outputs, from 1; 0: the largest, whose number is put here */
  float *score;           /* (n): its value */
  float *value;           /* (n, tap_shape...): what the layer says; not used where the inputs are asked */
  float *const *gradient; /* of that, the same shape; or one for each of the inputs */
} lub_probe;

/* What a pass works on. Arrays are dense; all must stay as they are until the pass is finished. */
typedef struct lub_batch {
  int64_t n;             /* samples, at least 1 */
  const float *const *x; /* by input: (n, input...) */
  const float *y;        /* (n, lub_trainer_targets(t)...), for training and evaluation */
  const float *weights;  /* (n), for training and evaluation; NULL: all 1 */
  float *const *outputs; /* by output: (n, outputs...), receives what the model says */
  const lub_probe *probe; /* for gradients */
} lub_batch;

/* Begins a pass; one that is not finished is forgotten. The lists of arrays and the probe are copied. */
lub_status lub_trainer_begin(lub_trainer *trainer, lub_mode mode, const lub_batch *batch, lub_error *err);

/* Plans for gradients of what node `tap` says (or LUB_TAP_INPUTS) before a pass LUB_GRADIENT: batch normalization by
 * its moving statistics, no dropout. The plan (kept until another is asked) says the shapes. */
lub_status lub_trainer_tap(lub_trainer *trainer, int tap, const lub_nn_plan **plan, lub_error *err);

/* Works on; true when the pass is finished (or none was begun). */
bool lub_trainer_advance(lub_trainer *trainer);

/* The finished pass' loss: sum(weight[i] * loss[i]) / n, and the penalties on the weights that train. */
double lub_trainer_loss(const lub_trainer *trainer);

/* Steps done; it enters the random streams and the optimizer's bias correction. */
int64_t lub_trainer_iterations(const lub_trainer *trainer);
void lub_trainer_set_iterations(lub_trainer *trainer, int64_t iterations);
uint64_t lub_trainer_seed(const lub_trainer *trainer);
void lub_trainer_set_seed(lub_trainer *trainer, uint64_t seed);

/* The optimizer's arrays: lub_trainer_slots(t) of them in all, weights in the order of the layers, each weight's
 * slots together. NULL is returned for the data where there is no memory. `param` may be NULL. */
int lub_trainer_slots(const lub_trainer *trainer);
float *lub_trainer_slot(lub_trainer *trainer, int number, const lub_param **param);

/* How often memory was allocated for passes: a steady step allocates nothing. And how many bytes are held. */
int64_t lub_trainer_allocations(const lub_trainer *trainer);
double lub_trainer_bytes(const lub_trainer *trainer);

#endif
