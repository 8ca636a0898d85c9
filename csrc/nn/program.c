#include "nn/program.h"

#include <stdlib.h>

#include "base/fence.h"
#include "base/memory.h"

int64_t lub_saved_floats(const lub_stage *stage) { return ((int64_t)stage->saved_size + 3) / 4; }

static void split_segments(lub_program *p) {
  const lub_nn_plan *plan = p->plan;
  lub_segment *now = p->segment;
  for (int s = 0; s < plan->nstages; s++) {
    if (!plan->stage[s].kind->whole_batch) {
      now->last = s + 1;
      continue;
    }
    if (now->last > now->first) now++;
    *now = (lub_segment){.first = s, .last = s + 1, .whole = true};
    *++now = (lub_segment){.first = s + 1, .last = s + 1};
  }
  p->nsegments = (int)(now - p->segment) + 1;
}

static int64_t take(int64_t *total, int64_t floats, bool aligned) {
  int64_t at = *total;
  *total += aligned ? lub_round_up(floats, 16) : floats;
  return at;
}

/* Which gradients come from one stage alone, and one that can store: neither from other readers nor from outside. */
static void find_stored(lub_program *p) {
  const lub_nn_plan *plan = p->plan;
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    for (int k = 0; k < stage->ninputs; k++) {
      const int v = stage->input[k];
      lub_place *g = &p->gradient[v];
      g->stored = !g->read && stage->kind->stores_gradient && v >= plan->ninputs && v != plan->tap &&
                  plan->value[v].outside < 0;
      g->read = true;
    }
  }
}

/* The batch's places are not aligned, so that they scale with the batch's size. */
static void lay_out(lub_program *p, bool goes_back) {
  const lub_nn_plan *plan = p->plan;
  const int last_first = p->segment[p->nsegments - 1].first;
  for (int s = 0; s < last_first; s++) {
    const lub_stage *stage = &plan->stage[s];
    for (int k = 0; k < stage->ninputs; k++) p->value[stage->input[k]].batch = true;
    p->value[stage->output].batch = true;
  }
  for (int v = plan->ninputs; v < plan->nvalues; v++) {
    const bool batch = p->value[v].batch;
    const int64_t size = plan->value[v].size;
    if (plan->value[v].outside < 0) p->value[v].at = take(batch ? &p->batch_floats : &p->thread_floats, size, !batch);
    if (!goes_back || !plan->value[v].wants_gradient || v == plan->tap) continue;
    p->gradient[v].batch = batch;
    p->gradient[v].at = take(batch ? &p->gradient_floats : &p->thread_floats, size, !batch);
  }
  size_t scratch = 0;
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    const bool batch = s < last_first;
    p->saved[s].batch = batch;
    p->saved[s].at = take(batch ? &p->batch_floats : &p->thread_floats, lub_saved_floats(stage), !batch);
    if (goes_back)
      p->packed_at[s] = take(stage->kind->whole_batch ? &p->whole_floats : &p->shard_floats, stage->gradient_size, true);
    if (stage->scratch_size > scratch) scratch = stage->scratch_size;
  }
  p->scratch_at = take(&p->thread_floats, (int64_t)(scratch + LUB_FENCE + 3) / 4, true);
}

lub_status lub_program_new(const lub_graph *graph, lub_purpose purpose, lub_program **program, lub_error *err) {
  *program = NULL;
  lub_program *p = calloc(1, sizeof *p);
  if (!p) return lub_nomem(err, "program", sizeof *p);
  lub_status status = lub_nn_plan_new(graph, purpose, &p->plan, err);
  if (status == LUB_OK) {
    const size_t values = (size_t)p->plan->nvalues, stages = (size_t)p->plan->nstages + 1;
    p->segment = calloc(2 * stages, sizeof *p->segment);
    p->value = calloc(values, sizeof *p->value);
    p->gradient = calloc(values, sizeof *p->gradient);
    p->saved = calloc(stages, sizeof *p->saved);
    p->packed_at = calloc(stages, sizeof *p->packed_at);
    if (!p->segment || !p->value || !p->gradient || !p->saved || !p->packed_at)
      status = lub_nomem(err, "program", (double)(values * sizeof *p->value));
  }
  if (status != LUB_OK) {
    lub_program_free(p);
    return status;
  }
  split_segments(p);
  find_stored(p);
  lay_out(p, purpose.training || purpose.gradient);
  *program = p;
  return LUB_OK;
}

void lub_program_free(lub_program *p) {
  if (!p) return;
  lub_nn_plan_free(p->plan);
  free(p->segment);
  free(p->value);
  free(p->gradient);
  free(p->saved);
  free(p->packed_at);
  free(p);
}
