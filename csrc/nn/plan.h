/* plan.h - from layers to stages.
 *
 * The planner takes layers with the numbers of their inputs, in topological order, and covers them with stages:
 * fused where a fast kernel exists, one layer per stage otherwise. Only a value that one layer alone reads, and nobody
 * outside, can vanish in a fused stage. Layers that compute nothing (Input, Flatten, Reshape) become another name of
 * their input's value. The final softmax or sigmoid of the first output is a stage of its own, so that a cross-entropy
 * can use what goes into it. */
#ifndef LUB_NN_PLAN_H
#define LUB_NN_PLAN_H

#include "nn/stage.h"

typedef struct lub_node {
  lub_layer *layer;
  int ninputs;
  int input[LUB_MAX_INPUTS]; /* numbers of earlier nodes; LUB_MODEL_INPUT(k): the model's input k */
} lub_node;

#define LUB_MODEL_INPUT(k) (-1 - (k))

/* A model: its nodes in topological order, the shapes of its inputs per sample, and which nodes are its outputs (none
 * twice). One layer may stand in several nodes. */
typedef struct lub_graph {
  int nnodes, ninputs, noutputs;
  const lub_node *node;
  const lub_shape *input;
  const int *output;
} lub_graph;

/* An array that stages pass to each other; numbers 0 .. ninputs - 1 are the model's inputs. */
typedef struct lub_value {
  int64_t size;        /* floats per sample */
  bool wants_gradient; /* trainable weights (or what a gradient is asked of) lie before it */
  int outside;         /* it lies in an array of the caller's: that of output `outside`; noutputs: the tap's; -1: not so */
} lub_value;

typedef struct lub_nn_plan {
  int nstages, nvalues, ninputs, noutputs;
  lub_stage *stage; /* in an order in which they can run */
  lub_value *value;
  lub_shape *input, *output_shape; /* per sample; ninputs and noutputs of them */
  int *output; /* noutputs values */
  int logits;  /* value that goes into the final activation of output 0, or -1 */
  int final_stage;      /* the stage of that activation, or -1 */
  lub_activation final; /* that activation: LUB_SOFTMAX or LUB_SIGMOID */
  int tap;              /* value whose gradient is asked, or -1: the inputs' (or none at all) */
  lub_shape tap_shape;
  lub_shape *shapes; /* of the stages' inputs */
} lub_nn_plan;

/* What a plan is for. */
typedef struct lub_purpose {
  bool training;  /* else layers that matter in training alone are left out, and batch normalization is folded */
  bool reference; /* every layer runs its reference implementation: slow, and the oracle of the fast stages */
  bool gradient;  /* gradients of what node `tap` says, or of the inputs (LUB_TAP_INPUTS); without training */
  int tap;
} lub_purpose;

#define LUB_TAP_INPUTS (-1)

/* Plans a graph. Every layer must be built. For training and gradients the last node must be the only output. Failures
 * name the layer and its number.
 * Free with lub_nn_plan_free; the layers must outlive the plan. */
lub_status lub_nn_plan_new(const lub_graph *graph, lub_purpose purpose, lub_nn_plan **plan, lub_error *err);
void lub_nn_plan_free(lub_nn_plan *plan);

#endif
