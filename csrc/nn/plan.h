/* plan.h - from layers to stages.
 *
 * The planner takes layers with the numbers of their inputs, in topological order, and covers them with stages:
 * fused where a fast kernel exists, one layer per stage otherwise. Layers that compute nothing
 * (Input, Flatten, Reshape) become another name of their input's value. A final softmax or sigmoid is a stage of its own, so
 * that a cross-entropy can use what goes into it. */
#ifndef LUB_NN_PLAN_H
#define LUB_NN_PLAN_H

#include "nn/stage.h"

typedef struct lub_node {
  lub_layer *layer;
  int ninputs;
  int input[LUB_MAX_INPUTS]; /* numbers of earlier nodes; LUB_MODEL_INPUT: the model's input */
} lub_node;

#define LUB_MODEL_INPUT (-1)

/* An array that stages pass to each other; number 0 is the model's input. */
typedef struct lub_value {
  int64_t size;        /* floats per sample */
  bool wants_gradient; /* trainable weights lie before it */
} lub_value;

typedef struct lub_nn_plan {
  int nstages, nvalues;
  lub_stage *stage; /* in an order in which they can run */
  lub_value *value;
  lub_shape input, output_shape; /* per sample */
  int output; /* value */
  int logits; /* value that goes into the final activation, or -1 */
  lub_activation final; /* that activation: LUB_SOFTMAX or LUB_SIGMOID */
} lub_nn_plan;

/* What a plan is for. */
typedef struct lub_purpose {
  bool training;  /* else layers that matter in training alone are left out, and batch normalization is folded */
  bool reference; /* every layer runs its reference implementation: slow, and the oracle of the fast stages */
} lub_purpose;

/* Plans nodes[0..n-1], whose last one is the output. Every layer must be built. Failures name the layer and its number.
 * Free with lub_nn_plan_free; the layers must outlive the plan. */
lub_status lub_nn_plan_new(const lub_node *nodes, int n, const lub_shape *input, lub_purpose purpose,
                           lub_nn_plan **plan, lub_error *err);
void lub_nn_plan_free(lub_nn_plan *plan);

#endif
