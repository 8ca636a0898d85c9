/* ELU (Clevert et al. 2016): x, and alpha * (e^x - 1) where x < 0. */
#include "base/math.h"
#include "nn/layers/kinds.h"

typedef struct elu_options {
  double alpha;
} elu_options;

static const lub_option options[] = {{.name = "alpha", .type = LUB_OPTION_NUMBER, .offset = offsetof(elu_options, alpha),
                                      .fallback = 1},
                                     LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  *out = *in;
  return lub_check_input("elu", in, in->ndim > 0 ? in->ndim : 1, "(N, ...)", err);
}

static void forward(const lub_pass *pass) {
  const elu_options *o = pass->layer->options;
  const float *x = pass->x[0];
  const int64_t n = lub_shape_size(pass->in);
  for (int64_t i = 0; i < n; i++) pass->y[i] = x[i] < 0 ? (float)(o->alpha * (lub_exp(x[i]) - 1)) : x[i];
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const elu_options *o = pass->layer->options;
  const float *x = pass->x[0], *gy = pass->gy;
  float *gx = pass->gx[0];
  const int64_t n = lub_shape_size(pass->in);
  for (int64_t i = 0; i < n; i++) gx[i] += x[i] < 0 ? (float)(gy[i] * o->alpha * lub_exp(x[i])) : gy[i];
}

const lub_layer_kind lub_elu_kind = {.name = "ELU",
                                     .options = options,
                                     .options_size = sizeof(elu_options),
                                     .activation_at = -1,
                                     .inputs = 1,
                                     .output_shape = output_shape,
                                     .forward = forward,
                                     .backward = backward};
