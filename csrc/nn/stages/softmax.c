/* The softmax at a model's end, apart from the layer that names it. */
#include <string.h>

#include "nn/stage.h"

static int64_t width_of(const lub_stage *stage) { return stage->out.ndim > 0 ? stage->out.dim[stage->out.ndim - 1] : 1; }

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  int64_t n = pass->count * lub_shape_size(&stage->out), width = width_of(stage);
  memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)n);
  lub_activate(LUB_SOFTMAX, pass->y, n / width, width);
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  if (!pass->gx[0]) return;
  int64_t size = lub_shape_size(&stage->out), width = width_of(stage);
  float *own = pass->scratch;
  for (int64_t i = 0; i < pass->count; i++) {
    lub_activation_gradient(LUB_SOFTMAX, pass->y + i * size, pass->gy + i * size, own, size / width, width);
    for (int64_t j = 0; j < size; j++) pass->gx[0][i * size + j] += own[j];
  }
}

static const lub_stage_kind softmax_kind = {.name = "softmax", .forward = forward, .backward = backward};

void lub_softmax_stage(lub_stage *stage, const lub_shape *shape) {
  stage->kind = &softmax_kind;
  stage->ninputs = 1;
  stage->in[0] = stage->out = *shape;
  stage->scratch_size = sizeof(float) * (size_t)lub_shape_size(shape);
}
