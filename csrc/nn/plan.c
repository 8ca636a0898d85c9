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
  int consumers, consumer; /* how many times its output is read, and by which node the last time */
  bool kept;               /* read from outside: it must have a value of its own */
  bool covered;            /* by the stage of a node before it */
  int value;               /* where its output is found */
} node_state;

/* Nodes of one stage, each fed by the one before alone; and the activation behind the first. */
typedef struct run {
  int count;
  int node[LUB_MAX_FUSED];
  lub_activation activation;
} run;

typedef struct planner {
  const lub_graph *graph;
  lub_purpose purpose;
  node_state *state;
  lub_shape *free_shapes; /* of plan->shapes */
  lub_nn_plan *plan;
} planner;

static const lub_node *node_of(const planner *p, int i) { return &p->graph->node[i]; }

static lub_status name_failure(const planner *p, int i, lub_error *err) {
  lub_error inner = *err;
  const char *name = node_of(p, i)->layer->name;
  return lub_fail(err, inner.status, "layer %d%s%s: %s", i + 1, *name ? " " : "", name, inner.message);
}

static const lub_shape *shape_before(const planner *p, int i, int k) {
  const int from = node_of(p, i)->input[k];
  return from < 0 ? &p->graph->input[LUB_MODEL_INPUT(from)] : &p->state[from].shape;
}

static lub_status infer_shapes(planner *p, lub_error *err) {
  for (int i = 0; i < p->graph->nnodes; i++) {
    lub_layer *layer = node_of(p, i)->layer;
    lub_shape in[LUB_MAX_INPUTS];
    for (int k = 0; k < node_of(p, i)->ninputs; k++) {
      in[k] = *shape_before(p, i, k);
      const int from = node_of(p, i)->input[k];
      if (from < 0) continue;
      p->state[from].consumers++;
      p->state[from].consumer = i;
    }
    if (layer->kind->params && !layer->built) {
      lub_fail(err, LUB_EARG, "%s is not built", layer->kind->name);
      return name_failure(p, i, err);
    }
    if (lub_layer_build(layer, in, node_of(p, i)->ninputs, 0, &p->state[i].shape, err) != LUB_OK)
      return name_failure(p, i, err);
  }
  for (int k = 0; k < p->graph->noutputs; k++) p->state[p->graph->output[k]].kept = true;
  if (p->purpose.gradient && p->purpose.tap >= 0) p->state[p->purpose.tap].kept = true;
  return LUB_OK;
}

static int value_of(const planner *p, int from) { return from < 0 ? LUB_MODEL_INPUT(from) : p->state[from].value; }

static bool is(const planner *p, int i, const lub_layer_kind *kind) {
  return i >= 0 && node_of(p, i)->layer->kind == kind;
}

/* === which nodes go together === */

/* The node that reads node i's output, if it alone does and reads nothing else; or -1. */
static int next_of(const planner *p, int i) {
  const node_state *state = &p->state[i];
  if (state->kept || state->consumers != 1 || node_of(p, state->consumer)->ninputs != 1) return -1;
  return state->consumer;
}

static int end_of(const run *r) { return r->node[r->count - 1]; }

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

static bool is_plain_dropout(const planner *p, int i) {
  return is(p, i, &lub_dropout_kind) && lub_dropout_is_plain(node_of(p, i)->layer);
}

/* Adds what may stand behind a convolution or a normalization: relu (where the activation is still linear), a pool,
 * dropout. */
static void add_tail(const planner *p, run *r) {
  int next = next_of(p, end_of(r));
  if (r->activation == LUB_LINEAR && next >= 0 && acts_as_relu(node_of(p, next)->layer)) {
    r->activation = LUB_RELU;
    r->node[r->count++] = next;
    next = next_of(p, next);
  }
  if (next >= 0 && tiles(node_of(p, next)->layer, &p->state[end_of(r)].shape)) {
    r->node[r->count++] = next;
    next = next_of(p, next);
  }
  if (is_plain_dropout(p, next)) r->node[r->count++] = next;
}

/* The activation that node i's stage applies. A softmax along other axes than the last is the layer's own work. */
static lub_activation activation_of(const planner *p, int i) {
  const lub_layer *layer = node_of(p, i)->layer;
  if (layer->kind == &lub_softmax_kind && !lub_softmax_is_last(layer, shape_before(p, i, 0))) return LUB_LINEAR;
  return lub_layer_activation(layer);
}

/* Whether node i normalizes by the batch at hand: then it needs the whole batch. */
static bool is_batch_norm(const planner *p, int i) {
  return p->purpose.training && is(p, i, &lub_batch_normalization_kind) && node_of(p, i)->layer->trainable;
}

/* Whether a convolution should take the batch at once; behind a pool most of the gradient is zeros, which the fused
 * stage leaves out, so that only the very large ones do. */
static bool is_large_conv(const planner *p, int i) {
  const int next = next_of(p, i);
  const lub_shape *out = &p->state[i].shape;
  const bool pooled = next >= 0 && tiles(node_of(p, next)->layer, out);
  return lub_has_many_weights(lub_shape_size(out) / out->dim[out->ndim - 1],
                              lub_param_size(&node_of(p, i)->layer->param[0]) / (pooled ? 2 : 1));
}

/* Whether it may matter which of equal outputs a pool takes: equal patches of input, such as silence has, must give
 * outputs that are equal to the last bit where gradients go back, since the first of them gets the gradient. Behind
 * dropout patches differ, unless they are all zeros. */
static bool ties_matter(const planner *p, int i) {
  const int from = node_of(p, i)->input[0];
  if (!p->purpose.training) return p->purpose.gradient;
  return !is_plain_dropout(p, from) || ((const lub_dropout_options *)node_of(p, from)->layer->options)->rate == 0;
}

/* Adds the nodes behind node r->node[0] that the convolution stage can take; false: it cannot even take that. */
static bool fits_conv(const planner *p, run *r) {
  const lub_layer *layer = node_of(p, r->node[0])->layer;
  if (p->purpose.reference || !lub_is_conv(layer)) return false;
  const lub_windows win = lub_conv_windows(layer, shape_before(p, r->node[0], 0));
  if (win.h.stride != 1 || win.w.stride != 1 || win.h.dilation != 1 || win.w.dilation != 1) return false;
  if (((const lub_conv_options *)layer->options)->groups != 1 || is_large_conv(p, r->node[0])) return false;
  if (r->activation != LUB_LINEAR && r->activation != LUB_RELU) return false;
  const int next = next_of(p, r->node[0]);
  if (!p->purpose.training && r->activation == LUB_LINEAR && is(p, next, &lub_batch_normalization_kind) &&
      lub_batch_normalization_is_last(node_of(p, next)->layer, shape_before(p, next, 0)))
    r->node[r->count++] = next; /* folded into the weights */
  add_tail(p, r);
  return true;
}

/* A dense layer so large that its weights should be read once per batch, not once per sample. */
static bool is_large_dense(const planner *p, int i) {
  enum { LARGE = 1 << 16 };
  return !p->purpose.reference && is(p, i, &lub_dense_kind) && lub_layer_count(node_of(p, i)->layer, false) >= LARGE &&
         shape_before(p, i, 0)->ndim == 1;
}

/* === stages === */

static int new_value(planner *p, const lub_shape *shape) {
  p->plan->value[p->plan->nvalues] = (lub_value){.size = lub_shape_size(shape), .outside = -1};
  return p->plan->nvalues++;
}

static lub_stage *blank_stage(planner *p, int ninputs) {
  lub_stage *stage = &p->plan->stage[p->plan->nstages++];
  stage->ninputs = ninputs;
  stage->in = p->free_shapes;
  p->free_shapes += ninputs;
  return stage;
}

static lub_stage *new_stage(planner *p, const run *r) {
  const lub_node *first = node_of(p, r->node[0]);
  lub_stage *stage = blank_stage(p, first->ninputs);
  stage->nlayers = r->count;
  stage->activation = r->activation;
  for (int k = 0; k < stage->ninputs; k++) {
    stage->in[k] = *shape_before(p, r->node[0], k);
    stage->input[k] = value_of(p, first->input[k]);
  }
  for (int j = 0; j < r->count; j++) {
    stage->layer[j] = node_of(p, r->node[j])->layer;
    stage->number[j] = r->node[j];
    p->state[r->node[j]].covered = true;
  }
  stage->out = p->state[end_of(r)].shape;
  stage->output = new_value(p, &stage->out);
  p->state[end_of(r)].value = stage->output;
  return stage;
}

/* A separable convolution is two stages: `stage`, which is planned already, takes its channels one by one, and what
 * stands for the layer's output mixes them. */
static lub_status plan_separable(planner *p, lub_stage *stage, lub_error *err) {
  const lub_layer *layer = stage->layer[0];
  const lub_windows win = lub_separable_windows(layer, &stage->in[0]);
  lub_stage *mixing = blank_stage(p, 1);
  lub_shape *in = mixing->in;
  *mixing = *stage;
  stage->out = lub_windows_shape(&win, &stage->in[0], layer->param[1].shape.dim[2]);
  stage->activation = LUB_LINEAR;
  stage->output = new_value(p, &stage->out);
  mixing->in = in;
  mixing->in[0] = stage->out;
  mixing->input[0] = stage->output;
  const lub_status status = lub_channelwise_stage(stage, err);
  return status == LUB_OK ? lub_window_conv_stage(mixing, err) : status;
}

/* Chooses how a stage of one layer, node i, computes; it may add a stage behind, which then has the layer's output. */
static lub_status plan_layer(planner *p, int i, lub_stage *stage, lub_error *err) {
  const lub_layer *layer = stage->layer[0];
  if (!p->purpose.reference && lub_recurrent_is_fast(layer)) return lub_recurrent_stage(stage, err);
  if (!p->purpose.reference && lub_is_channelwise(layer)) return lub_channelwise_stage(stage, err);
  if (!p->purpose.reference && lub_is_window_pool(layer)) return lub_window_pool_stage(stage, err);
  if (!p->purpose.reference && lub_is_conv(layer)) return lub_window_conv_stage(stage, err);
  if (!p->purpose.reference && layer->kind == &lub_separable_conv2d_kind) return plan_separable(p, stage, err);
  if (is_large_dense(p, i)) lub_dense_stage(stage);
  else lub_reference_stage(stage);
  return LUB_OK;
}

/* The layer whose softmax or sigmoid is the model's last word: that becomes a stage of its own. */
static lub_status cover_final(planner *p, run *r, lub_error *err) {
  const int i = r->node[0];
  p->plan->final = r->activation;
  if (is(p, i, &lub_activation_kind) || is(p, i, &lub_softmax_kind)) {
    lub_stage *stage = new_stage(p, r);
    p->plan->logits = stage->input[0];
    p->plan->final_stage = p->plan->nstages - 1;
    return plan_layer(p, i, stage, err);
  }
  r->activation = LUB_LINEAR;
  const lub_status status = plan_layer(p, i, new_stage(p, r), err);
  lub_stage *last = blank_stage(p, 1);
  lub_final_stage(last, &p->state[i].shape, p->plan->final);
  last->input[0] = p->plan->logits = p->state[i].value;
  last->output = p->state[i].value = new_value(p, &last->out);
  p->plan->final_stage = p->plan->nstages - 1;
  return status;
}

/* Covers node i and perhaps some behind it. */
static lub_status cover(planner *p, int i, lub_error *err) {
  if (p->state[i].covered) return LUB_OK;
  const bool renamed = is(p, i, &lub_input_kind) || is(p, i, &lub_flatten_kind) || is(p, i, &lub_reshape_kind) ||
                       (!p->purpose.training && node_of(p, i)->layer->kind->training_only);
  if (renamed && !p->state[i].kept) {
    p->state[i].value = value_of(p, node_of(p, i)->input[0]);
    return LUB_OK;
  }
  run r = {.count = 1, .node = {i}, .activation = activation_of(p, i)};
  if (fits_conv(p, &r)) return lub_conv_stage(new_stage(p, &r), ties_matter(p, i), err);
  if (is_batch_norm(p, i)) {
    const bool last = lub_batch_normalization_is_last(node_of(p, i)->layer, shape_before(p, i, 0));
    if (last && !p->purpose.reference) add_tail(p, &r);
    return lub_batch_norm_stage(new_stage(p, &r), err);
  }
  if (i == p->graph->output[0] && (r.activation == LUB_SOFTMAX || r.activation == LUB_SIGMOID))
    return cover_final(p, &r, err);
  return plan_layer(p, i, new_stage(p, &r), err);
}

/* === the plan === */

/* While training, gradients go back to weights that train; else to what they are asked of. */
static void mark_gradients(lub_nn_plan *plan, lub_purpose purpose) {
  if (purpose.gradient && plan->tap < 0)
    for (int v = 0; v < plan->ninputs; v++) plan->value[v].wants_gradient = true;
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    bool wants = purpose.gradient && stage->output == plan->tap;
    for (int k = 0; k < stage->ninputs; k++) wants = wants || plan->value[stage->input[k]].wants_gradient;
    for (int j = 0; j < stage->nlayers && !purpose.gradient; j++)
      wants = wants || lub_layer_count(stage->layer[j], true) > 0;
    plan->value[stage->output].wants_gradient = wants;
  }
}

static void mark_outside(planner *p) {
  lub_nn_plan *plan = p->plan;
  for (int k = 0; k < plan->noutputs; k++) {
    plan->output[k] = p->state[p->graph->output[k]].value;
    plan->output_shape[k] = p->state[p->graph->output[k]].shape;
    plan->value[plan->output[k]].outside = k;
  }
  plan->tap = -1;
  if (!p->purpose.gradient || p->purpose.tap < 0) return;
  plan->tap = p->state[p->purpose.tap].value;
  plan->tap_shape = p->state[p->purpose.tap].shape;
  if (plan->value[plan->tap].outside < 0) plan->value[plan->tap].outside = plan->noutputs;
}

static lub_status allocate(planner *p, lub_error *err) {
  const lub_graph *g = p->graph;
  const size_t n = (size_t)g->nnodes;
  size_t shapes = n + 1; /* a layer may take two stages, and the final activation has one */
  for (int i = 0; i < g->nnodes; i++) shapes += (size_t)node_of(p, i)->ninputs;
  p->state = calloc(n, sizeof(node_state));
  lub_nn_plan *plan = p->plan = calloc(1, sizeof *plan);
  if (plan) {
    plan->ninputs = g->ninputs, plan->noutputs = g->noutputs;
    plan->logits = plan->final_stage = -1;
    plan->stage = calloc(2 * n + 1, sizeof *plan->stage);
    plan->value = calloc(2 * n + 1 + (size_t)g->ninputs, sizeof *plan->value);
    plan->input = malloc((size_t)g->ninputs * sizeof *plan->input);
    plan->output_shape = calloc((size_t)g->noutputs, sizeof *plan->output_shape);
    plan->output = calloc((size_t)g->noutputs, sizeof *plan->output);
    plan->shapes = p->free_shapes = calloc(shapes, sizeof *plan->shapes);
  }
  if (p->state && plan && plan->stage && plan->value && plan->input && plan->output_shape && plan->output &&
      plan->shapes)
    return LUB_OK;
  return lub_nomem(err, "plan", (double)n * sizeof(lub_stage));
}

lub_status lub_nn_plan_new(const lub_graph *graph, lub_purpose purpose, lub_nn_plan **plan, lub_error *err) {
  *plan = NULL;
  if (graph->nnodes < 1) return lub_fail(err, LUB_EARG, "a model needs at least one layer");
  if ((purpose.training || purpose.gradient) && (graph->noutputs != 1 || graph->output[0] != graph->nnodes - 1))
    return lub_fail(err, LUB_EARG, "gradients need a model whose only output is its last layer's");
  planner p = {.graph = graph, .purpose = purpose};
  lub_status status = allocate(&p, err);
  if (status == LUB_OK) status = infer_shapes(&p, err);
  for (int k = 0; k < graph->ninputs && status == LUB_OK; k++) {
    p.plan->input[k] = graph->input[k];
    new_value(&p, &graph->input[k]);
  }
  for (int i = 0; i < graph->nnodes && status == LUB_OK; i++) status = cover(&p, i, err);
  if (status == LUB_OK) {
    mark_outside(&p);
    mark_gradients(p.plan, purpose);
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
  free(plan->input);
  free(plan->output_shape);
  free(plan->output);
  free(plan->shapes);
  free(plan);
}
