/* LSTM, GRU (reset_after) and Bidirectional for the whole batch. Samples go in fixed groups through all steps, and a
 * step of a group is one product of matrices and one pass over its gates. For that a sample's row at a step holds all
 * that the product needs: h of the step before, x, and 1 for the bias; and the weights stand in one matrix below each
 * other. GRU's candidate has a column for what comes from x and one for what comes from h, so that both cells have four
 * parts.
 *
 * Units are padded to a multiple of 16 with zeros in every variant, and groups depend on the number of samples alone:
 * the same bits for any number of threads, and on AVX2 and AVX-512. A direction's gradient is summed over the
 * groups of a shard one after another, and over the shards in order (base/sum.h). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/sum.h"
#include "nn/kernels/kernels.h"
#include "nn/stages/recurrent.h"

/* Samples of a group; floats of gradient over all shards, if that leaves LEAST_SHARDS. */
enum { GROUP = 16, LANES = 16, LEAST_SHARDS = 4, SHARD_FLOATS = 16 << 20 };

/* About how many multiplications one call should do. */
#define CALL_WORK 1e9

/* === weights === */

/* Where gate number `gate` of a weight stands among the parts. GRU's third gate: from x in part 2, from h in part 3. */
static int part_of(const lub_cell *cell, bool from_h, int gate) {
  return cell == &lub_gru_cell && gate == 2 && from_h ? 3 : gate;
}

/* What `visit` is called for: all weights of a direction, units in runs. */
typedef void visitor(float *in_matrix, float *in_layer, int64_t n);

static void visit_weights(const lub_track *t, const lub_recurrence *r, int k, float *matrix, float *const *values,
                          visitor *visit) {
  const lub_direction *d = &r->direction[k];
  const int64_t columns = d->cell->gates * r->units;
  const int rows = d->cell->bias_rows(d->options);
  for (int gate = 0; gate < d->cell->gates; gate++) {
    float *from_x = matrix + part_of(d->cell, false, gate) * t->lanes,
          *from_h = matrix + part_of(d->cell, true, gate) * t->lanes;
    const int64_t wide = LUB_GATE_PARTS * t->lanes, at = gate * r->units;
    for (int64_t j = 0; j < r->features; j++)
      visit(from_x + (t->lanes + j) * wide, values[0] + j * columns + at, r->units);
    for (int64_t u = 0; u < r->units; u++) visit(from_h + u * wide, values[1] + u * columns + at, r->units);
    for (int b = 0; d->options->use_bias && b < rows; b++)
      visit((b == 0 ? from_x : from_h) + (t->terms - 1) * wide, values[2] + b * columns + at, r->units);
  }
}

static void add_to_matrix(float *in_matrix, float *in_layer, int64_t n) {
  for (int64_t i = 0; i < n; i++) in_matrix[i] += in_layer[i];
}

static void add_to_layer(float *in_matrix, float *in_layer, int64_t n) {
  for (int64_t i = 0; i < n; i++) in_layer[i] += in_matrix[i];
}

/* Packs a matrix of `terms` rows and `lanes` columns for the kernels; element (term, lane) is found at term * down +
 * lane * across. Beyond `filled` lanes there are zeros. */
static void pack_matrix(float *packed, const float *matrix, int64_t terms, int64_t lanes, int64_t filled, int64_t down,
                        int64_t across, int vector) {
  for (int64_t first = 0; first < lanes; first += 2 * vector) {
    const int64_t width = lanes - first < 2 * vector ? lanes - first : 2 * vector;
    for (int64_t term = 0; term < terms; term++)
      for (int64_t lane = first; lane < first + width; lane++)
        *packed++ = lane < filled ? matrix[term * down + lane * across] : 0;
  }
}

static int shards_at_once(const lub_recurrent_state *s) {
  double work = 0;
  for (int k = 0; k < s->r.count; k++)
    work += (double)GROUP * (double)s->r.steps * (double)s->track[k].terms * LUB_GATE_PARTS * (double)s->track[k].lanes;
  const double n = CALL_WORK / work;
  return n > LUB_MAX_SHARDS ? LUB_MAX_SHARDS : n > lub_num_threads() ? (int)n : lub_num_threads();
}

static void pack(lub_stage *stage) {
  lub_recurrent_state *s = stage->state;
  const lub_layer *layer = stage->layer[0];
  s->at_once = shards_at_once(s);
  if (stage->version[0] == layer->version) return;
  const int vector = lub_nn_kernels_now()->vector;
  for (int k = 0; k < s->r.count; k++) {
    const lub_track *t = &s->track[k];
    const int64_t wide = LUB_GATE_PARTS * t->lanes;
    float *values[3];
    for (int p = 0; p < lub_direction_params(&s->r.direction[k]); p++)
      values[p] = layer->param[s->r.direction[k].first_param + p].value;
    memset(t->matrix, 0, sizeof(float) * (size_t)(t->terms * wide));
    visit_weights(t, &s->r, k, t->matrix, values, add_to_matrix);
    pack_matrix(t->weights, t->matrix, t->terms, wide, wide, wide, 1, vector);
    pack_matrix(t->to_state, t->matrix, wide, t->lanes, t->lanes, 1, wide, vector);
    pack_matrix(t->to_input, t->matrix + t->lanes * wide, wide, t->input_lanes, s->r.features, 1, wide, vector);
  }
  stage->version[0] = layer->version;
}

/* === the batch === */

static int64_t groups_of(int64_t samples) { return (samples + GROUP - 1) / GROUP; }

static lub_recurrent_group group_number(const lub_stage *stage, const lub_stage_pass *pass, int64_t number) {
  const lub_recurrent_state *s = stage->state;
  lub_recurrent_group g = {.stage = stage, .s = s, .pass = pass, .first = number * GROUP};
  g.count = pass->count - g.first < GROUP ? pass->count - g.first : GROUP;
  uintptr_t at = (uintptr_t)((float *)pass->saved + g.first * s->sample_floats);
  g.block =
      (float *)((at + LUB_ALIGN - 1) / LUB_ALIGN * LUB_ALIGN); /* every sample brings a vector more than it needs */
  return g;
}

/* A part of the batch is a round: group number `round` of some of the shards. */
typedef struct part {
  const lub_stage *stage;
  const lub_stage_pass *pass;
  int shards;
  int64_t round, first; /* the first shard */
  bool back;
} part;

static void run_chunk(void *context, int64_t chunk, int thread) {
  (void)thread;
  const part *p = context;
  const lub_recurrent_state *s = p->stage->state;
  const int shard = (int)(p->first + chunk);
  int64_t first, last;
  lub_shard_range(groups_of(p->pass->count), p->shards, shard, &first, &last);
  if (first + p->round >= last) return;
  const lub_recurrent_group g = group_number(p->stage, p->pass, first + p->round);
  if (p->back) lub_recurrent_run_back(&g, p->pass->gradient + shard * s->shard_floats);
  else lub_recurrent_run(&g);
}

static int shards_of(const lub_recurrent_state *s, int64_t samples) {
  return lub_shards(groups_of(samples), s->most_shards);
}

static int64_t parts(const lub_stage *stage, int64_t samples) {
  const lub_recurrent_state *s = stage->state;
  const int shards = shards_of(s, samples);
  const int64_t rounds = (groups_of(samples) + shards - 1) / shards;
  return rounds * ((shards + s->at_once - 1) / s->at_once);
}

static part part_of_pass(const lub_stage *stage, const lub_stage_pass *pass, int64_t *chunks) {
  const lub_recurrent_state *s = stage->state;
  part p = {.stage = stage, .pass = pass, .shards = shards_of(s, pass->count)};
  const int64_t at_once = s->at_once, per_round = (p.shards + at_once - 1) / at_once;
  p.round = pass->part / per_round;
  p.first = pass->part % per_round * at_once;
  *chunks = p.shards - p.first < at_once ? p.shards - p.first : at_once;
  return p;
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  int64_t chunks;
  part p = part_of_pass(stage, pass, &chunks);
  lub_parallel(chunks, pass->threads, run_chunk, &p);
}

typedef struct sum_work {
  float *gradient;
  int shards;
  int64_t floats;
} sum_work;

enum { SUM = 4096 };

static void sum_chunk(void *context, int64_t chunk, int thread) {
  (void)thread;
  const sum_work *work = context;
  const int64_t first = chunk * SUM, last = first + SUM < work->floats ? first + SUM : work->floats;
  lub_sum_shards(work->gradient, work->gradient, work->shards, work->floats, first, last);
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  const lub_recurrent_state *s = stage->state;
  int64_t chunks;
  part p = part_of_pass(stage, pass, &chunks);
  p.back = true;
  lub_parallel(chunks, pass->threads, run_chunk, &p);
  if (pass->part + 1 < parts(stage, pass->count)) return;
  sum_work sum = {.gradient = pass->gradient, .shards = p.shards, .floats = s->shard_floats};
  lub_parallel((s->shard_floats + SUM - 1) / SUM, pass->threads, sum_chunk, &sum);
}

/* The first shard holds the sum. */
static void add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]) {
  const lub_recurrent_state *s = stage->state;
  const int vector = lub_nn_kernels_now()->vector;
  for (int k = 0; k < s->r.count; k++) {
    const lub_track *t = &s->track[k];
    const float *packed = gradient + t->gradient_at;
    const int64_t wide = LUB_GATE_PARTS * t->lanes;
    /* the matrix, which packing is done with, takes the gradient meanwhile */
    for (int64_t first = 0; first < wide; first += 2 * vector) {
      const int64_t width = wide - first < 2 * vector ? wide - first : 2 * vector;
      for (int64_t term = 0; term < t->terms; term++, packed += width)
        memcpy(t->matrix + term * wide + first, packed, sizeof(float) * (size_t)width);
    }
    visit_weights(t, &s->r, k, t->matrix, gparam[0] + s->r.direction[k].first_param, add_to_layer);
  }
}

/* === the stage === */

static void free_state(lub_stage *stage) {
  lub_recurrent_state *s = stage->state;
  if (!s) return;
  for (int k = 0; k < 2; k++) {
    free(s->track[k].matrix);
    free(s->track[k].weights);
    free(s->track[k].to_state);
    free(s->track[k].to_input);
  }
  free(s);
}

static const lub_stage_kind recurrent_kind = {.name = "recurrent",
                                              .whole_batch = true,
                                              .parts = parts,
                                              .pack = pack,
                                              .forward = forward,
                                              .backward = backward,
                                              .add_gradient = add_gradient,
                                              .free = free_state};

static int64_t take(int64_t *total, int64_t floats) {
  const int64_t at = *total;
  *total += lub_round_up(floats, LANES);
  return at;
}

static bool lay_out(lub_recurrent_state *s, lub_track *t) {
  const int64_t steps = s->r.steps, f = s->r.features;
  t->lanes = lub_round_up(s->r.units, LANES);
  t->terms = t->lanes + f + 1;
  t->stride = lub_round_up(t->terms, LANES);
  t->input_lanes = lub_round_up(f, LANES);
  const int64_t wide = LUB_GATE_PARTS * t->lanes;
  t->rows_at = take(&s->sample_floats, (steps + 1) * t->stride);
  t->gates_at = take(&s->sample_floats, steps * wide);
  t->cells_at = take(&s->sample_floats, (steps + 1) * t->lanes);
  t->mask_at = take(&s->sample_floats, f);
  t->gh_at = take(&s->sample_floats, t->lanes);
  t->carry_at = take(&s->sample_floats, t->lanes);
  t->gz_at = take(&s->sample_floats, LUB_STEP_CHUNK * wide);
  t->gx_at = take(&s->sample_floats, t->input_lanes);
  t->gradient_at = take(&s->shard_floats, t->terms * wide);
  t->matrix = lub_alloc(sizeof(float) * (size_t)(t->terms * wide));
  t->weights = lub_alloc(sizeof(float) * (size_t)(t->terms * wide));
  t->to_state = lub_alloc(sizeof(float) * (size_t)(wide * t->lanes));
  t->to_input = lub_alloc(sizeof(float) * (size_t)(wide * t->input_lanes));
  return t->matrix && t->weights && t->to_state && t->to_input;
}

static bool has_fast_gates(const lub_direction *d) {
  if (d->cell == &lub_gru_cell && !((const lub_gru_options *)(const void *)d->options)->reset_after) return false;
  const lub_activation both[] = {lub_recurrent_function(d->options->activation),
                                 lub_recurrent_function(d->options->recurrent_activation)};
  for (int i = 0; i < 2; i++)
    if (both[i] != LUB_LINEAR && both[i] != LUB_RELU && both[i] != LUB_SIGMOID && both[i] != LUB_TANH &&
        both[i] != LUB_HARD_SIGMOID && both[i] != LUB_KERAS2_HARD_SIGMOID)
      return false;
  return true;
}

bool lub_recurrent_is_fast(const lub_layer *layer) {
  if (layer->kind != &lub_lstm_kind && layer->kind != &lub_gru_kind && layer->kind != &lub_bidirectional_kind)
    return false;
  const lub_recurrence r = lub_recurrence_of(layer, NULL);
  bool fast = true;
  for (int k = 0; k < r.count; k++) fast = fast && has_fast_gates(&r.direction[k]);
  return fast;
}

lub_status lub_recurrent_stage(lub_stage *stage, lub_error *err) {
  lub_recurrent_state *s = calloc(1, sizeof *s);
  stage->kind = &recurrent_kind;
  stage->nlayers = 1;
  stage->state = s;
  if (!s) return lub_nomem(err, "recurrent", sizeof *s);
  s->r = lub_recurrence_of(stage->layer[0], stage->in);
  s->sample_floats = LANES;
  bool made = true;
  for (int k = 0; k < s->r.count; k++) made = lay_out(s, &s->track[k]) && made;
  if (!made) return lub_nomem(err, "recurrent", 8.0 * (double)s->shard_floats);
  int64_t most = SHARD_FLOATS / s->shard_floats;
  s->most_shards = most < LEAST_SHARDS ? LEAST_SHARDS : most < LUB_MAX_SHARDS ? (int)most : LUB_MAX_SHARDS;
  stage->gradient_size = s->most_shards * s->shard_floats;
  stage->saved_size = sizeof(float) * (size_t)s->sample_floats;
  stage->version[0] = stage->layer[0]->version - 1;
  return LUB_OK;
}
