#include "nn/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/sum.h"
#include "nn/program.h"
#include "nn/weights.h"
#include "tensor/blas.h"

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

/* Gradient shards take at most this many bytes; a model with more weights has fewer of them. */
#define SHARD_BYTES (256 << 20)
#define CALL_SECONDS 0.04
/* So many threads share one sample at most: each has its own block of memory, and waits for the others at each stage. */
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

/* === one sample === */

static float *array_of(const lub_trainer *t, const lub_place *where, float *batch, int64_t size, int thread,
                       int64_t sample) {
  if (where->batch) return batch + where->at * t->n + sample * size;
  return t->thread_block + thread * t->now->thread_floats + where->at;
}

static float *value_of(const lub_trainer *t, int v, int thread, int64_t sample) {
  const lub_nn_plan *plan = t->now->plan;
  const int64_t size = plan->value[v].size;
  if (v < plan->ninputs) return (float *)(uintptr_t)(t->x[v] + sample * size); /* stages only read it */
  if (plan->value[v].outside >= 0) return t->outputs[plan->value[v].outside] + sample * size;
  return array_of(t, &t->now->value[v], t->batch_block, size, thread, sample);
}

static float *gradient_of(const lub_trainer *t, int v, int thread, int64_t sample) {
  const lub_nn_plan *plan = t->now->plan;
  if (!t->goes_back || !plan->value[v].wants_gradient) return NULL;
  if (v < plan->ninputs) return t->gradients[v] + sample * plan->value[v].size;
  if (v == plan->tap) return t->gradients[0] + sample * plan->value[v].size;
  return array_of(t, &t->now->gradient[v], t->gradient_block, plan->value[v].size, thread, sample);
}

static lub_stage_pass pass_of(const lub_trainer *t, int s, int thread, int64_t sample, int64_t count) {
  const lub_stage *stage = &t->now->plan->stage[s];
  lub_stage_pass pass = {.training = t->mode == LUB_TRAIN, .keeps = t->goes_back, .key = t->key, .sample = sample,
                         .count = count, .threads = t->threads, .scratch_step = t->now->thread_floats};
  if (stage->kind->parts) pass.part = t->cursor;
  for (int k = 0; k < stage->ninputs; k++) pass.x[k] = value_of(t, stage->input[k], thread, sample);
  pass.y = value_of(t, stage->output, thread, sample);
  pass.saved = array_of(t, &t->now->saved[s], t->batch_block, lub_saved_floats(stage), thread, sample);
  pass.scratch = t->thread_block + thread * t->now->thread_floats + t->now->scratch_at;
  return pass;
}

static void backward_stage(const lub_trainer *t, int s, int thread, int64_t sample, int64_t count, float *gradient) {
  const lub_stage *stage = &t->now->plan->stage[s];
  lub_stage_pass pass = pass_of(t, s, thread, sample, count);
  pass.gy = gradient_of(t, stage->output, thread, sample);
  if (!pass.gy) return;
  bool wanted = t->mode == LUB_TRAIN; /* else only what comes before is */
  for (int k = 0; k < stage->ninputs; k++) {
    pass.gx[k] = gradient_of(t, stage->input[k], thread, sample);
    wanted = wanted || pass.gx[k];
  }
  if (!wanted) return;
  pass.stores = t->now->gradient[stage->input[0]].stored;
  pass.gradient = gradient + t->now->packed_at[s];
  stage->kind->backward(stage, &pass);
}

/* The loss of one sample, and its gradient where training. Returns the stage that backward leaves out, or -1. */
static int apply_loss(lub_trainer *t, int shard, int thread, int64_t sample) {
  const lub_nn_plan *plan = t->now->plan;
  const lub_loss_kind *loss = t->loss.kind;
  const int output = plan->output[0];
  const lub_shape *shape = &plan->output_shape[0];
  const int64_t size = plan->value[output].size, width = shape->ndim > 0 ? shape->dim[shape->ndim - 1] : 1;
  const float *p = value_of(t, output, thread, sample);
  const float *target = t->y + sample * (loss->class_numbers ? size / width : size);
  const bool uses_logits = plan->logits >= 0 && plan->final == loss->behind;
  const float *logits = uses_logits ? value_of(t, plan->logits, thread, sample) : NULL;
  const double share = t->weights ? t->weights[sample] : 1;
  t->loss_sum[shard] += share * loss->value(t->loss.options, p, logits, target, size / width, width);
  float *g = gradient_of(t, uses_logits ? plan->logits : output, thread, sample);
  if (g) loss->gradient(t->loss.options, p, logits, target, size / width, width, share / (double)t->n, g);
  return uses_logits ? plan->final_stage : -1; /* the final activation has its part */
}

/* The asked unit of one sample, where the way back starts. Returns the stage that backward leaves out, or -1. */
static int choose_unit(lub_trainer *t, int thread, int64_t sample) {
  const lub_nn_plan *plan = t->now->plan;
  const bool before = t->probe.before_final && plan->logits >= 0;
  const int v = before ? plan->logits : plan->output[0];
  const float *p = value_of(t, v, thread, sample);
  int64_t unit = (int64_t)t->probe.unit[sample] - 1;
  if (unit < 0) {
    unit = 0;
    for (int64_t i = 1; i < plan->value[v].size; i++)
      if (p[i] > p[unit]) unit = i;
    t->probe.unit[sample] = (float)(unit + 1);
  }
  t->probe.score[sample] = p[unit];
  float *g = gradient_of(t, v, thread, sample);
  if (g) g[unit] = 1;
  return before ? plan->final_stage : -1;
}

/* Gradients are added up: a sample's begin as zeros, but for those that are stored, and what a caller cleared. */
static void clear_gradients(const lub_trainer *t, int thread, int64_t sample) {
  const lub_nn_plan *plan = t->now->plan;
  for (int v = plan->ninputs; v < plan->nvalues; v++) {
    const bool no_need = v == plan->tap || t->now->gradient[v].stored;
    float *g = no_need ? NULL : gradient_of(t, v, thread, sample);
    if (g) memset(g, 0, sizeof *g * (size_t)plan->value[v].size);
  }
}

static void last_segment(lub_trainer *t, int shard, int thread, int64_t sample) {
  const lub_segment *now = &t->now->segment[t->now->nsegments - 1];
  const lub_nn_plan *plan = t->now->plan;
  for (int s = now->first; s < now->last; s++) {
    lub_stage_pass pass = pass_of(t, s, thread, sample, 1);
    plan->stage[s].kind->forward(&plan->stage[s], &pass);
  }
  if (t->mode == LUB_PREDICT) return;
  if (t->goes_back) clear_gradients(t, thread, sample);
  const int left_out = t->mode == LUB_GRADIENT ? choose_unit(t, thread, sample) : apply_loss(t, shard, thread, sample);
  for (int s = now->last - 1; s >= now->first && t->goes_back; s--)
    if (s != left_out) backward_stage(t, s, thread, sample, 1, t->shards + shard * t->now->shard_floats);
}

/* === phases === */

/* Phases 0 .. nsegments-1 go forward (the last of them also through the loss and back); where the way goes back,
 * nsegments .. 2*nsegments-2 go back through the others, and then, while training, the weights move. */
typedef struct phase_work {
  lub_trainer *t;
  int segment;
  bool back;
  int64_t samples; /* of each shard in this wave */
} phase_work;

static void run_wave(void *context, int64_t shard, int thread) {
  const phase_work *work = context;
  lub_trainer *t = work->t;
  int64_t first, last;
  lub_shard_range(t->n, t->nshards, (int)shard, &first, &last);
  first += t->cursor;
  if (first + work->samples < last) last = first + work->samples;
  const lub_segment *now = &t->now->segment[work->segment];
  const bool turns = work->segment == t->now->nsegments - 1 && t->goes_back; /* the way back begins here */
  const int64_t floats = t->now->shard_floats;
  if (turns && t->cursor == 0) memset(t->shards + shard * floats, 0, sizeof(float) * (size_t)floats);
  for (int64_t sample = first; sample < last; sample++) {
    if (work->segment == t->now->nsegments - 1) {
      last_segment(t, (int)shard, thread, sample);
    } else if (work->back) {
      for (int s = now->last - 1; s >= now->first; s--)
        backward_stage(t, s, thread, sample, 1, t->shards + shard * t->now->shard_floats);
    } else {
      for (int s = now->first; s < now->last; s++) {
        lub_stage_pass pass = pass_of(t, s, thread, sample, 1);
        t->now->plan->stage[s].kind->forward(&t->now->plan->stage[s], &pass);
      }
    }
  }
}

typedef struct band_work {
  const lub_trainer *t;
  int stage;
  int64_t bands;
} band_work;

static void run_band(void *context, int64_t band, int thread) {
  const band_work *work = context;
  const lub_stage *stage = &work->t->now->plan->stage[work->stage];
  lub_stage_pass pass = pass_of(work->t, work->stage, 0, 0, 1);
  pass.scratch = (float *)pass.scratch + thread * pass.scratch_step;
  pass.band = band, pass.bands = work->bands;
  stage->kind->forward(stage, &pass);
}

/* The forward pass of a batch of one, which the threads share stage by stage. */
static void run_one_sample(const lub_trainer *t, const lub_segment *now) {
  for (int s = now->first; s < now->last; s++) {
    const lub_stage *stage = &t->now->plan->stage[s];
    band_work work = {.t = t, .stage = s, .bands = stage->kind->bands ? stage->kind->bands(stage, t->threads) : 1};
    if (work.bands > 1) {
      lub_parallel(work.bands, t->threads, run_band, &work);
    } else {
      lub_stage_pass pass = pass_of(t, s, 0, 0, 1);
      stage->kind->forward(stage, &pass);
    }
  }
}

/* Does one part of a stage that takes the whole batch; true after the last. */
static bool run_whole(lub_trainer *t, int s, bool back) {
  const lub_stage *stage = &t->now->plan->stage[s];
  if (back) {
    backward_stage(t, s, 0, 0, t->n, t->whole);
  } else {
    lub_stage_pass pass = pass_of(t, s, 0, 0, t->n);
    stage->kind->forward(stage, &pass);
  }
  if (!stage->kind->parts || ++t->cursor == stage->kind->parts(stage, t->n)) t->cursor = 0;
  return t->cursor == 0;
}

static void sum_range(void *context, int64_t chunk, int thread) {
  (void)thread;
  lub_trainer *t = context;
  int64_t first = chunk * 4096, last = first + 4096;
  const int64_t floats = t->now->shard_floats;
  lub_sum_shards(t->shards, t->shards, t->nshards, floats, first, last < floats ? last : floats);
}

static void move_weights(lub_trainer *t) {
  const lub_nn_plan *plan = t->now->plan;
  lub_parallel((t->now->shard_floats + 4095) / 4096, t->threads, sum_range, t);
  lub_weights_clear_gradients(&t->model);
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    if (stage->gradient_size == 0) continue;
    const float *packed = (stage->kind->whole_batch ? t->whole : t->shards) + t->now->packed_at[s];
    lub_weights_add_gradient(&t->model, stage, packed);
  }
  for (int s = 0; s < plan->nstages; s++)
    if (plan->stage[s].kind->finish) plan->stage[s].kind->finish(&plan->stage[s]);
  t->iterations++;
  lub_weights_move(&t->model, t->optimizer, t->options, t->iterations);
}

/* Runs one wave of a phase, or all of it where it cannot be cut; moves on to the next phase when it is done. */
static void run_phase(lub_trainer *t) {
  const int n = t->now->nsegments;
  const bool back = t->phase >= n;
  const int number = back ? 2 * n - 2 - t->phase : t->phase;
  if (number < 0) {
    move_weights(t);
    t->phase++;
    return;
  }
  if (t->now->segment[number].whole) {
    if (run_whole(t, t->now->segment[number].first, back)) t->phase++;
    return;
  }
  if (t->mode == LUB_PREDICT && t->n == 1 && t->threads > 1) {
    run_one_sample(t, &t->now->segment[number]);
    t->phase++;
    return;
  }
  int64_t longest = (t->n + t->nshards - 1) / t->nshards;
  phase_work work = {.t = t, .segment = number, .back = back, .samples = 1};
  if (t->sample_seconds > 0)
    work.samples = (int64_t)(CALL_SECONDS / (t->sample_seconds * t->nshards / t->threads));
  if (work.samples < 1) work.samples = 1;
  if (work.samples > longest - t->cursor) work.samples = longest - t->cursor;
  double start = lub_clock();
  lub_parallel(t->nshards, t->threads, run_wave, &work);
  double seconds = (lub_clock() - start) * t->threads / (double)(work.samples * t->nshards);
  t->sample_seconds = t->sample_seconds > 0 ? 0.5 * (t->sample_seconds + seconds) : seconds;
  t->cursor += work.samples;
  if (t->cursor < longest) return;
  t->cursor = 0;
  t->phase++;
}

bool lub_trainer_advance(lub_trainer *t) {
  if (!t->running) return true;
  const int n = t->now->nsegments, phases = t->mode == LUB_TRAIN ? 2 * n : t->goes_back ? 2 * n - 1 : n;
  lub_blas_enter();
  const double start = lub_clock();
  while (t->phase < phases && lub_clock() - start < 0.5 * CALL_SECONDS) run_phase(t);
  lub_blas_leave();
  if (t->phase < phases) return false;
  t->running = false;
  t->result = lub_sum_doubles(t->loss_sum, t->nshards) / (double)t->n + t->penalty;
  return true;
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
