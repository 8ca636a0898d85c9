/* A group of samples through all steps of a recurrent layer, there and back. */
#include <string.h>

#include "nn/kernels/kernels.h"
#include "nn/stages/recurrent.h"

static int64_t input_size(const lub_recurrent_state *s) { return s->r.steps * s->r.features; }
static int64_t output_width(const lub_recurrent_state *s) {
  return s->r.merge == LUB_MERGE_CONCAT ? 2 * s->r.units : s->r.units;
}
static int64_t output_size(const lub_recurrent_state *s) { return output_width(s) * (s->r.sequences ? s->r.steps : 1); }

/* The array at `at`, at time `t` of `size` floats per sample. */
static float *array(const lub_recurrent_group *g, int64_t at, int64_t t, int64_t size) {
  return g->block + (at + t * size) * g->count;
}
static float *row(const lub_recurrent_group *g, int k, int64_t t) {
  return array(g, g->s->track[k].rows_at, t, g->s->track[k].stride);
}

/* === forward === */

/* Rows of x, times the mask; the state before the first step. */
static void load(const lub_recurrent_group *g, int k) {
  const lub_recurrence *r = &g->s->r;
  const lub_track *t = &g->s->track[k];
  memset(row(g, k, 0), 0, sizeof(float) * (size_t)(t->stride * g->count));
  memset(array(g, t->cells_at, 0, 0), 0, sizeof(float) * (size_t)(t->lanes * g->count));
  for (int64_t i = 0; i < g->count; i++) {
    float *mask = array(g, t->mask_at, 0, 0) + i * r->features;
    const float *x = g->pass->x[0] + (g->first + i) * input_size(g->s);
    lub_recurrent_mask(r, k, g->pass->training,
                       lub_stage_key(g->pass, g->stage->number[0], g->pass->sample + g->first + i), mask);
    for (int64_t step = 0; step < r->steps; step++) {
      float *to = row(g, k, step) + i * t->stride + t->lanes;
      const float *from = x + lub_recurrent_input(r, k, step) * r->features;
      for (int64_t j = 0; j < r->features; j++) to[j] = from[j] * mask[j];
      to[r->features] = 1;
    }
  }
}

static lub_gate_step gate_step(const lub_recurrent_group *g, int k, int64_t step) {
  const lub_direction *d = &g->s->r.direction[k];
  const lub_track *t = &g->s->track[k];
  return (lub_gate_step){.rows = g->count,
                         .lanes = t->lanes,
                         .stride = t->stride,
                         .activation = lub_recurrent_function(d->options->activation),
                         .recurrent_activation = lub_recurrent_function(d->options->recurrent_activation),
                         .gates = array(g, t->gates_at, step, LUB_GATE_PARTS * t->lanes),
                         .h_before = row(g, k, step),
                         .h_after = row(g, k, step + 1),
                         .c_before = array(g, t->cells_at, step, t->lanes),
                         .c_after = array(g, t->cells_at, step + 1, t->lanes)};
}

static void run_direction(const lub_recurrent_group *g, int k) {
  const lub_nn_kernels *kernels = lub_nn_kernels_now();
  const lub_track *t = &g->s->track[k];
  const bool lstm = g->s->r.direction[k].cell == &lub_lstm_cell;
  for (int64_t step = 0; step < g->s->r.steps; step++) {
    lub_gate_step gates = gate_step(g, k, step);
    kernels->convolve_row(gates.gates, g->count, LUB_GATE_PARTS * t->lanes, &gates.h_before, 1, t->terms, t->stride,
                          t->weights);
    (lstm ? kernels->lstm_step : kernels->gru_step)(&gates);
  }
}

/* What direction k gave as sample i's output at the place where step `step` of the first direction writes. */
static const float *output_of(const lub_recurrent_group *g, int k, int64_t step, int64_t i) {
  const lub_recurrence *r = &g->s->r;
  return row(g, k, (k == 1 && r->sequences ? r->steps - 1 - step : step) + 1) + i * g->s->track[k].stride;
}

static void merge(const lub_recurrent_group *g) {
  const lub_recurrence *r = &g->s->r;
  const int64_t units = r->units, width = output_width(g->s);
  for (int64_t i = 0; i < g->count; i++)
    for (int64_t step = r->sequences ? 0 : r->steps - 1; step < r->steps; step++) {
      float *y = g->pass->y + (g->first + i) * output_size(g->s) + lub_recurrent_output(r, 0, step) * width;
      const float *a = output_of(g, 0, step, i), *b = r->count > 1 ? output_of(g, 1, step, i) : NULL;
      for (int64_t u = 0; u < units; u++) switch (r->merge) {
        case LUB_MERGE_CONCAT: y[u] = a[u], y[units + u] = b[u]; break;
        case LUB_MERGE_SUM: y[u] = a[u] + b[u]; break;
        case LUB_MERGE_MUL: y[u] = a[u] * b[u]; break;
        case LUB_MERGE_AVE: y[u] = 0.5f * (a[u] + b[u]); break;
        default: y[u] = a[u];
        }
    }
}

/* === backward === */

/* Adds the outputs' gradient to gh, the gradient of h behind step number `step` of direction k. */
static void merge_back(const lub_recurrent_group *g, int k, int64_t step, float *gh) {
  const lub_recurrence *r = &g->s->r;
  const int64_t output = lub_recurrent_output(r, k, step), units = r->units, width = output_width(g->s);
  const int64_t place = k == 1 && r->sequences ? r->steps - 1 - step : step; /* the first direction's step there */
  if (output < 0) return;
  for (int64_t i = 0; i < g->count; i++, gh += g->s->track[k].lanes) {
    const float *gy = g->pass->gy + (g->first + i) * output_size(g->s) + output * width;
    const float *other = r->merge == LUB_MERGE_MUL ? output_of(g, 1 - k, place, i) : NULL;
    if (r->merge == LUB_MERGE_CONCAT) gy += k * units;
    for (int64_t u = 0; u < units; u++)
      gh[u] += other ? gy[u] * other[u] : r->merge == LUB_MERGE_AVE ? 0.5f * gy[u] : gy[u];
  }
}

static void add_input_gradient(const lub_recurrent_group *g, int k, int64_t step) {
  const lub_recurrence *r = &g->s->r;
  const lub_track *t = &g->s->track[k];
  for (int64_t i = 0; i < g->count; i++) {
    const float *from = array(g, t->gx_at, 0, 0) + i * t->input_lanes,
                *mask = array(g, t->mask_at, 0, 0) + i * r->features;
    float *to = g->pass->gx[0] + (g->first + i) * input_size(g->s) + lub_recurrent_input(r, k, step) * r->features;
    for (int64_t j = 0; j < r->features; j++) to[j] += from[j] * mask[j];
  }
}

static void run_direction_back(const lub_recurrent_group *g, int k, float *gradient) {
  const lub_nn_kernels *kernels = lub_nn_kernels_now();
  const lub_track *t = &g->s->track[k];
  const int64_t steps = g->s->r.steps, wide = LUB_GATE_PARTS * t->lanes;
  const bool lstm = g->s->r.direction[k].cell == &lub_lstm_cell;
  float *gh = array(g, t->gh_at, 0, 0), *carry = array(g, t->carry_at, 0, 0);
  memset(gh, 0, sizeof(float) * (size_t)(t->lanes * g->count));
  memset(carry, 0, sizeof(float) * (size_t)(t->lanes * g->count));
  for (int64_t step = steps - 1; step >= 0; step--) {
    const int64_t chunk = step / LUB_STEP_CHUNK * LUB_STEP_CHUNK;
    merge_back(g, k, step, gh);
    lub_gate_step gates = gate_step(g, k, step);
    gates.gh = gh, gates.carry = carry;
    const float *gz = gates.gz = array(g, t->gz_at, step - chunk, wide);
    (lstm ? kernels->lstm_step_back : kernels->gru_step_back)(&gates);
    if (step > 0) kernels->convolve_row(gh, g->count, t->lanes, &gz, 1, wide, wide, t->to_state);
    if (g->pass->gx[0]) {
      kernels->convolve_row(array(g, t->gx_at, 0, 0), g->count, t->input_lanes, &gz, 1, wide, wide, t->to_input);
      add_input_gradient(g, k, step);
    }
    if (step > chunk) continue;
    const int64_t last = chunk + LUB_STEP_CHUNK < steps ? chunk + LUB_STEP_CHUNK : steps;
    const float *rows = row(g, k, chunk);
    kernels->add_kernel_gradient(gradient, gz, (last - chunk) * g->count, wide, &rows, 1, t->terms, t->stride);
  }
}

/* === both directions === */

void lub_recurrent_run(const lub_recurrent_group *g) {
  for (int k = 0; k < g->s->r.count; k++) {
    load(g, k);
    run_direction(g, k);
  }
  merge(g);
}

void lub_recurrent_run_back(const lub_recurrent_group *g, float *shard) {
  for (int k = 0; k < g->s->r.count; k++) run_direction_back(g, k, shard + g->s->track[k].gradient_at);
}
