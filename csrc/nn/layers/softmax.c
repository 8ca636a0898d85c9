/* Softmax: along the last axis, or along others, as a layer of its own. Along the last one the stage applies it, and
 * what is left here is the identity. */
#include <string.h>

#include "nn/layers/axes.h"

typedef struct softmax_options {
  lub_shape axis; /* one, or several, over which together the outputs add up to 1 */
} softmax_options;

static const lub_option options[] = {
    {.name = "axis", .type = LUB_OPTION_AXES, .offset = offsetof(softmax_options, axis), .fallback = -1},
    LUB_OPTIONS_END};

static const lub_shape *axes_of(const lub_layer *layer) { return &((const softmax_options *)layer->options)->axis; }

bool lub_softmax_is_last(const lub_layer *layer, const lub_shape *in) {
  const lub_shape *axes = axes_of(layer);
  return axes->ndim == 1 && lub_is_last_axis(axes->dim[0], in);
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  *out = *in;
  return lub_check_axes("softmax", axes_of(layer), in, err);
}

static void forward(const lub_pass *pass) {
  if (lub_softmax_is_last(pass->layer, pass->in)) {
    memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)lub_shape_size(pass->in));
    return;
  }
  const lub_groups groups = lub_groups_of(axes_of(pass->layer), pass->in);
  for (int64_t g = 0; g < groups.count; g++) {
    lub_gather(&groups, g, pass->x[0], pass->scratch);
    lub_activate(LUB_SOFTMAX, pass->scratch, 1, groups.size);
    lub_scatter(&groups, g, pass->scratch, pass->y);
  }
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  if (lub_softmax_is_last(pass->layer, pass->in)) {
    const int64_t n = lub_shape_size(pass->in);
    for (int64_t i = 0; i < n; i++) pass->gx[0][i] += pass->gy[i];
    return;
  }
  const lub_groups groups = lub_groups_of(axes_of(pass->layer), pass->in);
  float *y = pass->scratch, *g = y + groups.size;
  for (int64_t i = 0; i < groups.count; i++) {
    lub_gather(&groups, i, pass->y, y);
    lub_gather(&groups, i, pass->gy, g);
    lub_activation_gradient(LUB_SOFTMAX, y, g, g, 1, groups.size);
    lub_scatter_add(&groups, i, g, pass->gx[0]);
  }
}

/* A group's outputs and gradients. */
static int64_t scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out) {
  (void)out;
  return lub_softmax_is_last(layer, in) ? 0 : 2 * lub_groups_of(axes_of(layer), in).size;
}

const lub_layer_kind lub_softmax_kind = {.name = "Softmax",
                                         .options = options,
                                         .options_size = sizeof(softmax_options),
                                         .activation_at = -1,
                                         .activation = LUB_SOFTMAX,
                                         .inputs = 1,
                                         .output_shape = output_shape,
                                         .scratch = scratch,
                                         .forward = forward,
                                         .backward = backward};
