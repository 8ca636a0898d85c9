/* Subtract: the first of two inputs less the second. */
#include "nn/layers/merge.h"

static lub_status merged_shape(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err) {
  (void)layer;
  return lub_merged_shape("subtract", in, n, out, err);
}

static void forward_run(const lub_merge_run *run) {
  for (int64_t i = 0; i < run->n; i++) run->y[i] = run->x[0][i * run->step[0]] - run->x[1][i * run->step[1]];
}

static void backward_run(const lub_merge_run *run) {
  lub_merge_add_gradient(run, 0, 1);
  lub_merge_add_gradient(run, 1, -1);
}

static void forward(const lub_pass *pass) { lub_merge_each(pass, false, forward_run); }
static void backward(const lub_pass *pass) { lub_merge_each(pass, true, backward_run); }

const lub_layer_kind lub_subtract_kind = {.name = "Subtract",
                                          .options = lub_merge_options,
                                          .activation_at = -1,
                                          .inputs = 2,
                                          .merged_shape = merged_shape,
                                          .forward = forward,
                                          .backward = backward};
