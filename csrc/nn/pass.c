/* pass.c - a trainer's pass over a batch, in slices of time: samples through the segments and back, the sums over the
 * batch, and the move of the weights. */
#include <string.h>

#include "base/fence.h"
#include "base/pool.h"
#include "base/sum.h"
#include "nn/trainer_state.h"
#include "tensor/blas.h"

#define CALL_SECONDS 0.04

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

/* A thread's scratch, as much of it as the stage asked for: it is the last of the thread's block. */
static float *scratch_of(const lub_trainer *t, int s, int thread) {
  float *block = t->thread_block + thread * t->now->thread_floats, *scratch = block + t->now->scratch_at;
  const size_t room = sizeof(float) * (size_t)(t->now->thread_floats - t->now->scratch_at);
  const size_t asked = t->now->plan->stage[s].scratch_size;
  lub_allow(scratch, room);
  lub_forbid((char *)scratch + asked, room - asked);
  return scratch;
}

static lub_stage_pass pass_of(const lub_trainer *t, int s, int thread, int64_t sample, int64_t count) {
  const lub_stage *stage = &t->now->plan->stage[s];
  lub_stage_pass pass = {.training = t->mode == LUB_TRAIN, .keeps = t->goes_back, .key = t->key, .sample = sample,
                         .count = count, .threads = t->threads, .scratch_step = t->now->thread_floats};
  if (stage->kind->parts) pass.part = t->cursor;
  for (int k = 0; k < stage->ninputs; k++) pass.x[k] = value_of(t, stage->input[k], thread, sample);
  pass.y = value_of(t, stage->output, thread, sample);
  pass.saved = array_of(t, &t->now->saved[s], t->batch_block, lub_saved_floats(stage), thread, sample);
  pass.scratch = scratch_of(t, s, thread);
  if (stage->kind->whole_batch) /* it shares its work among threads itself */
    for (int other = 1; other < t->threads; other++) scratch_of(t, s, other);
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
  pass.scratch = scratch_of(work->t, work->stage, thread);
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
