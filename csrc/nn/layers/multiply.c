/* Multiply: the product of its inputs. The gradient of one is that of the product times all others. */
#include "nn/layers/merge.h"

static lub_status merged_shape(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err) {
  (void)layer;
  return lub_merged_shape("multiply", in, n, out, err);
}

static void forward_run(const lub_merge_run *run) {
  for (int64_t i = 0; i < run->n; i++) run->y[i] = run->x[0][i * run->step[0]];
  for (int k = 1; k < run->ninputs; k++)
    for (int64_t i = 0; i < run->n; i++) run->y[i] *= run->x[k][i * run->step[k]];
}

static void backward_run(const lub_merge_run *run) {
  for (int k = 0; k < run->ninputs; k++) {
    if (!run->gx[k]) continue;
    for (int64_t i = 0; i < run->n; i++) {
      float g = run->gy[i];
      for (int j = 0; j < run->ninputs; j++)
        if (j != k) g *= run->x[j][i * run->step[j]];
      run->gx[k][i * run->step[k]] += g;
    }
  }
}

static void forward(const lub_pass *pass) { lub_merge_each(pass, false, forward_run); }
static void backward(const lub_pass *pass) { lub_merge_each(pass, true, backward_run); }

const lub_layer_kind lub_multiply_kind = LUB_MERGE_KIND("Multiply", merged_shape, forward, backward);
