/* The stage of any layer without a fast one: the reference implementation, sample by sample. What goes into the
 * activation is kept where its gradient needs that. */
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/stage.h"

uint64_t lub_stage_key(const lub_stage_pass *pass, int number, int64_t sample) {
  return lub_mix(lub_mix(pass->key, (uint64_t)number), (uint64_t)sample);
}

/* A sample's part of what is saved: what went into the activation, where that is kept; then what the layer's own
 * implementation wants. */
static int64_t kept_floats(const lub_stage *stage) {
  return lub_activation_needs_input(stage->activation) ? lub_shape_size(&stage->out) : 0;
}

static int64_t own_floats(const lub_stage *stage) {
  const lub_layer *layer = stage->layer[0];
  return layer->kind->saved_floats ? layer->kind->saved_floats(layer, stage->in) : 0;
}

static float *kept_of(const lub_stage *stage, const lub_stage_pass *pass, int64_t i) {
  return (float *)pass->saved + i * (kept_floats(stage) + own_floats(stage));
}

static lub_pass pass_of(const lub_stage *stage, const lub_stage_pass *pass, int64_t i, const float **x, float **gx) {
  int64_t out = lub_shape_size(&stage->out);
  for (int n = 0; n < stage->ninputs; n++) {
    int64_t in = lub_shape_size(&stage->in[n]);
    x[n] = pass->x[n] + i * in;
    gx[n] = pass->gx[n] ? pass->gx[n] + i * in : NULL;
  }
  return (lub_pass){.layer = stage->layer[0], .ninputs = stage->ninputs, .in = stage->in, .out = &stage->out, .x = x,
                    .gx = gx, .y = pass->y + i * out, .training = pass->training,
                    .key = lub_stage_key(pass, stage->number[0], pass->sample + i),
                    .shared_key = lub_stage_key(pass, stage->number[0], -1),
                    .saved = kept_of(stage, pass, i) + kept_floats(stage),
                    .scratch = stage->activation == LUB_LINEAR ? pass->scratch : (float *)pass->scratch + out};
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  const float *x[LUB_MAX_INPUTS];
  float *gx[LUB_MAX_INPUTS];
  int64_t out = lub_shape_size(&stage->out), width = stage->out.ndim > 0 ? stage->out.dim[stage->out.ndim - 1] : 1;
  for (int64_t i = 0; i < pass->count; i++) {
    lub_pass one = pass_of(stage, pass, i, x, gx);
    stage->layer[0]->kind->forward(&one);
    if (kept_floats(stage) > 0) memcpy(kept_of(stage, pass, i), one.y, sizeof(float) * (size_t)out);
    lub_activate(stage->activation, one.y, out / width, width);
  }
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  const float *x[LUB_MAX_INPUTS];
  float *gx[LUB_MAX_INPUTS], *gparam[LUB_MAX_PARAMS], *gradient = pass->gradient;
  int64_t out = lub_shape_size(&stage->out), width = stage->out.ndim > 0 ? stage->out.dim[stage->out.ndim - 1] : 1;
  for (int p = 0; p < stage->layer[0]->nparams; p++) {
    gparam[p] = gradient;
    gradient += lub_param_size(&stage->layer[0]->param[p]);
  }
  for (int64_t i = 0; i < pass->count; i++) {
    lub_pass one = pass_of(stage, pass, i, x, gx);
    one.gy = pass->gy + i * out;
    one.gparam = gparam;
    if (stage->activation != LUB_LINEAR) {
      const float *kept = kept_floats(stage) > 0 ? kept_of(stage, pass, i) : one.y;
      lub_activation_gradient(stage->activation, kept, one.gy, pass->scratch, out / width, width);
      one.gy = pass->scratch;
    }
    stage->layer[0]->kind->backward(&one);
  }
}

void lub_reference_add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]) {
  for (int p = 0; p < stage->layer[0]->nparams; p++) {
    int64_t n = lub_param_size(&stage->layer[0]->param[p]);
    for (int64_t i = 0; i < n; i++) gparam[0][p][i] += gradient[i];
    gradient += n;
  }
}

static const lub_stage_kind reference_kind = {
    .name = "reference", .forward = forward, .backward = backward, .add_gradient = lub_reference_add_gradient};

void lub_reference_stage(lub_stage *stage) {
  stage->kind = &reference_kind;
  stage->nlayers = 1;
  const lub_layer *layer = stage->layer[0];
  stage->gradient_size = lub_layer_count(layer, false);
  const size_t out = sizeof(float) * (size_t)lub_shape_size(&stage->out);
  if (stage->activation != LUB_LINEAR) stage->scratch_size = out; /* for the gradient before it */
  if (layer->kind->scratch)
    stage->scratch_size += sizeof(float) * (size_t)layer->kind->scratch(layer, stage->in, &stage->out);
  stage->saved_size = sizeof(float) * (size_t)(kept_floats(stage) + own_floats(stage));
}
