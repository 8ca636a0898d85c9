/* PReLU (He et al. 2015): x, and alpha * x where x < 0, with a learned alpha for every element of a sample. Along
 * shared_axes there is one alpha for all; axes are counted with the batch as axis 1, so that those of (N, H, W, C)
 * are 2, 3 and 4. */
#include "nn/layers/axes.h"

typedef struct prelu_options {
  lub_shape shared_axes; /* from 1, the batch; none: no dimensions */
  lub_object alpha_initializer, alpha_regularizer;
  lub_object alpha_constraint;
} prelu_options;

static const lub_option options[] = {LUB_INITIALIZER_OPTION(prelu_options, alpha_initializer, LUB_ZEROS),
                                     LUB_REGULARIZER_OPTION(prelu_options, alpha_regularizer),
                                     LUB_CONSTRAINT_OPTION(prelu_options, alpha_constraint),
                                     {.name = "shared_axes", .type = LUB_OPTION_SHAPE, .nullable = true, .none = true,
                                      .offset = offsetof(prelu_options, shared_axes)},
                                     LUB_OPTIONS_END};

static lub_status check(const void *p, lub_error *err) {
  const lub_shape *axes = &((const prelu_options *)p)->shared_axes;
  for (int i = 0; i < axes->ndim; i++)
    if (axes->dim[i] < 2)
      return lub_fail(err, LUB_EARG, "PReLU: shared_axes are counted with the batch as axis 1, so from 2; got %lld",
                      (long long)axes->dim[i]);
  return LUB_OK;
}

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_shape *axes = &((const prelu_options *)layer->options)->shared_axes;
  *out = *in;
  lub_status status = lub_check_input("prelu", in, in->ndim > 0 ? in->ndim : 1, "(N, ...)", err);
  for (int i = 0; i < axes->ndim && status == LUB_OK; i++)
    if (axes->dim[i] > in->ndim + 1)
      return lub_fail(err, LUB_EARG, "prelu: there is no axis %lld to share in an input of %d axes",
                      (long long)axes->dim[i], in->ndim + 1);
  return status;
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const prelu_options *o = layer->options;
  lub_shape shape = *in;
  for (int i = 0; i < o->shared_axes.ndim; i++) shape.dim[o->shared_axes.dim[i] - 2] = 1;
  param[0] = (lub_param){.name = "alpha", .shape = shape, LUB_OPTIONS_OF(alpha), .trainable = true};
  lub_fans_of(&shape, &param[0].fan_in, &param[0].fan_out);
  return 1;
}

static void forward(const lub_pass *pass) {
  const float *x = pass->x[0], *alpha = pass->layer->param[0].value;
  const int64_t n = lub_shape_size(pass->in);
  lub_spread r = lub_spread_begin(&pass->layer->param[0].shape, pass->in);
  for (int64_t i = 0; i < n; i += r.width, lub_spread_next(&r))
    for (int64_t j = 0; j < r.width; j++)
      pass->y[i + j] = x[i + j] < 0 ? alpha[r.place + j * r.step] * x[i + j] : x[i + j];
}

static void backward(const lub_pass *pass) {
  const float *x = pass->x[0], *gy = pass->gy, *alpha = pass->layer->param[0].value;
  float *gx = pass->gx[0], *galpha = pass->gparam[0];
  const int64_t n = lub_shape_size(pass->in);
  lub_spread r = lub_spread_begin(&pass->layer->param[0].shape, pass->in);
  for (int64_t i = 0; i < n; i += r.width, lub_spread_next(&r))
    for (int64_t j = 0; j < r.width; j++) {
      const int64_t a = r.place + j * r.step;
      if (x[i + j] < 0) galpha[a] += gy[i + j] * x[i + j];
      if (gx) gx[i + j] += x[i + j] > 0 ? gy[i + j] : alpha[a] * gy[i + j];
    }
}

const lub_layer_kind lub_prelu_kind = {.name = "PReLU",
                                       .options = options,
                                       .options_size = sizeof(prelu_options),
                                       .activation_at = -1,
                                       .inputs = 1,
                                       .check = check,
                                       .output_shape = output_shape,
                                       .params = params,
                                       .forward = forward,
                                       .backward = backward};
