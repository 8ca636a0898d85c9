/* Average: the mean of its inputs. */
#include "nn/layers/merge.h"

static lub_status merged_shape(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err) {
  (void)layer;
  return lub_merged_shape("average", in, n, out, err);
}

static void forward_run(const lub_merge_run *run) {
  for (int64_t i = 0; i < run->n; i++) run->y[i] = run->x[0][i * run->step[0]];
  for (int k = 1; k < run->ninputs; k++)
    for (int64_t i = 0; i < run->n; i++) run->y[i] += run->x[k][i * run->step[k]];
  for (int64_t i = 0; i < run->n; i++) run->y[i] /= (float)run->ninputs;
}

static void backward_run(const lub_merge_run *run) {
  for (int k = 0; k < run->ninputs; k++) lub_merge_add_gradient(run, k, 1.0f / (float)run->ninputs);
}

static void forward(const lub_pass *pass) { lub_merge_each(pass, false, forward_run); }
static void backward(const lub_pass *pass) { lub_merge_each(pass, true, backward_run); }

const lub_layer_kind lub_average_kind = LUB_MERGE_KIND("Average", merged_shape, forward, backward);
