#include "nn/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/fence.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/sum.h"
#include "nn/trainer_state.h"

/* Gradient shards take at most this many bytes; a model with more weights has fewer of them. */
#define SHARD_BYTES (256 << 20)
/* So many threads share one sample at most: each has its own block of memory, and waits for the others at each
 * stage. */
enum { THREADS_OF_ONE_SAMPLE = 8 };

/* === life === */

static lub_status need_program(lub_trainer *t, int which, lub_error *err) {
  if (t->program[which]) return LUB_OK;
  const lub_purpose purpose = {.training = which == TRAINING, .reference = t->reference, .gradient = which == GRADIENTS,
                               .tap = t->tap};
  return lub_program_new(&t->graph, purpose, &t->program[which], err);
}

lub_status lub_trainer_tap(lub_trainer *t, int tap, const lub_nn_plan **plan, lub_error *err) {
  t->running = false;
  if (t->tap != tap) {
    lub_program_free(t->program[GRADIENTS]);
    t->program[GRADIENTS] = NULL;
  }
  t->tap = tap;
  lub_status status = need_program(t, GRADIENTS, err);
  if (status == LUB_OK) *plan = t->program[GRADIENTS]->plan;
  return status;
}

static void *copied(const void *from, size_t count, size_t size) {
  void *to = malloc((count > 0 ? count : 1) * size);
  if (to) memcpy(to, from, count * size);
  return to;
}

static lub_status copy_graph(lub_trainer *t, const lub_graph *graph, lub_error *err) {
  t->graph = *graph;
  t->graph.node = copied(graph->node, (size_t)graph->nnodes, sizeof *graph->node);
  t->graph.input = copied(graph->input, (size_t)graph->ninputs, sizeof *graph->input);
  t->graph.output = copied(graph->output, (size_t)graph->noutputs, sizeof *graph->output);
  t->x = calloc((size_t)graph->ninputs, sizeof *t->x);
  t->gradients = calloc((size_t)graph->ninputs, sizeof *t->gradients);
  t->outputs = calloc((size_t)graph->noutputs + 1, sizeof *t->outputs);
  if (t->graph.node && t->graph.input && t->graph.output && t->x && t->gradients && t->outputs) return LUB_OK;
  return lub_nomem(err, "trainer", (double)graph->nnodes * sizeof(lub_node));
}

lub_status lub_trainer_new(const lub_graph *graph, const lub_loss *loss, bool reference, lub_trainer **trainer,
                           lub_error *err) {
  *trainer = NULL;
  if (loss && graph->noutputs != 1)
    return lub_fail(err, LUB_EARG, "a model trains with one output, and this one has %d", graph->noutputs);
  lub_trainer *t = calloc(1, sizeof *t);
  if (!t) return lub_nomem(err, "trainer", sizeof *t);
  if (loss) t->loss = *loss;
  t->reference = reference;
  t->first = loss ? TRAINING : INFERENCE;
  t->tap = LUB_TAP_INPUTS;
  lub_status status = copy_graph(t, graph, err);
  if (status == LUB_OK) status = need_program(t, t->first, err);
  if (status == LUB_OK) status = lub_weights_init(&t->model, &t->graph, err);
  if (status == LUB_OK) *trainer = t;
  else lub_trainer_free(t);
  return status;
}

void lub_trainer_free(lub_trainer *t) {
  if (!t) return;
  lub_weights_free(&t->model);
  for (int i = 0; i < PROGRAMS; i++) lub_program_free(t->program[i]);
  free((void *)(uintptr_t)t->graph.node);
  free((void *)(uintptr_t)t->graph.input);
  free((void *)(uintptr_t)t->graph.output);
  free((void *)(uintptr_t)t->x);
  free(t->outputs);
  free(t->gradients);
  free(t->arena);
  free(t);
}

/* === a pass' beginning === */

static int slots_of(const lub_trainer *t) { return t->optimizer ? lub_optimizer_slots(t->optimizer, t->options) : 0; }

/* The arena: a block per thread, the batch's block, the gradient shards. It only grows. */
static lub_status make_arena(lub_trainer *t, lub_error *err) {
  int64_t most = SHARD_BYTES / (int64_t)sizeof(float) / (t->now->shard_floats > 0 ? t->now->shard_floats : 1);
  t->nshards = lub_shards(t->n, most < LUB_MAX_SHARDS ? (int)most : LUB_MAX_SHARDS);
  t->threads = lub_num_threads();
  const int most_threads = t->mode == LUB_PREDICT && t->n == 1 ? THREADS_OF_ONE_SAMPLE : t->nshards;
  if (t->threads > most_threads) t->threads = most_threads;
  const lub_program *p = t->now;
  int64_t threads = t->threads * p->thread_floats, batch = lub_round_up(p->batch_floats * t->n, 16);
  int64_t back = 0;
  if (t->goes_back)
    back = lub_round_up(p->gradient_floats * t->n, 16) + t->nshards * p->shard_floats + p->whole_floats;
  int64_t floats = threads + batch + back;
  if (floats > t->arena_floats) {
    free(t->arena);
    t->arena_floats = 0;
    t->arena = lub_alloc(sizeof(float) * (size_t)floats);
    if (!t->arena) return lub_nomem(err, "trainer", 4.0 * (double)floats);
    t->arena_floats = floats;
    t->allocations++;
  }
  lub_allow(t->arena, sizeof(float) * (size_t)t->arena_floats);
  t->thread_block = t->arena;
  t->batch_block = t->thread_block + threads;
  t->gradient_block = t->batch_block + batch;
  t->shards = t->gradient_block + lub_round_up(p->gradient_floats * t->n, 16);
  t->whole = t->shards + t->nshards * p->shard_floats;
  if (t->goes_back && p->whole_floats > 0) memset(t->whole, 0, sizeof(float) * (size_t)p->whole_floats);
  return LUB_OK;
}

/* Takes over what a pass works on; gradients that lie outside begin as zeros. */
static void take_batch(lub_trainer *t, const lub_batch *batch) {
  const lub_nn_plan *plan = t->now->plan;
  t->y = batch->y, t->weights = batch->weights;
  memcpy(t->x, batch->x, sizeof *t->x * (size_t)plan->ninputs);
  memcpy(t->outputs, batch->outputs, sizeof *t->outputs * (size_t)plan->noutputs);
  if (t->mode != LUB_GRADIENT) return;
  t->probe = *batch->probe;
  t->outputs[plan->noutputs] = t->probe.value;
  for (int v = 0; v < (plan->tap < 0 ? plan->ninputs : 1); v++) {
    const int64_t size = plan->value[plan->tap < 0 ? v : plan->tap].size;
    t->gradients[v] = t->probe.gradient[v];
    memset(t->gradients[v], 0, sizeof(float) * (size_t)(t->n * size));
  }
}

lub_status lub_trainer_begin(lub_trainer *t, lub_mode mode, const lub_batch *batch, lub_error *err) {
  const int which = mode == LUB_TRAIN ? TRAINING : mode == LUB_GRADIENT ? GRADIENTS : INFERENCE;
  t->running = false;
  if ((mode == LUB_TRAIN || mode == LUB_EVALUATE) && !t->loss.kind)
    return lub_fail(err, LUB_EARG, "trainer: it has no loss");
  if (mode == LUB_TRAIN && !t->optimizer) return lub_fail(err, LUB_EARG, "trainer: it has no optimizer");
  lub_status status = need_program(t, which, err);
  if (status != LUB_OK) return status;
  t->now = t->program[which];
  if (mode == LUB_GRADIENT && batch->probe->before_final && t->now->plan->tap == t->now->plan->output[0] &&
      t->now->plan->logits >= 0)
    return lub_fail(err, LUB_EARG, "the unit before the final activation does not depend on what the last layer says");
  t->mode = mode;
  t->goes_back = mode == LUB_TRAIN || mode == LUB_GRADIENT;
  t->n = batch->n;
  status = make_arena(t, err);
  if (status == LUB_OK && mode == LUB_TRAIN) status = lub_weights_make_slots(&t->model, slots_of(t), err);
  if (status != LUB_OK) return status;
  take_batch(t, batch);
  for (int s = 0; s < t->now->plan->nstages; s++)
    if (t->now->plan->stage[s].kind->pack) t->now->plan->stage[s].kind->pack(&t->now->plan->stage[s]);
  t->key = lub_mix(lub_mix(t->seed, 0xD0), (uint64_t)t->iterations);
  t->cursor = 0, t->phase = 0;
  memset(t->loss_sum, 0, sizeof t->loss_sum);
  t->penalty = t->loss.kind && mode != LUB_PREDICT && mode != LUB_GRADIENT ? lub_weights_penalty(&t->model) : 0;
  t->running = true;
  return LUB_OK;
}

/* === what can be asked and set === */

void lub_trainer_set_optimizer(lub_trainer *t, const lub_optimizer_kind *kind, const void *options) {
  if (t->optimizer != kind) lub_weights_forget_slots(&t->model);
  t->optimizer = kind;
  t->options = options;
}

const lub_nn_plan *lub_trainer_plan(const lub_trainer *t) { return t->program[t->first]->plan; }
double lub_trainer_loss(const lub_trainer *t) { return t->result; }
int64_t lub_trainer_iterations(const lub_trainer *t) { return t->iterations; }
void lub_trainer_set_iterations(lub_trainer *t, int64_t iterations) { t->iterations = iterations; }
uint64_t lub_trainer_seed(const lub_trainer *t) { return t->seed; }
void lub_trainer_set_seed(lub_trainer *t, uint64_t seed) { t->seed = seed; }
int64_t lub_trainer_allocations(const lub_trainer *t) { return t->allocations; }
double lub_trainer_bytes(const lub_trainer *t) { return 4.0 * (double)t->arena_floats; }

const lub_loss *lub_trainer_loss_function(const lub_trainer *t) { return &t->loss; }

lub_shape lub_trainer_targets(const lub_trainer *t) {
  const lub_shape *outputs = &lub_trainer_plan(t)->output_shape[0];
  return t->loss.kind ? lub_loss_target_shape(t->loss.kind, outputs) : *outputs;
}

int lub_trainer_slots(const lub_trainer *t) { return t->model.count * slots_of(t); }

float *lub_trainer_slot(lub_trainer *t, int number, const lub_param **param) {
  lub_error err;
  if (lub_weights_make_slots(&t->model, slots_of(t), &err) != LUB_OK) return NULL;
  const lub_weight *w = &t->model.weight[number / slots_of(t)];
  if (param) *param = &w->layer->param[w->param];
  return w->slot[number % slots_of(t)];
}
