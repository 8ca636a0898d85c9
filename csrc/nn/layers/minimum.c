/* Minimum: the smallest of its inputs, element by element. The gradient goes to the first that has it, as on
 * TensorFlow. */
#include "nn/layers/merge.h"

static lub_status merged_shape(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err) {
  (void)layer;
  return lub_merged_shape("minimum", in, n, out, err);
}

static void forward_run(const lub_merge_run *run) {
  for (int64_t i = 0; i < run->n; i++) {
    float best = run->x[0][i * run->step[0]];
    for (int k = 1; k < run->ninputs; k++) {
      const float x = run->x[k][i * run->step[k]];
      if (x < best || x != x) best = x;
    }
    run->y[i] = best;
  }
}

static void backward_run(const lub_merge_run *run) {
  for (int64_t i = 0; i < run->n; i++) {
    int best = 0;
    for (int k = 1; k < run->ninputs; k++)
      if (run->x[k][i * run->step[k]] < run->x[best][i * run->step[best]]) best = k;
    if (run->gx[best]) run->gx[best][i * run->step[best]] += run->gy[i];
  }
}

static void forward(const lub_pass *pass) { lub_merge_each(pass, false, forward_run); }
static void backward(const lub_pass *pass) { lub_merge_each(pass, true, backward_run); }

const lub_layer_kind lub_minimum_kind = LUB_MERGE_KIND("Minimum", merged_shape, forward, backward);
