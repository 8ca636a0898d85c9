/* Dropout (Srivastava et al. 2014), inverted as in Keras: while training each element is kept with probability
 * 1 - rate and divided by it, or else 0; at inference nothing happens. Element i of a sample is dropped where
 * lub_hash32(key, i) < rate * 2^32: a function of seed, step, layer, sample and element alone. With a noise_shape,
 * i counts the elements of that shape, and where a size in it is 1, all along that axis share their fate; along the
 * batch, all samples. */
#include <string.h>

#include "base/random.h"
#include "nn/layers/axes.h"

static const lub_option options[] = {
    LUB_RATE_OPTION,
    {.name = "noise_shape", .type = LUB_OPTION_SHAPE, .offset = offsetof(lub_dropout_options, noise_shape),
     .nullable = true, .none = true, .open = true, .min = 1, .max = INT32_MAX},
    LUB_OPTIONS_END};

static const lub_dropout_options *options_of(const lub_layer *layer) { return layer->options; }

bool lub_dropout_is_plain(const lub_layer *layer) { return options_of(layer)->noise_shape.ndim == 0; }

/* Without the batch, and with the input's sizes where it says none. */
static lub_shape noise_of(const lub_layer *layer, const lub_shape *in) {
  const lub_shape *given = &options_of(layer)->noise_shape;
  lub_shape noise = *in;
  for (int i = 1; i < given->ndim; i++)
    if (given->dim[i] > 0) noise.dim[i - 1] = given->dim[i];
  return noise;
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  *out = *in;
  if (lub_dropout_is_plain(layer)) return LUB_OK;
  const lub_shape *given = &options_of(layer)->noise_shape;
  const lub_shape noise = noise_of(layer, in);
  char expected[LUB_SHAPE_TEXT], got[LUB_SHAPE_TEXT];
  if (given->ndim != in->ndim + 1)
    return lub_fail(err, LUB_EARG,
                    "dropout: noise_shape must have %d sizes, the batch's first, for samples of %s; got %s",
                    in->ndim + 1, lub_shape_text(in, "?", expected), lub_shape_text(given, "false", got));
  for (int i = 0; i < in->ndim; i++)
    if (noise.dim[i] != in->dim[i] && noise.dim[i] != 1)
      return lub_fail(err, LUB_EARG,
                      "dropout: noise_shape %s cannot be spread over samples of %s: size %d must be %lld, 1 or false",
                      lub_shape_text(given, "false", got), lub_shape_text(in, "?", expected), i + 2,
                      (long long)in->dim[i]);
  return LUB_OK;
}

/* to = (to +) from, dropped. */
static void drop(const lub_pass *pass, const float *from, float *to, bool adds) {
  const double rate = options_of(pass->layer)->rate;
  const lub_shape noise = noise_of(pass->layer, pass->in);
  const uint64_t key = options_of(pass->layer)->noise_shape.dim[0] == 1 ? pass->shared_key : pass->key;
  const uint32_t threshold = lub_drop_threshold(rate);
  const float scale = (float)(1 / (1 - rate));
  const int64_t n = lub_shape_size(pass->in);
  lub_spread s = lub_spread_begin(&noise, pass->in);
  for (int64_t i = 0; i < n; i += s.width, lub_spread_next(&s))
    for (int64_t j = 0; j < s.width; j++) {
      const bool lives = lub_hash32(key, (uint32_t)(s.place + j * s.step)) >= threshold;
      if (adds) to[i + j] += lives ? from[i + j] * scale : 0;
      else to[i + j] = lives ? from[i + j] * scale : 0;
    }
}

static void forward(const lub_pass *pass) {
  double rate = options_of(pass->layer)->rate;
  int64_t n = lub_shape_size(pass->in);
  if (!pass->training) {
    memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)n);
    return;
  }
  if (!lub_dropout_is_plain(pass->layer)) {
    drop(pass, pass->x[0], pass->y, false);
    return;
  }
  uint32_t threshold = lub_drop_threshold(rate);
  float scale = (float)(1 / (1 - rate));
  for (int64_t i = 0; i < n; i++)
    pass->y[i] = lub_hash32(pass->key, (uint32_t)i) >= threshold ? pass->x[0][i] * scale : 0;
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  if (pass->training && !lub_dropout_is_plain(pass->layer)) {
    drop(pass, pass->gy, pass->gx[0], true);
    return;
  }
  double rate = options_of(pass->layer)->rate;
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
