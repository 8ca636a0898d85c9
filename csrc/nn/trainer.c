#include "nn/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/sum.h"
#include "nn/program.h"
#include "tensor/blas.h"

/* One trainable weight. */
typedef struct weight {
  lub_layer *layer;
  int param;
  float *gradient;
  float *slot[LUB_MAX_SLOTS];
} weight;

struct lub_trainer {
  lub_loss loss;
  const lub_optimizer_kind *optimizer;
  const void *options;
  int64_t iterations;
  uint64_t seed;
  lub_shape input;

  lub_node *node;
  int nnodes, nweights;
  weight *weight;
  lub_purpose purpose;             /* of the first program made: with a loss, for training */
  lub_program *program[2];         /* for inference, and for training: each made when it is first needed */
  const lub_program *now;          /* of the pass at hand */

  float *arena, *thread_block, *batch_block, *gradient_block, *shards, *whole;
  int64_t arena_floats, allocations;
  int threads;

  lub_mode mode;
  const float *x, *y, *weights;
  float *outputs;
  int64_t n, cursor;    /* cursor: samples of each shard, or parts of a stage, done in this phase */
  int nshards, phase;
  bool running;
  uint64_t key;
  double loss_sum[LUB_MAX_SHARDS], penalty, result, sample_seconds;
};

/* Gradient shards take at most this many bytes; a model with more weights has fewer of them. */
#define SHARD_BYTES (256 << 20)
#define CALL_SECONDS 0.04

/* === life === */

static lub_status find_weights(lub_trainer *t, lub_error *err) {
  t->weight = calloc((size_t)t->nnodes * LUB_MAX_PARAMS + 1, sizeof(weight));
  if (!t->weight) return lub_nomem(err, "trainer", sizeof(weight));
  for (int i = 0; i < t->nnodes; i++) {
    lub_layer *layer = t->node[i].layer;
    bool known = false; /* a layer that stands twice has one gradient */
    for (int w = 0; w < t->nweights; w++) known = known || t->weight[w].layer == layer;
    for (int p = 0; p < layer->nparams && !known; p++) {
      float *gradient = lub_alloc(sizeof(float) * (size_t)lub_param_size(&layer->param[p]));
      if (!gradient) return lub_nomem(err, "trainer", 4.0 * (double)lub_param_size(&layer->param[p]));
      t->weight[t->nweights++] = (weight){.layer = layer, .param = p, .gradient = gradient};
    }
  }
  return LUB_OK;
}

static lub_status need_program(lub_trainer *t, bool training, lub_error *err) {
  lub_program **program = &t->program[training];
  if (*program) return LUB_OK;
  lub_purpose purpose = {.training = training, .reference = t->purpose.reference};
  return lub_program_new(t->node, t->nnodes, &t->input, purpose, program, err);
}

lub_status lub_trainer_new(const lub_node *nodes, int n, const lub_shape *input, const lub_loss *loss, bool reference,
                           lub_trainer **trainer, lub_error *err) {
  *trainer = NULL;
  lub_trainer *t = calloc(1, sizeof *t);
  if (!t) return lub_nomem(err, "trainer", sizeof *t);
  if (loss) t->loss = *loss;
  t->purpose = (lub_purpose){.training = loss != NULL, .reference = reference};
  t->input = *input;
  t->nnodes = n;
  t->node = malloc(sizeof(lub_node) * (size_t)(n > 0 ? n : 1));
  lub_status status = t->node ? LUB_OK : lub_nomem(err, "trainer", (double)n * sizeof(lub_node));
  if (status == LUB_OK) {
    memcpy(t->node, nodes, sizeof(lub_node) * (size_t)n);
    status = need_program(t, t->purpose.training, err);
  }
  if (status == LUB_OK) status = find_weights(t, err);
  if (status == LUB_OK) *trainer = t;
  else lub_trainer_free(t);
  return status;
}

static void free_slots(lub_trainer *t) {
  for (int w = 0; w < t->nweights; w++)
    for (int k = 0; k < LUB_MAX_SLOTS; k++) {
      free(t->weight[w].slot[k]);
      t->weight[w].slot[k] = NULL;
    }
}

void lub_trainer_free(lub_trainer *t) {
  if (!t) return;
  if (t->weight) free_slots(t);
  for (int w = 0; w < t->nweights; w++) free(t->weight[w].gradient);
  lub_program_free(t->program[0]);
  lub_program_free(t->program[1]);
  free(t->weight);
  free(t->node);
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
  int64_t size = t->now->plan->value[v].size;
  if (v == 0) return (float *)(uintptr_t)(t->x + sample * size); /* stages only read it */
  if (v == t->now->plan->output) return t->outputs + sample * size;
  return array_of(t, &t->now->value[v], t->batch_block, size, thread, sample);
}

static float *gradient_of(const lub_trainer *t, int v, int thread, int64_t sample) {
  if (t->mode != LUB_TRAIN || !t->now->plan->value[v].wants_gradient) return NULL;
  return array_of(t, &t->now->gradient[v], t->gradient_block, t->now->plan->value[v].size, thread, sample);
}

static lub_stage_pass pass_of(const lub_trainer *t, int s, int thread, int64_t sample, int64_t count) {
  const lub_stage *stage = &t->now->plan->stage[s];
  lub_stage_pass pass = {.training = t->mode == LUB_TRAIN, .key = t->key, .sample = sample, .count = count,
                         .threads = t->threads, .scratch_step = t->now->thread_floats};
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
  for (int k = 0; k < stage->ninputs; k++) pass.gx[k] = gradient_of(t, stage->input[k], thread, sample);
  pass.gradient = gradient + t->now->packed_at[s];
  stage->kind->backward(stage, &pass);
}

/* The loss of one sample, and its gradient where training. Returns how many stages backward starts behind. */
static int apply_loss(lub_trainer *t, int shard, int thread, int64_t sample) {
  const lub_nn_plan *plan = t->now->plan;
  const lub_loss_kind *loss = t->loss.kind;
  const int64_t size = plan->value[plan->output].size;
  const int64_t width = plan->output_shape.ndim > 0 ? plan->output_shape.dim[plan->output_shape.ndim - 1] : 1;
  const float *p = value_of(t, plan->output, thread, sample);
  const float *target = t->y + sample * (loss->class_numbers ? size / width : size);
  const bool uses_logits = plan->logits >= 0 && plan->final == loss->behind;
  const float *logits = uses_logits ? value_of(t, plan->logits, thread, sample) : NULL;
  const double share = t->weights ? t->weights[sample] : 1;
  t->loss_sum[shard] += share * loss->value(t->loss.options, p, logits, target, size / width, width);
  if (t->mode != LUB_TRAIN) return 0;
  float *g = gradient_of(t, uses_logits ? plan->logits : plan->output, thread, sample);
  if (g) loss->gradient(t->loss.options, p, logits, target, size / width, width, share / (double)t->n, g);
  return uses_logits ? plan->nstages - 1 : plan->nstages; /* the final activation is the last stage, and has its part */
}

static void last_segment(lub_trainer *t, int shard, int thread, int64_t sample) {
  const lub_segment *now = &t->now->segment[t->now->nsegments - 1];
  const lub_nn_plan *plan = t->now->plan;
  for (int s = now->first; s < now->last; s++) {
    lub_stage_pass pass = pass_of(t, s, thread, sample, 1);
    plan->stage[s].kind->forward(&plan->stage[s], &pass);
    /* a thread's gradients are cleared here; the batch's were in begin() */
    float *g = gradient_of(t, plan->stage[s].output, thread, sample);
    if (t->mode == LUB_TRAIN && g && !t->now->gradient[plan->stage[s].output].batch)
      memset(g, 0, sizeof(float) * (size_t)plan->value[plan->stage[s].output].size);
  }
  if (t->mode == LUB_PREDICT) return;
  int behind = apply_loss(t, shard, thread, sample);
  if (t->mode != LUB_TRAIN) return;
  for (int s = behind - 1; s >= now->first; s--)
    backward_stage(t, s, thread, sample, 1, t->shards + shard * t->now->shard_floats);
}

/* === phases === */

/* Phases 0 .. nsegments-1 go forward (the last of them also through the loss and back); while training,
 * nsegments .. 2*nsegments-2 go back through the others, and then the weights move. */
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
  lub_sum_shards(t->shards, t->shards, t->nshards, t->now->shard_floats, first, last < t->now->shard_floats ? last : t->now->shard_floats);
}

static bool trains(const weight *w) { return w->layer->trainable && w->layer->param[w->param].trainable; }

/* The penalties on the weights as they are. */
static double penalty_of(const lub_trainer *t) {
  double sum = 0;
  for (int w = 0; w < t->nweights; w++) {
    const lub_param *param = &t->weight[w].layer->param[t->weight[w].param];
    if (trains(&t->weight[w])) sum += lub_penalty(param->regularizer, param->value, lub_param_size(param));
  }
  return sum;
}

static void move_weights(lub_trainer *t) {
  const lub_nn_plan *plan = t->now->plan;
  lub_parallel((t->now->shard_floats + 4095) / 4096, t->threads, sum_range, t);
  for (int w = 0; w < t->nweights; w++)
    memset(t->weight[w].gradient, 0, sizeof(float) * (size_t)lub_param_size(&t->weight[w].layer->param[t->weight[w].param]));
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    if (stage->gradient_size == 0) continue;
    float *gparam[LUB_MAX_FUSED][LUB_MAX_PARAMS];
    for (int j = 0; j < stage->nlayers; j++)
      for (int w = 0; w < t->nweights; w++)
        if (t->weight[w].layer == stage->layer[j]) gparam[j][t->weight[w].param] = t->weight[w].gradient;
    const float *packed = (stage->kind->whole_batch ? t->whole : t->shards) + t->now->packed_at[s];
    stage->kind->add_gradient(stage, packed, (float *const(*)[LUB_MAX_PARAMS])gparam);
  }
  for (int s = 0; s < plan->nstages; s++)
    if (plan->stage[s].kind->finish) plan->stage[s].kind->finish(&plan->stage[s]);
  t->iterations++;
  double squares = 0;
  for (int w = 0; w < t->nweights; w++) {
    if (!trains(&t->weight[w])) continue;
    const lub_param *param = &t->weight[w].layer->param[t->weight[w].param];
    lub_penalty_gradient(param->regularizer, param->value, t->weight[w].gradient, lub_param_size(param));
    if (lub_optimizer_wants_squares(t->options))
      squares += lub_square_sum(t->weight[w].gradient, lub_param_size(param));
  }
  for (int w = 0; w < t->nweights; w++) {
    if (!trains(&t->weight[w])) continue;
    lub_layer *layer = t->weight[w].layer;
    lub_param *param = &layer->param[t->weight[w].param];
    lub_optimizer_step(t->optimizer, t->options, t->iterations, squares, param->value, t->weight[w].gradient,
                       t->weight[w].slot, lub_param_size(param));
    layer->version++;
  }
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
  const int phases = t->mode == LUB_TRAIN ? 2 * t->now->nsegments : t->now->nsegments;
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

static lub_status make_slots(lub_trainer *t, lub_error *err) {
  for (int w = 0; w < t->nweights; w++)
    for (int k = 0; k < lub_optimizer_slots(t->optimizer, t->options); k++) {
      int64_t n = lub_param_size(&t->weight[w].layer->param[t->weight[w].param]);
      if (t->weight[w].slot[k]) continue;
      t->weight[w].slot[k] = lub_calloc((size_t)n, sizeof(float));
      if (!t->weight[w].slot[k]) return lub_nomem(err, "trainer", 4.0 * (double)n);
    }
  return LUB_OK;
}

/* The arena: a block per thread, the batch's block, the gradient shards. It only grows. */
static lub_status make_arena(lub_trainer *t, lub_error *err) {
  const bool training = t->mode == LUB_TRAIN;
  int64_t most = SHARD_BYTES / (int64_t)sizeof(float) / (t->now->shard_floats > 0 ? t->now->shard_floats : 1);
  t->nshards = lub_shards(t->n, most < LUB_MAX_SHARDS ? (int)most : LUB_MAX_SHARDS);
  t->threads = lub_num_threads();
  if (t->threads > t->nshards) t->threads = t->nshards;
  const lub_program *p = t->now;
  int64_t threads = t->threads * p->thread_floats, batch = lub_round_up(p->batch_floats * t->n, 16);
  int64_t cleared = training ? lub_round_up(p->gradient_floats * t->n, 16) + t->nshards * p->shard_floats + p->whole_floats : 0;
  int64_t floats = threads + batch + cleared;
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
  memset(t->gradient_block, 0, sizeof(float) * (size_t)cleared);
  return LUB_OK;
}

lub_status lub_trainer_begin(lub_trainer *t, lub_mode mode, const float *x, const float *y, const float *weights,
                             float *outputs, int64_t n, lub_error *err) {
  t->running = false;
  if (mode != LUB_PREDICT && !t->loss.kind) return lub_fail(err, LUB_EARG, "trainer: it has no loss");
  if (mode == LUB_TRAIN && !t->optimizer) return lub_fail(err, LUB_EARG, "trainer: it has no optimizer");
  lub_status status = need_program(t, mode == LUB_TRAIN, err);
  if (status != LUB_OK) return status;
  t->now = t->program[mode == LUB_TRAIN];
  t->mode = mode;
  t->n = n;
  status = make_arena(t, err);
  if (status == LUB_OK && mode == LUB_TRAIN) status = make_slots(t, err);
  if (status != LUB_OK) return status;
  for (int s = 0; s < t->now->plan->nstages; s++)
    if (t->now->plan->stage[s].kind->pack) t->now->plan->stage[s].kind->pack(&t->now->plan->stage[s]);
  t->x = x, t->y = y, t->weights = weights, t->outputs = outputs;
  t->key = lub_mix(lub_mix(t->seed, 0xD0), (uint64_t)t->iterations);
  t->cursor = 0, t->phase = 0;
  memset(t->loss_sum, 0, sizeof t->loss_sum);
  t->penalty = mode == LUB_PREDICT ? 0 : penalty_of(t);
  t->running = true;
  return LUB_OK;
}

/* === what can be asked and set === */

void lub_trainer_set_optimizer(lub_trainer *t, const lub_optimizer_kind *kind, const void *options) {
  if (t->optimizer != kind) free_slots(t);
  t->optimizer = kind;
  t->options = options;
}

const lub_nn_plan *lub_trainer_plan(const lub_trainer *t) { return t->program[t->purpose.training]->plan; }
double lub_trainer_loss(const lub_trainer *t) { return t->result; }
int64_t lub_trainer_iterations(const lub_trainer *t) { return t->iterations; }
void lub_trainer_set_iterations(lub_trainer *t, int64_t iterations) { t->iterations = iterations; }
uint64_t lub_trainer_seed(const lub_trainer *t) { return t->seed; }
void lub_trainer_set_seed(lub_trainer *t, uint64_t seed) { t->seed = seed; }
int64_t lub_trainer_allocations(const lub_trainer *t) { return t->allocations; }
double lub_trainer_bytes(const lub_trainer *t) { return 4.0 * (double)t->arena_floats; }

const lub_loss *lub_trainer_loss_function(const lub_trainer *t) { return &t->loss; }

lub_shape lub_trainer_targets(const lub_trainer *t) {
  return t->loss.kind ? lub_loss_target_shape(t->loss.kind, &lub_trainer_plan(t)->output_shape) : lub_trainer_plan(t)->output_shape;
}

static int slots_of(const lub_trainer *t) { return t->optimizer ? lub_optimizer_slots(t->optimizer, t->options) : 0; }

int lub_trainer_slots(const lub_trainer *t) { return t->nweights * slots_of(t); }

float *lub_trainer_slot(lub_trainer *t, int number, const lub_param **param) {
  lub_error err;
  if (make_slots(t, &err) != LUB_OK) return NULL;
  const weight *w = &t->weight[number / slots_of(t)];
  if (param) *param = &w->layer->param[w->param];
  return w->slot[number % slots_of(t)];
}
