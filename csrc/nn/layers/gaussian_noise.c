/* GaussianNoise: while training, normal noise with deviation stddev is added; at inference nothing happens. The
 * noise is that of lub_fill_normal: a function of seed, step, layer, sample and element alone. */
#include <string.h>

#include "base/random.h"
#include "nn/layers/kinds.h"

typedef struct noise_options {
  double stddev;
} noise_options;

static const lub_option options[] = {{.name = "stddev", .type = LUB_OPTION_NUMBER, .required = true,
                                      .offset = offsetof(noise_options, stddev), .min = 0, .max = 1e30},
                                     LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  *out = *in;
  return lub_check_input("gaussian_noise", in, in->ndim > 0 ? in->ndim : 1, "(N, ...)", err);
}

static void forward(const lub_pass *pass) {
  const int64_t n = lub_shape_size(pass->in);
  if (!pass->training) {
    memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)n);
    return;
  }
  lub_fill_normal(pass->y, n, 0, ((const noise_options *)pass->layer->options)->stddev, pass->key);
  for (int64_t i = 0; i < n; i++) pass->y[i] += pass->x[0][i];
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const int64_t n = lub_shape_size(pass->in);
  for (int64_t i = 0; i < n; i++) pass->gx[0][i] += pass->gy[i];
}

const lub_layer_kind lub_gaussian_noise_kind = {.name = "GaussianNoise",
                                                .options = options,
                                                .options_size = sizeof(noise_options),
                                                .activation_at = -1,
                                                .inputs = 1,
                                                .training_only = true,
                                                .output_shape = output_shape,
                                                .forward = forward,
                                                .backward = backward};
