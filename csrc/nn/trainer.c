#include "nn/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/sum.h"
#include "tensor/blas.h"

/* A run of stages; `whole` is one stage that takes the batch in one call. */
typedef struct segment {
  int first, last; /* stages first .. last - 1; the last segment may be empty, but for the loss */
  bool whole;
} segment;

/* Where a stage's or value's array lives: in a thread's block (one sample), or in the batch's (n samples). */
typedef struct place {
  bool batch;
  int64_t at; /* floats from the block's start; of the batch's: per sample, times n */
} place;

/* One trainable weight. */
typedef struct weight {
  lub_layer *layer;
  int param;
  float *gradient;
  float *slot[LUB_MAX_SLOTS];
} weight;

struct lub_trainer {
  lub_nn_plan *plan;
  lub_loss loss;
  const lub_optimizer_kind *optimizer;
  const void *options;
  int64_t iterations;
  uint64_t seed;

  int nsegments, nweights;
  segment *segment;
  weight *weight;
  place *value, *gradient, *saved; /* gradient and value by value, saved by stage */
  int64_t *packed_at;              /* by stage: place of its packed gradient in a shard, or behind all shards */
  int64_t thread_floats, batch_floats, shard_floats, whole_floats;
  int64_t scratch_at;              /* in a thread's block */
  int64_t cleared_floats;          /* of batch_floats: values and gradients, in front of what stages save */

  float *arena, *thread_block, *batch_block, *shards, *whole;
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

/* === layout === */

static lub_status split_segments(lub_trainer *t, lub_error *err) {
  const lub_nn_plan *plan = t->plan;
  t->segment = calloc((size_t)plan->nstages * 2 + 1, sizeof(segment));
  if (!t->segment) return lub_nomem(err, "trainer", sizeof(segment));
  segment *now = t->segment;
  for (int s = 0; s < plan->nstages; s++) {
    if (!plan->stage[s].kind->whole_batch) {
      now->last = s + 1;
      continue;
    }
    if (now->last > now->first) now++;
    *now = (segment){.first = s, .last = s + 1, .whole = true};
    *++now = (segment){.first = s + 1, .last = s + 1};
  }
  t->nsegments = (int)(now - t->segment) + 1;
  return LUB_OK;
}

static int64_t take(int64_t *total, int64_t floats) {
  int64_t at = *total;
  *total += lub_round_up(floats, 16);
  return at;
}

/* A value is the batch's where stages before the last segment touch it. */
static void lay_out(lub_trainer *t) {
  const lub_nn_plan *plan = t->plan;
  const int last_first = t->segment[t->nsegments - 1].first;
  for (int s = 0; s < last_first; s++) {
    const lub_stage *stage = &plan->stage[s];
    for (int k = 0; k < stage->ninputs; k++) t->value[stage->input[k]].batch = true;
    t->value[stage->output].batch = true;
  }
  for (int v = 1; v < plan->nvalues; v++) {
    bool batch = t->value[v].batch;
    int64_t *total = batch ? &t->batch_floats : &t->thread_floats, size = plan->value[v].size;
    t->gradient[v].batch = batch;
    /* the batch's places count per sample, unaligned, so that they scale with n */
    if (v != plan->output) t->value[v].at = batch ? (*total += size) - size : take(total, size);
    t->gradient[v].at = batch ? (*total += size) - size : take(total, size);
  }
  t->cleared_floats = t->batch_floats;
  size_t scratch = 0;
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    int64_t saved = ((int64_t)stage->saved_size + 3) / 4;
    t->saved[s].batch = s < last_first;
    t->saved[s].at = s < last_first ? (t->batch_floats += saved) - saved : take(&t->thread_floats, saved);
    t->packed_at[s] = take(stage->kind->whole_batch ? &t->whole_floats : &t->shard_floats, stage->gradient_size);
    if (stage->scratch_size > scratch) scratch = stage->scratch_size;
  }
  t->scratch_at = take(&t->thread_floats, (int64_t)(scratch + 3) / 4);
}

static lub_status find_weights(lub_trainer *t, lub_error *err) {
  const lub_nn_plan *plan = t->plan;
  t->weight = calloc((size_t)plan->nstages * LUB_MAX_FUSED * LUB_MAX_PARAMS + 1, sizeof(weight));
  if (!t->weight) return lub_nomem(err, "trainer", sizeof(weight));
  for (int s = 0; s < plan->nstages; s++)
    for (int j = 0; j < plan->stage[s].nlayers; j++) {
      lub_layer *layer = plan->stage[s].layer[j];
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

lub_status lub_trainer_new(const lub_node *nodes, int n, const lub_shape *input, const lub_loss *loss, bool reference,
                           lub_trainer **trainer, lub_error *err) {
  *trainer = NULL;
  lub_trainer *t = calloc(1, sizeof *t);
  if (!t) return lub_nomem(err, "trainer", sizeof *t);
  if (loss) t->loss = *loss;
  lub_status status = lub_nn_plan_new(nodes, n, input, reference, &t->plan, err);
  if (status == LUB_OK) {
    size_t values = (size_t)t->plan->nvalues, stages = (size_t)t->plan->nstages + 1;
    t->value = calloc(values, sizeof(place));
    t->gradient = calloc(values, sizeof(place));
    t->saved = calloc(stages, sizeof(place));
    t->packed_at = calloc(stages, sizeof(int64_t));
    if (!t->value || !t->gradient || !t->saved || !t->packed_at) status = lub_nomem(err, "trainer", (double)values * sizeof(place));
  }
  if (status == LUB_OK) status = split_segments(t, err);
  if (status == LUB_OK) status = find_weights(t, err);
  if (status == LUB_OK) {
    lay_out(t);
    *trainer = t;
  } else {
    lub_trainer_free(t);
  }
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
  lub_nn_plan_free(t->plan);
  free(t->segment);
  free(t->weight);
  free(t->value);
  free(t->gradient);
  free(t->saved);
  free(t->packed_at);
  free(t->arena);
  free(t);
}

/* === one sample === */

static float *array_of(const lub_trainer *t, const place *where, int64_t size, int thread, int64_t sample) {
  if (where->batch) return t->batch_block + where->at * t->n + sample * size;
  return t->thread_block + thread * t->thread_floats + where->at;
}

static float *value_of(const lub_trainer *t, int v, int thread, int64_t sample) {
  int64_t size = t->plan->value[v].size;
  if (v == 0) return (float *)(uintptr_t)(t->x + sample * size); /* stages only read it */
  if (v == t->plan->output) return t->outputs + sample * size;
  return array_of(t, &t->value[v], size, thread, sample);
}

static float *gradient_of(const lub_trainer *t, int v, int thread, int64_t sample) {
  if (!t->plan->value[v].wants_gradient) return NULL;
  return array_of(t, &t->gradient[v], t->plan->value[v].size, thread, sample);
}

static lub_stage_pass pass_of(const lub_trainer *t, int s, int thread, int64_t sample, int64_t count) {
  const lub_stage *stage = &t->plan->stage[s];
  int64_t saved = ((int64_t)stage->saved_size + 3) / 4;
  lub_stage_pass pass = {.training = t->mode == LUB_TRAIN, .key = t->key, .sample = sample, .count = count};
  if (stage->kind->parts) pass.part = t->cursor;
  for (int k = 0; k < stage->ninputs; k++) pass.x[k] = value_of(t, stage->input[k], thread, sample);
  pass.y = value_of(t, stage->output, thread, sample);
  pass.saved = array_of(t, &t->saved[s], saved, thread, sample);
  pass.scratch = t->thread_block + thread * t->thread_floats + t->scratch_at;
  return pass;
}

static void backward_stage(const lub_trainer *t, int s, int thread, int64_t sample, int64_t count, float *gradient) {
  const lub_stage *stage = &t->plan->stage[s];
  lub_stage_pass pass = pass_of(t, s, thread, sample, count);
  pass.gy = gradient_of(t, stage->output, thread, sample);
  if (!pass.gy) return;
  for (int k = 0; k < stage->ninputs; k++) pass.gx[k] = gradient_of(t, stage->input[k], thread, sample);
  pass.gradient = gradient + t->packed_at[s];
  stage->kind->backward(stage, &pass);
}

/* The loss of one sample, and its gradient where training. Returns how many stages backward starts behind. */
static int apply_loss(lub_trainer *t, int shard, int thread, int64_t sample) {
  const lub_nn_plan *plan = t->plan;
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
  const segment *now = &t->segment[t->nsegments - 1];
  const lub_nn_plan *plan = t->plan;
  for (int s = now->first; s < now->last; s++) {
    lub_stage_pass pass = pass_of(t, s, thread, sample, 1);
    plan->stage[s].kind->forward(&plan->stage[s], &pass);
    /* a thread's gradients are cleared here; the batch's were in begin() */
    float *g = gradient_of(t, plan->stage[s].output, thread, sample);
    if (t->mode == LUB_TRAIN && g && !t->gradient[plan->stage[s].output].batch)
      memset(g, 0, sizeof(float) * (size_t)plan->value[plan->stage[s].output].size);
  }
  if (t->mode == LUB_PREDICT) return;
  int behind = apply_loss(t, shard, thread, sample);
  if (t->mode != LUB_TRAIN) return;
  for (int s = behind - 1; s >= now->first; s--)
    backward_stage(t, s, thread, sample, 1, t->shards + shard * t->shard_floats);
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
  const segment *now = &t->segment[work->segment];
  for (int64_t sample = first; sample < last; sample++) {
    if (work->segment == t->nsegments - 1) {
      last_segment(t, (int)shard, thread, sample);
    } else if (work->back) {
      for (int s = now->last - 1; s >= now->first; s--)
        backward_stage(t, s, thread, sample, 1, t->shards + shard * t->shard_floats);
    } else {
      for (int s = now->first; s < now->last; s++) {
        lub_stage_pass pass = pass_of(t, s, thread, sample, 1);
        t->plan->stage[s].kind->forward(&t->plan->stage[s], &pass);
      }
    }
  }
}

/* Does one part of a stage that takes the whole batch; true after the last. */
static bool run_whole(lub_trainer *t, int s, bool back) {
  const lub_stage *stage = &t->plan->stage[s];
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
  lub_sum_shards(t->shards, t->shards, t->nshards, t->shard_floats, first, last < t->shard_floats ? last : t->shard_floats);
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
  const lub_nn_plan *plan = t->plan;
  lub_parallel((t->shard_floats + 4095) / 4096, t->threads, sum_range, t);
  for (int w = 0; w < t->nweights; w++)
    memset(t->weight[w].gradient, 0, sizeof(float) * (size_t)lub_param_size(&t->weight[w].layer->param[t->weight[w].param]));
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    if (stage->gradient_size == 0) continue;
    float *gparam[LUB_MAX_FUSED][LUB_MAX_PARAMS];
    for (int j = 0; j < stage->nlayers; j++)
      for (int w = 0; w < t->nweights; w++)
        if (t->weight[w].layer == stage->layer[j]) gparam[j][t->weight[w].param] = t->weight[w].gradient;
    const float *packed = (stage->kind->whole_batch ? t->whole : t->shards) + t->packed_at[s];
    stage->kind->add_gradient(stage, packed, (float *const(*)[LUB_MAX_PARAMS])gparam);
  }
  t->iterations++;
  double squares = 0;
  for (int w = 0; w < t->nweights; w++) {
    if (!trains(&t->weight[w])) continue;
    const lub_param *param = &t->weight[w].layer->param[t->weight[w].param];
    lub_penalty_gradient(param->regularizer, param->value, t->weight[w].gradient, lub_param_size(param));
    if (lub_optimizer_wants_squares(t->options)) squares += lub_square_sum(t->weight[w].gradient, lub_param_size(param));
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
  const int n = t->nsegments;
  const bool back = t->phase >= n;
  const int number = back ? 2 * n - 2 - t->phase : t->phase;
  if (number < 0) {
    move_weights(t);
    t->phase++;
    return;
  }
  if (t->segment[number].whole) {
    if (run_whole(t, t->segment[number].first, back)) t->phase++;
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
  const int phases = t->mode == LUB_TRAIN ? 2 * t->nsegments : t->nsegments;
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
  int64_t most = SHARD_BYTES / (int64_t)sizeof(float) / (t->shard_floats > 0 ? t->shard_floats : 1);
  t->nshards = lub_shards(t->n, most < LUB_MAX_SHARDS ? (int)most : LUB_MAX_SHARDS);
  t->threads = lub_num_threads();
  if (t->threads > t->nshards) t->threads = t->nshards;
  int64_t threads = t->threads * t->thread_floats, batch = lub_round_up(t->batch_floats * t->n, 16);
  int64_t floats = threads + batch + (training ? t->nshards * t->shard_floats + t->whole_floats : 0);
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
  t->shards = t->batch_block + batch;
  t->whole = t->shards + t->nshards * t->shard_floats;
  if (training) {
    memset(t->batch_block, 0, sizeof(float) * (size_t)(t->cleared_floats * t->n));
    memset(t->shards, 0, sizeof(float) * (size_t)(floats - threads - batch));
  }
  return LUB_OK;
}

lub_status lub_trainer_begin(lub_trainer *t, lub_mode mode, const float *x, const float *y, const float *weights,
                             float *outputs, int64_t n, lub_error *err) {
  t->running = false;
  if (mode != LUB_PREDICT && !t->loss.kind) return lub_fail(err, LUB_EARG, "trainer: it has no loss");
  if (mode == LUB_TRAIN && !t->optimizer) return lub_fail(err, LUB_EARG, "trainer: it has no optimizer");
  t->mode = mode;
  t->n = n;
  lub_status status = make_arena(t, err);
  if (status == LUB_OK && mode == LUB_TRAIN) status = make_slots(t, err);
  if (status != LUB_OK) return status;
  for (int s = 0; s < t->plan->nstages; s++)
    if (t->plan->stage[s].kind->pack) t->plan->stage[s].kind->pack(&t->plan->stage[s]);
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

const lub_nn_plan *lub_trainer_plan(const lub_trainer *t) { return t->plan; }
double lub_trainer_loss(const lub_trainer *t) { return t->result; }
int64_t lub_trainer_iterations(const lub_trainer *t) { return t->iterations; }
void lub_trainer_set_iterations(lub_trainer *t, int64_t iterations) { t->iterations = iterations; }
uint64_t lub_trainer_seed(const lub_trainer *t) { return t->seed; }
void lub_trainer_set_seed(lub_trainer *t, uint64_t seed) { t->seed = seed; }
int64_t lub_trainer_allocations(const lub_trainer *t) { return t->allocations; }
double lub_trainer_bytes(const lub_trainer *t) { return 4.0 * (double)t->arena_floats; }

const lub_loss *lub_trainer_loss_function(const lub_trainer *t) { return &t->loss; }

lub_shape lub_trainer_targets(const lub_trainer *t) {
  return t->loss.kind ? lub_loss_target_shape(t->loss.kind, &t->plan->output_shape) : t->plan->output_shape;
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
