#include "nn/layers/merge.h"

const lub_option lub_merge_options[] = {LUB_OPTIONS_END};

lub_status lub_merged_shape(const char *name, const lub_shape *in, int n, lub_shape *out, lub_error *err) {
  *out = in[0];
  for (int k = 1; k < n; k++) {
    const lub_shape *longer = out->ndim >= in[k].ndim ? out : &in[k], *shorter = longer == out ? &in[k] : out;
    const int missing = longer->ndim - shorter->ndim;
    lub_shape merged = *longer;
    for (int i = 0; i < shorter->ndim; i++) {
      const int64_t a = longer->dim[i + missing], b = shorter->dim[i];
      if (a != b && a != 1 && b != 1) {
        char first[LUB_SHAPE_TEXT], other[LUB_SHAPE_TEXT];
        return lub_fail(err, LUB_EARG, "%s: inputs must have shapes that match, got samples of %s and %s", name,
                        lub_shape_text(out, "?", first), lub_shape_text(&in[k], "?", other));
      }
      if (a == 1) merged.dim[i + missing] = b;
    }
    *out = merged;
  }
  return LUB_OK;
}

static bool all_alike(const lub_pass *pass) {
  for (int k = 0; k < pass->ninputs; k++)
    if (!lub_shape_equal(&pass->in[k], pass->out)) return false;
  return true;
}

/* The places of the inputs at a place of the output, moved on run by run as a counter of its axes. */
typedef struct walk {
  int ndim;
  int64_t at[LUB_MAX_DIMS];
  int64_t stride[LUB_MAX_INPUTS][LUB_MAX_DIMS]; /* 0 along axes that the input is spread over */
  int64_t place[LUB_MAX_INPUTS];
} walk;

static void begin(walk *w, const lub_pass *pass) {
  *w = (walk){.ndim = pass->out->ndim};
  for (int k = 0; k < pass->ninputs; k++) {
    const lub_shape *in = &pass->in[k];
    int64_t stride = 1;
    for (int i = in->ndim - 1; i >= 0; i--) {
      w->stride[k][i + w->ndim - in->ndim] = in->dim[i] == 1 ? 0 : stride;
      stride *= in->dim[i];
    }
  }
}

static void next(walk *w, const lub_pass *pass) {
  for (int i = w->ndim - 2; i >= 0; i--) {
    w->at[i]++;
    const bool turns = w->at[i] == pass->out->dim[i];
    for (int k = 0; k < pass->ninputs; k++)
      w->place[k] += turns ? -w->stride[k][i] * (pass->out->dim[i] - 1) : w->stride[k][i];
    if (!turns) return;
    w->at[i] = 0;
  }
}

void lub_merge_each(const lub_pass *pass, bool back, void (*work)(const lub_merge_run *run)) {
  const int64_t size = lub_shape_size(pass->out);
  const bool alike = all_alike(pass);
  lub_merge_run run = {.ninputs = pass->ninputs, .n = alike ? size : pass->out->dim[pass->out->ndim - 1]};
  walk w;
  begin(&w, pass);
  for (int k = 0; k < pass->ninputs; k++) run.step[k] = alike ? 1 : w.stride[k][w.ndim - 1];
  for (int64_t i = 0; i < size; i += run.n, next(&w, pass)) {
    for (int k = 0; k < pass->ninputs; k++) {
      run.x[k] = pass->x[k] + w.place[k];
      if (back) run.gx[k] = pass->gx[k] ? pass->gx[k] + w.place[k] : NULL;
    }
    run.y = pass->y + i;
    if (back) run.gy = pass->gy + i;
    work(&run);
  }
}

void lub_merge_add_gradient(const lub_merge_run *run, int k, float factor) {
  float *gx = run->gx[k];
  if (!gx) return;
  if (run->step[k] == 1)
    for (int64_t i = 0; i < run->n; i++) gx[i] += factor * run->gy[i];
  else
    for (int64_t i = 0; i < run->n; i++) gx[0] += factor * run->gy[i];
}
