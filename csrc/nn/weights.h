/* weights.h - the weights of a model's layers, each once, with their gradients and the optimizer's arrays. */
#ifndef LUB_NN_WEIGHTS_H
#define LUB_NN_WEIGHTS_H

#include "nn/optimizer.h"
#include "nn/plan.h"

/* One weight, trainable or not. */
typedef struct lub_weight {
  lub_layer *layer;
  int param;
  float *gradient;
  float *slot[LUB_MAX_SLOTS];
} lub_weight;

typedef struct lub_weights {
  int count;
  lub_weight *weight; /* in the order of the nodes; a layer that stands twice has its weights once */
  int *first;         /* by node: the number of its layer's first weight */
} lub_weights;

lub_status lub_weights_init(lub_weights *weights, const lub_graph *graph, lub_error *err);
void lub_weights_free(lub_weights *weights);

/* The optimizer's arrays for every weight: made where they are not there yet, and forgotten. */
lub_status lub_weights_make_slots(lub_weights *weights, int slots, lub_error *err);
void lub_weights_forget_slots(lub_weights *weights);

/* Sets every gradient to 0; then adds one that a stage has packed. */
void lub_weights_clear_gradients(lub_weights *weights);
void lub_weights_add_gradient(lub_weights *weights, const lub_stage *stage, const float *packed);

/* The penalties on the weights that train, as they are. */
double lub_weights_penalty(const lub_weights *weights);

/* One step of the optimizer, number `iteration` from 1 on: moves every weight that trains along its gradient. */
void lub_weights_move(lub_weights *weights, const lub_optimizer_kind *optimizer, const void *options,
                      int64_t iteration);

#endif
