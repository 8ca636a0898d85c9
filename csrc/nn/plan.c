#include "nn/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn/kernels/kernels.h"
#include "nn/layers/convolution.h"
#include "nn/layers/pooling.h"
#include "nn/stages/recurrent.h"

/* What the planner knows of each node while it works. */
typedef struct node_state {
  lub_shape shape;
  int consumers;
  int value; /* where its output is found */
} node_state;

typedef struct planner {
  const lub_node *nodes;
  int n;
  lub_purpose purpose;
  node_state *state;
  lub_nn_plan *plan;
} planner;

static lub_status name_failure(const planner *p, int i, lub_error *err) {
  lub_error inner = *err;
  const char *name = p->nodes[i].layer->name;
  return lub_fail(err, inner.status, "layer %d%s%s: %s", i + 1, *name ? " " : "", name, inner.message);
}

static const lub_shape *input_shape(const planner *p, int i, int k) {
  int from = p->nodes[i].input[k];
  return from == LUB_MODEL_INPUT ? &p->plan->input : &p->state[from].shape;
}

static lub_status infer_shapes(planner *p, lub_error *err) {
  for (int i = 0; i < p->n; i++) {
    lub_layer *layer = p->nodes[i].layer;
    lub_shape in[LUB_MAX_INPUTS];
    if (p->nodes[i].ninputs != layer->kind->inputs) {
      lub_fail(err, LUB_EARG, "%s takes %d inputs, got %d", layer->kind->name, layer->kind->inputs, p->nodes[i].ninputs);
      return name_failure(p, i, err);
    }
    for (int k = 0; k < p->nodes[i].ninputs; k++) {
      in[k] = *input_shape(p, i, k);
      int from = p->nodes[i].input[k];
      if (from != LUB_MODEL_INPUT) p->state[from].consumers++;
    }
    if (layer->kind->params && !layer->built) {
      lub_fail(err, LUB_EARG, "%s is not built", layer->kind->name);
      return name_failure(p, i, err);
    }
    if (lub_layer_build(layer, in, 0, &p->state[i].shape, err) != LUB_OK) return name_failure(p, i, err);
  }
  return LUB_OK;
}

static int value_of(const planner *p, int node) { return node == LUB_MODEL_INPUT ? 0 : p->state[node].value; }

static bool is(const planner *p, int i, const lub_layer_kind *kind) { return p->nodes[i].layer->kind == kind; }

/* Whether node i is fed by node i - 1 alone, which feeds nothing else. */
static bool follows(const planner *p, int i) {
  return i < p->n && p->nodes[i].ninputs == 1 && p->nodes[i].input[0] == i - 1 && p->state[i - 1].consumers == 1;
}

static bool acts_as_relu(const lub_layer *layer) {
  if (layer->kind == &lub_activation_kind) return lub_layer_activation(layer) == LUB_RELU;
  const lub_relu_options *o = layer->options;
  return layer->kind == &lub_relu_kind && isnan(o->max_value) && o->negative_slope == 0 && o->threshold == 0;
}

/* Windows that touch, all inside, and few enough for one byte. */
static bool tiles(const lub_layer *layer, const lub_shape *in) {
  if (layer->kind != &lub_max_pooling1d_kind && layer->kind != &lub_max_pooling2d_kind) return false;
  const lub_windows win = lub_pool_windows(layer, in);
  return ((const lub_pool_options *)layer->options)->padding == LUB_VALID && win.h.stride == win.h.size &&
         win.w.stride == win.w.size && win.h.size * win.w.size < LUB_NO_GRADIENT;
}

/* What may stand behind a convolution or a normalization, from node i + run on: relu (where `activation` is still
 * linear), a pool, dropout. Returns the new run. */
static int tail_run(const planner *p, int i, int run, lub_activation *activation) {
  if (*activation == LUB_LINEAR && follows(p, i + run) && acts_as_relu(p->nodes[i + run].layer)) {
    *activation = LUB_RELU;
    run++;
  }
  if (follows(p, i + run) && tiles(p->nodes[i + run].layer, &p->state[i + run - 1].shape)) run++;
  if (follows(p, i + run) && is(p, i + run, &lub_dropout_kind)) run++;
  return run;
}

/* Whether node i normalizes by the batch at hand: then it needs the whole batch. */
static bool is_batch_norm(const planner *p, int i) {
  return p->purpose.training && is(p, i, &lub_batch_normalization_kind) && p->nodes[i].layer->trainable;
}

/* Whether a convolution should take the batch at once; behind a pool most of the gradient is zeros, which the fused stage
 * leaves out, so that only the very large ones do. */
static bool is_large_conv(const planner *p, int i) {
  const lub_layer *layer = p->nodes[i].layer;
  const bool pooled = follows(p, i + 1) && tiles(p->nodes[i + 1].layer, &p->state[i].shape);
  const int64_t filters = p->state[i].shape.dim[p->state[i].shape.ndim - 1];
  return lub_has_many_weights(lub_shape_size(&p->state[i].shape) / filters,
                              lub_param_size(&layer->param[0]) / (pooled ? 2 : 1));
}

/* How many nodes from i on the convolution stage can take; 0: it cannot even take node i. */
static int conv_run(const planner *p, int i, lub_activation *activation) {
  const lub_layer *layer = p->nodes[i].layer;
  if (p->purpose.reference || !lub_is_conv(layer)) return 0;
  const lub_windows win = lub_conv_windows(layer, input_shape(p, i, 0));
  if (win.h.stride != 1 || win.w.stride != 1 || win.h.dilation != 1 || win.w.dilation != 1) return 0;
  if (((const lub_conv_options *)layer->options)->groups != 1 || is_large_conv(p, i)) return 0;
  *activation = lub_layer_activation(layer);
  if (*activation != LUB_LINEAR && *activation != LUB_RELU) return 0;
  int run = 1;
  if (!p->purpose.training && *activation == LUB_LINEAR && follows(p, i + run) &&
      is(p, i + run, &lub_batch_normalization_kind))
    run++; /* folded into the weights */
  return tail_run(p, i, run, activation);
}

/* A dense layer so large that its weights should be read once per batch, not once per sample. */
static bool is_large_dense(const planner *p, int i) {
  enum { LARGE = 1 << 16 };
  const lub_shape *in = input_shape(p, i, 0);
  return !p->purpose.reference && is(p, i, &lub_dense_kind) && lub_layer_count(p->nodes[i].layer, false) >= LARGE && in->ndim == 1;
}

static int new_value(planner *p, const lub_shape *shape) {
  p->plan->value[p->plan->nvalues] = (lub_value){.size = lub_shape_size(shape)};
  return p->plan->nvalues++;
}

/* A separable convolution is two stages: `stage`, which is planned already, takes its channels one by one, and what stands
 * for the layer's output mixes them. */
static lub_status plan_separable(planner *p, int i, lub_stage *stage, lub_error *err) {
  const lub_windows win = lub_separable_windows(p->nodes[i].layer, &stage->in[0]);
  lub_stage *mixing = &p->plan->stage[p->plan->nstages++];
  *mixing = *stage;
  stage->out = lub_windows_shape(&win, &stage->in[0], p->nodes[i].layer->param[1].shape.dim[2]);
  stage->activation = LUB_LINEAR;
  stage->output = new_value(p, &stage->out);
  mixing->in[0] = stage->out;
  mixing->input[0] = stage->output;
  const lub_status status = lub_channelwise_stage(stage, err);
  return status == LUB_OK ? lub_window_conv_stage(mixing, err) : status;
}

static lub_status plan_layer(planner *p, int i, lub_stage *stage, lub_error *err) {
  lub_layer *layer = p->nodes[i].layer;
  if (!p->purpose.reference && lub_recurrent_is_fast(layer)) return lub_recurrent_stage(stage, err);
  if (!p->purpose.reference && lub_is_channelwise(layer)) return lub_channelwise_stage(stage, err);
  if (!p->purpose.reference && lub_is_window_pool(layer)) return lub_window_pool_stage(stage, err);
  if (!p->purpose.reference && lub_is_conv(layer)) return lub_window_conv_stage(stage, err);
  if (!p->purpose.reference && is(p, i, &lub_separable_conv2d_kind)) return plan_separable(p, i, stage, err);
  if (is_large_dense(p, i)) lub_dense_stage(stage);
  else lub_reference_stage(stage);
  return LUB_OK;
}

static lub_stage *new_stage(planner *p, int first, int run) {
  lub_stage *stage = &p->plan->stage[p->plan->nstages++];
  stage->nlayers = run;
  stage->ninputs = p->nodes[first].ninputs;
  for (int k = 0; k < stage->ninputs; k++) {
    stage->in[k] = *input_shape(p, first, k);
    stage->input[k] = value_of(p, p->nodes[first].input[k]);
  }
  for (int j = 0; j < run; j++) {
    stage->layer[j] = p->nodes[first + j].layer;
    stage->number[j] = first + j;
  }
  stage->out = p->state[first + run - 1].shape;
  stage->output = new_value(p, &stage->out);
  return stage;
}

/* Covers node i and perhaps the ones behind it; returns how many. */
static int cover(planner *p, int i, lub_error *err, lub_status *status) {
  lub_activation activation;
  bool renamed = is(p, i, &lub_input_kind) || is(p, i, &lub_flatten_kind) || is(p, i, &lub_reshape_kind) ||
                 (!p->purpose.training && p->nodes[i].layer->kind->training_only);
  if (renamed && i < p->n - 1) {
    p->state[i].value = value_of(p, p->nodes[i].input[0]);
    return 1;
  }
  int run = conv_run(p, i, &activation);
  if (run > 0) {
    lub_stage *stage = new_stage(p, i, run);
    stage->activation = activation;
    *status = lub_conv_stage(stage, err);
    p->state[i + run - 1].value = stage->output;
    return run;
  }
  if (is_batch_norm(p, i)) {
    activation = LUB_LINEAR;
    run = p->purpose.reference ? 1 : tail_run(p, i, 1, &activation);
    lub_stage *stage = new_stage(p, i, run);
    stage->activation = activation;
    *status = lub_batch_norm_stage(stage, err);
    p->state[i + run - 1].value = stage->output;
    return run;
  }
  lub_stage *stage = new_stage(p, i, 1);
  stage->activation = lub_layer_activation(p->nodes[i].layer);
  lub_activation final = i == p->n - 1 ? stage->activation : LUB_LINEAR;
  bool ends = final == LUB_SOFTMAX || final == LUB_SIGMOID;
  if (ends) p->plan->final = final;
  const bool split = ends && !is(p, i, &lub_activation_kind) && !is(p, i, &lub_softmax_kind);
  if (split) stage->activation = LUB_LINEAR;
  *status = plan_layer(p, i, stage, err);
  stage = &p->plan->stage[p->plan->nstages - 1]; /* a layer may have taken two */
  if (split) {
    lub_stage *last = &p->plan->stage[p->plan->nstages++];
    lub_final_stage(last, &stage->out, final);
    last->input[0] = stage->output;
    last->output = new_value(p, &stage->out);
    p->plan->logits = stage->output;
    p->state[i].value = last->output;
    return 1;
  }
  if (ends) p->plan->logits = stage->input[0];
  p->state[i].value = stage->output;
  return 1;
}

static void mark_gradients(lub_nn_plan *plan) {
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    bool wants = false;
    for (int k = 0; k < stage->ninputs; k++) wants = wants || plan->value[stage->input[k]].wants_gradient;
    for (int j = 0; j < stage->nlayers; j++) wants = wants || lub_layer_count(stage->layer[j], true) > 0;
    plan->value[stage->output].wants_gradient = wants;
  }
}

lub_status lub_nn_plan_new(const lub_node *nodes, int n, const lub_shape *input, lub_purpose purpose,
                           lub_nn_plan **plan, lub_error *err) {
  *plan = NULL;
  if (n < 1) return lub_fail(err, LUB_EARG, "a model needs at least one layer");
  planner p = {.nodes = nodes, .n = n, .purpose = purpose, .plan = calloc(1, sizeof(lub_nn_plan)), .state = calloc((size_t)n, sizeof(node_state))};
  if (p.plan) {
    p.plan->stage = calloc(2 * (size_t)n + 2, sizeof(lub_stage));
    p.plan->value = calloc(2 * (size_t)n + 3, sizeof(lub_value));
    p.plan->input = *input;
    p.plan->logits = -1;
  }
  lub_status status = LUB_OK;
  if (!p.state || !p.plan || !p.plan->stage || !p.plan->value) status = lub_nomem(err, "plan", (double)n * sizeof(lub_stage));
  if (status == LUB_OK) status = infer_shapes(&p, err);
  if (status == LUB_OK) new_value(&p, input);
  for (int i = 0; i < n && status == LUB_OK;) i += cover(&p, i, err, &status);
  if (status == LUB_OK) {
    p.plan->output = p.state[n - 1].value;
    p.plan->output_shape = p.state[n - 1].shape;
    mark_gradients(p.plan);
    *plan = p.plan;
  } else {
    lub_nn_plan_free(p.plan);
  }
  free(p.state);
  return status;
}

void lub_nn_plan_free(lub_nn_plan *plan) {
  if (!plan) return;
  for (int s = 0; s < plan->nstages; s++)
    if (plan->stage[s].kind && plan->stage[s].kind->free) plan->stage[s].kind->free(&plan->stage[s]);
  free(plan->stage);
  free(plan->value);
  free(plan);
}
