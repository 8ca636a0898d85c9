/* MaxPooling2D: the largest value of each window and channel; its gradient goes to the first place
 * (in row-major order) that holds it. Padding never wins: it counts as minus infinity. */
#include <math.h>

#include "nn/layers/kinds.h"

static const lub_option options[] = {
    {.name = "pool_size", .type = LUB_OPTION_INTS, .count = 2, .offset = offsetof(lub_max_pooling2d_options, pool_size), .fallback = 2, .min = 1, .max = 1 << 20},
    {.name = "strides", .type = LUB_OPTION_INTS, .count = 2, .offset = offsetof(lub_max_pooling2d_options, strides), .nullable = true, .none = true, .min = 1, .max = 1 << 20},
    {.name = "padding", .type = LUB_OPTION_CHOICE, .choices = lub_padding_names, .offset = offsetof(lub_max_pooling2d_options, padding), .fallback = LUB_VALID},
    LUB_OPTIONS_END};

static lub_window window_over(const lub_layer *layer, const lub_shape *in, int axis) {
  const lub_max_pooling2d_options *o = layer->options;
  int64_t stride = o->strides[axis] == LUB_NONE_INT ? o->pool_size[axis] : o->strides[axis];
  return lub_window_over(in->dim[axis], o->pool_size[axis], stride, 1, o->padding);
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_max_pooling2d_options *o = layer->options;
  lub_status status = lub_check_input("max_pooling2d", in, 3, "(N, H, W, C)", err);
  if (status != LUB_OK) return status;
  lub_window h = window_over(layer, in, 0), w = window_over(layer, in, 1);
  if (h.out < 1 || w.out < 1)
    return lub_fail(err, LUB_EARG, "max_pooling2d: a pool of %lldx%lld does not fit into an input of %lldx%lld",
                    (long long)o->pool_size[0], (long long)o->pool_size[1], (long long)in->dim[0], (long long)in->dim[1]);
  *out = (lub_shape){.ndim = 3, .dim = {h.out, w.out, in->dim[2]}};
  return LUB_OK;
}

/* Where the largest value of the window of output (row, column) lies in channel c. */
static int64_t find_largest(const float *x, const lub_window *h, const lub_window *w, int64_t row, int64_t column,
                            int64_t channels, int64_t c) {
  int64_t best = -1;
  for (int64_t i = 0; i < h->size; i++) {
    int64_t y = row * h->stride + i - h->before;
    if (y < 0 || y >= h->in) continue;
    for (int64_t j = 0; j < w->size; j++) {
      int64_t z = column * w->stride + j - w->before;
      if (z < 0 || z >= w->in) continue;
      int64_t at = (y * w->in + z) * channels + c;
      if (best < 0 || x[at] > x[best] || (isnan(x[at]) && !isnan(x[best]))) best = at;
    }
  }
  return best;
}

static void forward(const lub_pass *pass) {
  lub_window h = window_over(pass->layer, pass->in, 0), w = window_over(pass->layer, pass->in, 1);
  int64_t channels = pass->in->dim[2];
  float *y = pass->y;
  for (int64_t row = 0; row < h.out; row++)
    for (int64_t column = 0; column < w.out; column++)
      for (int64_t c = 0; c < channels; c++)
        *y++ = pass->x[0][find_largest(pass->x[0], &h, &w, row, column, channels, c)];
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  lub_window h = window_over(pass->layer, pass->in, 0), w = window_over(pass->layer, pass->in, 1);
  int64_t channels = pass->in->dim[2];
  const float *gy = pass->gy;
  for (int64_t row = 0; row < h.out; row++)
    for (int64_t column = 0; column < w.out; column++)
      for (int64_t c = 0; c < channels; c++)
        pass->gx[0][find_largest(pass->x[0], &h, &w, row, column, channels, c)] += *gy++;
}

const lub_layer_kind lub_max_pooling2d_kind = {.name = "MaxPooling2D",
                                               .options = options,
                                               .options_size = sizeof(lub_max_pooling2d_options),
                                               .activation_at = -1,
                                               .inputs = 1,
                                               .output_shape = output_shape,
                                               .forward = forward,
                                               .backward = backward};
