/* Dropout (Srivastava et al. 2014), inverted as in Keras: while training each element is kept with probability
 * 1 - rate and divided by it, or else 0; at inference nothing happens. Element i of a sample is dropped where
 * lub_hash32(key, i) < rate * 2^32: a function of seed, step, layer, sample and element alone. */
#include <string.h>

#include "base/random.h"
#include "nn/layers/kinds.h"

static const lub_option options[] = {LUB_RATE_OPTION, LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer, (void)err;
  *out = *in;
  return LUB_OK;
}

static void forward(const lub_pass *pass) {
  double rate = ((const lub_dropout_options *)pass->layer->options)->rate;
  int64_t n = lub_shape_size(pass->in);
  if (!pass->training) {
    memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)n);
    return;
  }
  uint32_t threshold = lub_drop_threshold(rate);
  float scale = (float)(1 / (1 - rate));
  for (int64_t i = 0; i < n; i++)
    pass->y[i] = lub_hash32(pass->key, (uint32_t)i) >= threshold ? pass->x[0][i] * scale : 0;
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  double rate = ((const lub_dropout_options *)pass->layer->options)->rate;
  int64_t n = lub_shape_size(pass->in);
  uint32_t threshold = pass->training ? lub_drop_threshold(rate) : 0;
  float scale = pass->training ? (float)(1 / (1 - rate)) : 1;
  for (int64_t i = 0; i < n; i++)
    if (lub_hash32(pass->key, (uint32_t)i) >= threshold) pass->gx[0][i] += pass->gy[i] * scale;
}

const lub_layer_kind lub_dropout_kind = {.name = "Dropout",
                                         .options = options,
                                         .options_size = sizeof(lub_dropout_options),
                                         .activation_at = -1,
                                         .inputs = 1,
                                         .training_only = true,
                                         .output_shape = output_shape,
                                         .forward = forward,
                                         .backward = backward};
