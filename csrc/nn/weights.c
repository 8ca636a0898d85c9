#include "nn/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Nodes by their layers, and those of one layer by their number. */
typedef struct entry {
  const lub_layer *layer;
  int node;
} entry;

static int compare(const void *a, const void *b) {
  const entry *x = a, *y = b;
  const uintptr_t left = (uintptr_t)x->layer, right = (uintptr_t)y->layer;
  return left != right ? (left < right ? -1 : 1) : x->node - y->node;
}

/* The first node of each node's layer. */
static bool find_first_nodes(const lub_graph *graph, int *first) {
  entry *entries = malloc(sizeof *entries * (size_t)graph->nnodes);
  if (!entries) return false;
  for (int i = 0; i < graph->nnodes; i++) entries[i] = (entry){graph->node[i].layer, i};
  qsort(entries, (size_t)graph->nnodes, sizeof *entries, compare);
  for (int i = 0; i < graph->nnodes; i++) {
    const bool again = i > 0 && entries[i].layer == entries[i - 1].layer;
    first[entries[i].node] = again ? first[entries[i - 1].node] : entries[i].node;
  }
  free(entries);
  return true;
}

static int64_t size_of(const lub_weight *w) { return lub_param_size(&w->layer->param[w->param]); }

lub_status lub_weights_init(lub_weights *weights, const lub_graph *graph, lub_error *err) {
  *weights = (lub_weights){0};
  int64_t count = 0;
  for (int i = 0; i < graph->nnodes; i++) count += graph->node[i].layer->nparams;
  weights->weight = calloc((size_t)count + 1, sizeof *weights->weight);
  weights->first = malloc(sizeof *weights->first * (size_t)graph->nnodes);
  if (!weights->weight || !weights->first || !find_first_nodes(graph, weights->first))
    return lub_nomem(err, "trainer", (double)count * sizeof *weights->weight);
  for (int i = 0; i < graph->nnodes; i++) {
    lub_layer *layer = graph->node[i].layer;
    const int first = weights->first[i];
    weights->first[i] = first < i ? weights->first[first] : weights->count;
    for (int p = 0; p < layer->nparams && first == i; p++) {
      lub_weight *w = &weights->weight[weights->count++];
      *w = (lub_weight){.layer = layer, .param = p};
      w->gradient = lub_alloc(sizeof(float) * (size_t)size_of(w));
      if (!w->gradient) return lub_nomem(err, "trainer", 4.0 * (double)size_of(w));
    }
  }
  return LUB_OK;
}

void lub_weights_free(lub_weights *weights) {
  lub_weights_forget_slots(weights);
  for (int i = 0; i < weights->count; i++) free(weights->weight[i].gradient);
  free(weights->weight);
  free(weights->first);
}

lub_status lub_weights_make_slots(lub_weights *weights, int slots, lub_error *err) {
  for (int i = 0; i < weights->count; i++)
    for (int k = 0; k < slots; k++) {
      lub_weight *w = &weights->weight[i];
      if (w->slot[k]) continue;
      w->slot[k] = lub_calloc((size_t)size_of(w), sizeof(float));
      if (!w->slot[k]) return lub_nomem(err, "trainer", 4.0 * (double)size_of(w));
    }
  return LUB_OK;
}

void lub_weights_forget_slots(lub_weights *weights) {
  for (int i = 0; i < weights->count; i++)
    for (int k = 0; k < LUB_MAX_SLOTS; k++) {
      free(weights->weight[i].slot[k]);
      weights->weight[i].slot[k] = NULL;
    }
}

void lub_weights_clear_gradients(lub_weights *weights) {
  for (int i = 0; i < weights->count; i++)
    memset(weights->weight[i].gradient, 0, sizeof(float) * (size_t)size_of(&weights->weight[i]));
}

void lub_weights_add_gradient(lub_weights *weights, const lub_stage *stage, const float *packed) {
  float *gparam[LUB_MAX_FUSED][LUB_MAX_PARAMS];
  for (int j = 0; j < stage->nlayers; j++)
    for (int p = 0; p < stage->layer[j]->nparams; p++)
      gparam[j][p] = weights->weight[weights->first[stage->number[j]] + p].gradient;
  stage->kind->add_gradient(stage, packed, (float *const(*)[LUB_MAX_PARAMS])gparam);
}

static bool trains(const lub_weight *w) { return w->layer->trainable && w->layer->param[w->param].trainable; }

double lub_weights_penalty(const lub_weights *weights) {
  double sum = 0;
  for (int i = 0; i < weights->count; i++) {
    const lub_weight *w = &weights->weight[i];
    const lub_param *param = &w->layer->param[w->param];
    if (trains(w)) sum += lub_penalty(param->regularizer, param->value, lub_param_size(param));
  }
  return sum;
}

void lub_weights_move(lub_weights *weights, const lub_optimizer_kind *optimizer, const void *options,
                      int64_t iteration) {
  double squares = 0;
  for (int i = 0; i < weights->count; i++) {
    const lub_weight *w = &weights->weight[i];
    const lub_param *param = &w->layer->param[w->param];
    if (!trains(w)) continue;
    lub_penalty_gradient(param->regularizer, param->value, w->gradient, lub_param_size(param));
    if (lub_optimizer_wants_squares(options)) squares += lub_square_sum(w->gradient, lub_param_size(param));
  }
  for (int i = 0; i < weights->count; i++) {
    lub_weight *w = &weights->weight[i];
    lub_param *param = &w->layer->param[w->param];
    if (!trains(w)) continue;
    lub_optimizer_step(optimizer, options, iteration, squares, param->value, w->gradient, w->slot,
                       lub_param_size(param));
    lub_constrain(param->constraint, &param->shape, param->value);
    w->layer->version++;
  }
}
