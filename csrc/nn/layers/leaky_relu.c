/* LeakyReLU (Maas et al. 2013): x, and negative_slope * x where x < 0. */
#include <math.h>

#include "nn/layers/kinds.h"

typedef struct leaky_options {
  double negative_slope;
} leaky_options;

static const lub_option options[] = {{.name = "negative_slope", .alias = "alpha", .type = LUB_OPTION_NUMBER,
                                      .offset = offsetof(leaky_options, negative_slope), .fallback = 0.3, .min = 0,
                                      .max = INFINITY},
                                     LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  *out = *in;
  return lub_check_input("leaky_relu", in, in->ndim > 0 ? in->ndim : 1, "(N, ...)", err);
}

static void forward(const lub_pass *pass) {
  const leaky_options *o = pass->layer->options;
  const float *x = pass->x[0];
  const int64_t n = lub_shape_size(pass->in);
  const float slope = (float)o->negative_slope;
  for (int64_t i = 0; i < n; i++) pass->y[i] = x[i] < 0 ? slope * x[i] : x[i];
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const leaky_options *o = pass->layer->options;
  const float *x = pass->x[0], *gy = pass->gy;
  float *gx = pass->gx[0];
  const int64_t n = lub_shape_size(pass->in);
  const float slope = (float)o->negative_slope;
  for (int64_t i = 0; i < n; i++) gx[i] += x[i] > 0 ? gy[i] : slope * gy[i];
}

const lub_layer_kind lub_leaky_relu_kind = {.name = "LeakyReLU",
                                            .options = options,
                                            .options_size = sizeof(leaky_options),
                                            .activation_at = -1,
                                            .inputs = 1,
                                            .output_shape = output_shape,
                                            .forward = forward,
                                            .backward = backward};
