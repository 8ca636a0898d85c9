/* ReLU: 0 where x <= threshold, x above it, but never more than max_value; with a negative_slope,
 * negative_slope * (x - threshold) where x < threshold. */
#include <math.h>

#include "nn/layers/kinds.h"


static const lub_option options[] = {{.name = "max_value", .type = LUB_OPTION_NUMBER, .nullable = true, .none = true,
                                      .offset = offsetof(lub_relu_options, max_value), .min = 0, .max = INFINITY},
                                     {.name = "negative_slope", .type = LUB_OPTION_NUMBER,
                                      .offset = offsetof(lub_relu_options, negative_slope), .min = 0, .max = INFINITY},
                                     {.name = "threshold", .type = LUB_OPTION_NUMBER,
                                      .offset = offsetof(lub_relu_options, threshold), .min = 0, .max = INFINITY},
                                     LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  *out = *in;
  return lub_check_input("relu", in, in->ndim > 0 ? in->ndim : 1, "(N, ...)", err);
}

static void forward(const lub_pass *pass) {
  const lub_relu_options *o = pass->layer->options;
  const float *x = pass->x[0];
  const int64_t n = lub_shape_size(pass->in);
  const float top = isnan(o->max_value) ? INFINITY : (float)o->max_value;
  const float slope = (float)o->negative_slope, threshold = (float)o->threshold;
  for (int64_t i = 0; i < n; i++) {
    const float above = x[i] > top ? top : x[i], below = slope > 0 ? slope * (x[i] - threshold) : 0;
    pass->y[i] = x[i] <= threshold ? below : above;
  }
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  const lub_relu_options *o = pass->layer->options;
  const float *x = pass->x[0], *gy = pass->gy;
  float *gx = pass->gx[0];
  const int64_t n = lub_shape_size(pass->in);
  const float top = isnan(o->max_value) ? INFINITY : (float)o->max_value;
  const float slope = (float)o->negative_slope, threshold = (float)o->threshold;
  for (int64_t i = 0; i < n; i++) {
    const float above = x[i] < top ? gy[i] : 0;
    gx[i] += x[i] > threshold ? above : slope * gy[i];
  }
}

const lub_layer_kind lub_relu_kind = {.name = "ReLU",
                                      .options = options,
                                      .options_size = sizeof(lub_relu_options),
                                      .activation_at = -1,
                                      .inputs = 1,
                                      .output_shape = output_shape,
                                      .forward = forward,
                                      .backward = backward};
