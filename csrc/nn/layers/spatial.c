#include "nn/layers/spatial.h"

#include <string.h>

#include "base/random.h"

/* What channel c is multiplied with. */
static float factor(const lub_pass *pass, double rate, int64_t c) {
  if (!pass->training) return 1;
  return lub_hash32(pass->key, (uint32_t)c) >= lub_drop_threshold(rate) ? (float)(1 / (1 - rate)) : 0;
}

/* to = (to +) from * factor, channel by channel; away from the channels' order nothing is random. */
static void apply(const lub_pass *pass, const float *from, float *to, bool add) {
  const double rate = ((const lub_dropout_options *)pass->layer->options)->rate;
  const int64_t channels = pass->in->dim[pass->in->ndim - 1], n = lub_shape_size(pass->in);
  for (int64_t c = 0; c < channels; c++) {
    const float f = factor(pass, rate, c);
    for (int64_t i = c; i < n; i += channels) to[i] = add ? to[i] + f * from[i] : f != 0 ? f * from[i] : 0;
  }
}

void lub_spatial_dropout_forward(const lub_pass *pass) { apply(pass, pass->x[0], pass->y, false); }

void lub_spatial_dropout_gradients(const lub_pass *pass) {
  if (pass->gx[0]) apply(pass, pass->gy, pass->gx[0], true);
}
