/* Activation: an element-wise function (or softmax along the last axis) as a layer of its own. The stage applies
 * the function; what is left here is the identity. */
#include <string.h>

#include "nn/layers/kinds.h"

static const lub_option options[] = {
    {.name = "activation", .type = LUB_OPTION_CHOICE, .choices = lub_activation_names, .offset = offsetof(lub_activation_options, activation), .required = true},
    LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  lub_status status = lub_check_input("activation", in, in->ndim > 0 ? in->ndim : 1, "(N, ...)", err);
  *out = *in;
  return status;
}

static void forward(const lub_pass *pass) {
  memcpy(pass->y, pass->x[0], sizeof(float) * (size_t)lub_shape_size(pass->in));
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  int64_t n = lub_shape_size(pass->in);
  for (int64_t i = 0; i < n; i++) pass->gx[0][i] += pass->gy[i];
}

const lub_layer_kind lub_activation_kind = {.name = "Activation",
                                            .options = options,
                                            .options_size = sizeof(lub_activation_options),
                                            .activation_at = offsetof(lub_activation_options, activation),
                                            .inputs = 1,
                                            .output_shape = output_shape,
                                            .forward = forward,
                                            .backward = backward};
