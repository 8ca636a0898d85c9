/* The softmax or sigmoid at a model's end, apart from the layer that names it. */
#include <string.h>

#include "nn/stage.h"

static int64_t width_of(const lub_stage *stage) { return stage->out.ndim > 0 ? stage->out.dim[stage->out.ndim - 1] : 1; }

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  int64_t n = pass->count * lub_shape_size(&stage->out), width = width_of(stage);
  memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)n);
  lub_activate(stage->activation, pass->y, n / width, width);
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  if (!pass->gx[0]) return;
  int64_t size = lub_shape_size(&stage->out), width = width_of(stage);
  float *own = pass->scratch;
  for (int64_t i = 0; i < pass->count; i++) {
    lub_activation_gradient(stage->activation, pass->y + i * size, pass->gy + i * size, own, size / width, width);
    for (int64_t j = 0; j < size; j++) pass->gx[0][i * size + j] += own[j];
  }
}

static const lub_stage_kind softmax_kind = {.name = "softmax", .forward = forward, .backward = backward};
static const lub_stage_kind sigmoid_kind = {.name = "sigmoid", .forward = forward, .backward = backward};

void lub_final_stage(lub_stage *stage, const lub_shape *shape, lub_activation final) {
  stage->kind = final == LUB_SOFTMAX ? &softmax_kind : &sigmoid_kind;
  stage->activation = final;
  stage->ninputs = 1;
  stage->in[0] = stage->out = *shape;
  stage->scratch_size = sizeof(float) * (size_t)lub_shape_size(shape);
}
