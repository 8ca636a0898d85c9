/* Dense: y = x W + b along the last axis; W is (in, units). */
#include "nn/layers/convolution.h"

static const lub_option options[] = {
    {.name = "units", .type = LUB_OPTION_INT, .offset = offsetof(lub_dense_options, units), .required = true, .min = 1, .max = 1 << 24},
    {.name = "activation", .type = LUB_OPTION_CHOICE, .choices = lub_activation_names, .offset = offsetof(lub_dense_options, activation), .nullable = true, .fallback = LUB_LINEAR},
    {.name = "use_bias", .type = LUB_OPTION_BOOL, .offset = offsetof(lub_dense_options, use_bias), .fallback = 1},
    LUB_INITIALIZER_OPTION(lub_dense_options, kernel_initializer, LUB_GLOROT_UNIFORM),
    LUB_INITIALIZER_OPTION(lub_dense_options, bias_initializer, LUB_ZEROS),
    LUB_REGULARIZER_OPTION(lub_dense_options, kernel_regularizer),
    LUB_REGULARIZER_OPTION(lub_dense_options, bias_regularizer),
    LUB_CONSTRAINT_OPTION(lub_dense_options, kernel_constraint),
    LUB_CONSTRAINT_OPTION(lub_dense_options, bias_constraint),
    LUB_OPTIONS_END};

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const lub_dense_options *o = layer->options;
  lub_status status = lub_check_input("dense", in, in->ndim > 0 ? in->ndim : 1, "(N, ..., features)", err);
  if (status != LUB_OK) return status;
  int64_t features = in->dim[in->ndim - 1];
  if (layer->built && layer->param[0].shape.dim[0] != features)
    return lub_fail(err, LUB_EARG, "dense: input must have %lld features, got %lld",
                    (long long)layer->param[0].shape.dim[0], (long long)features);
  *out = *in;
  out->dim[out->ndim - 1] = o->units;
  return LUB_OK;
}

static int params(const lub_layer *layer, const lub_shape *in, lub_param *param) {
  const lub_dense_options *o = layer->options;
  int64_t features = in->dim[in->ndim - 1];
  param[0] = (lub_param){.name = "kernel", .shape = {2, {features, o->units}}, LUB_OPTIONS_OF(kernel),
                         .fan_in = features, .fan_out = o->units, .trainable = true};
  if (!o->use_bias) return 1;
  param[1] = (lub_param){.name = "bias", .shape = {1, {o->units}}, LUB_OPTIONS_OF(bias),
                         .fan_in = o->units, .fan_out = o->units, .trainable = true};
  return 2;
}

static int64_t scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out) {
  (void)layer;
  return in->dim[in->ndim - 1] * out->dim[out->ndim - 1];
}

static void forward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const int64_t units = pass->out->dim[pass->out->ndim - 1], features = pass->in->dim[pass->in->ndim - 1];
  const int64_t rows = lub_shape_size(pass->in) / features;
  lub_rows_times(pass->x[0], layer->param[0].value, pass->y, rows, features, units);
  if (layer->nparams > 1) lub_add_bias(pass->y, layer->param[1].value, rows, units);
}

static void backward(const lub_pass *pass) {
  const lub_layer *layer = pass->layer;
  const int64_t units = pass->out->dim[pass->out->ndim - 1], features = pass->in->dim[pass->in->ndim - 1];
  const int64_t rows = lub_shape_size(pass->in) / features;
  if (layer->nparams > 1) lub_add_bias_gradient(pass->gparam[1], pass->gy, rows, units);
  lub_rows_times_gradients(pass->x[0], layer->param[0].value, pass->gy, pass->gx[0], pass->gparam[0], rows, features,
                           units, pass->scratch);
}

const lub_layer_kind lub_dense_kind = {.name = "Dense",
                                       .options = options,
                                       .options_size = sizeof(lub_dense_options),
                                       .activation_at = offsetof(lub_dense_options, activation),
                                       .inputs = 1,
                                       .output_shape = output_shape,
                                       .params = params,
                                       .scratch = scratch,
                                       .forward = forward,
                                       .backward = backward};
