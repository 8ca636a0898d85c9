#include "nn/layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/layers/kinds.h"

const lub_layer_kind *const lub_layer_kinds[] = {&lub_input_kind,
                                                 &lub_conv1d_kind,
                                                 &lub_conv2d_kind,
                                                 &lub_depthwise_conv2d_kind,
                                                 &lub_separable_conv2d_kind,
                                                 &lub_max_pooling1d_kind,
                                                 &lub_max_pooling2d_kind,
                                                 &lub_average_pooling1d_kind,
                                                 &lub_average_pooling2d_kind,
                                                 &lub_global_average_pooling1d_kind,
                                                 &lub_global_average_pooling2d_kind,
                                                 &lub_global_max_pooling1d_kind,
                                                 &lub_global_max_pooling2d_kind,
                                                 &lub_dense_kind,
                                                 &lub_flatten_kind,
                                                 &lub_reshape_kind,
                                                 &lub_permute_kind,
                                                 &lub_zero_padding1d_kind,
                                                 &lub_zero_padding2d_kind,
                                                 &lub_cropping1d_kind,
                                                 &lub_cropping2d_kind,
                                                 &lub_batch_normalization_kind,
                                                 &lub_layer_normalization_kind,
                                                 &lub_dropout_kind,
                                                 &lub_spatial_dropout1d_kind,
                                                 &lub_spatial_dropout2d_kind,
                                                 &lub_gaussian_noise_kind,
                                                 &lub_activation_kind,
                                                 &lub_relu_kind,
                                                 &lub_leaky_relu_kind,
                                                 &lub_prelu_kind,
                                                 &lub_elu_kind,
                                                 &lub_softmax_kind,
                                                 &lub_lstm_kind,
                                                 &lub_gru_kind,
                                                 &lub_bidirectional_kind,
                                                 &lub_add_kind,
                                                 &lub_subtract_kind,
                                                 &lub_multiply_kind,
                                                 &lub_average_kind,
                                                 &lub_maximum_kind,
                                                 &lub_minimum_kind,
                                                 &lub_concatenate_kind,
                                                 NULL};

const lub_layer_kind *lub_layer_kind_named(const char *name) {
  for (const lub_layer_kind *const *kind = lub_layer_kinds; *kind; kind++)
    if (strcmp((*kind)->name, name) == 0) return *kind;
  return NULL;
}

lub_layer *lub_layer_new(const lub_layer_kind *kind, const void *options) {
  lub_layer *layer = calloc(1, sizeof *layer);
  if (!layer) return NULL;
  layer->kind = kind;
  layer->trainable = true;
  layer->options = malloc(kind->options_size > 0 ? kind->options_size : 1);
  if (!layer->options) {
    free(layer);
    return NULL;
  }
  memcpy(layer->options, options, kind->options_size);
  return layer;
}

void lub_layer_free(lub_layer *layer) {
  if (!layer) return;
  for (int i = 0; i < layer->nparams; i++) free(layer->param[i].value);
  free(layer->options);
  free(layer);
}

int64_t lub_param_size(const lub_param *param) { return lub_shape_size(&param->shape); }

int64_t lub_layer_count(const lub_layer *layer, bool trainable_only) {
  int64_t count = 0;
  for (int i = 0; i < layer->nparams; i++)
    if (!trainable_only || (layer->trainable && layer->param[i].trainable)) count += lub_param_size(&layer->param[i]);
  return count;
}

lub_activation lub_layer_activation(const lub_layer *layer) {
  if (layer->kind->activation_at < 0) return layer->kind->activation;
  int choice = *(const int *)((const char *)layer->options + layer->kind->activation_at);
  return choice == LUB_NONE_CHOICE ? LUB_LINEAR : (lub_activation)choice;
}

static lub_status initialize(const lub_layer *layer, const lub_param *param, uint64_t key, lub_error *err) {
  lub_object plain;
  lub_initializer_default(param->initializer, &plain);
  const lub_object *how = param->initialized_by ? param->initialized_by : &plain;
  lub_error inner;
  lub_status status = lub_initialize(how, param->value, &param->shape, param->fan_in, param->fan_out, key, &inner);
  if (status == LUB_OK) return LUB_OK;
  return lub_fail(err, status, "%s: %s: %s", layer->kind->name, param->name, inner.message);
}

static lub_status check_constraints(const lub_layer *layer, const lub_param *params, int n, lub_error *err) {
  for (int i = 0; i < n; i++) {
    lub_error inner;
    const lub_status status = lub_check_constraint(params[i].constraint, &params[i].shape, &inner);
    if (status != LUB_OK)
      return lub_fail(err, status, "%s: %s: %s", layer->kind->name, params[i].name, inner.message);
  }
  return LUB_OK;
}

static lub_status make_weights(lub_layer *layer, const lub_param *params, int n, uint64_t seed, lub_error *err) {
  for (int i = 0; i < n; i++) {
    lub_param *param = &layer->param[i];
    *param = params[i];
    int64_t size = lub_param_size(param);
    param->value = size < 0 || size > INT64_C(1) << 40 ? NULL : lub_alloc(sizeof(float) * (size_t)size);
    lub_status status = param->value ? initialize(layer, param, lub_mix(lub_mix(seed, 0x57EED), (uint64_t)i), err)
                                     : lub_nomem(err, layer->kind->name, size < 0 ? INFINITY : 4.0 * (double)size);
    if (status == LUB_OK) continue;
    for (int j = 0; j <= i; j++) free(layer->param[j].value);
    return status;
  }
  layer->nparams = n;
  if (layer->kind->begin) layer->kind->begin(layer);
  layer->built = true;
  layer->version++;
  return LUB_OK;
}

int64_t lub_layer_needs(const lub_layer *layer, const lub_shape *in) {
  lub_param params[LUB_MAX_PARAMS];
  memset(params, 0, sizeof params);
  int n = layer->kind->params ? layer->kind->params(layer, in, params) : 0;
  int64_t total = 0;
  for (int i = 0; i < n; i++) {
    int64_t size = lub_param_size(&params[i]);
    if (size < 0 || size > INT64_MAX - total) return INT64_MAX;
    total += size;
  }
  return total;
}

lub_status lub_layer_build_empty(lub_layer *layer, const lub_shape *in, lub_error *err) {
  lub_param params[LUB_MAX_PARAMS];
  memset(params, 0, sizeof params);
  int n = layer->kind->params ? layer->kind->params(layer, in, params) : 0;
  if (layer->built) return LUB_OK;
  lub_status status = check_constraints(layer, params, n, err);
  if (status != LUB_OK) return status;
  for (int i = 0; i < n; i++) {
    int64_t size = lub_param_size(&params[i]);
    params[i].value = size < 0 || size > INT64_C(1) << 40 ? NULL : lub_alloc(sizeof(float) * (size_t)size);
    if (params[i].value) {
      lub_expect_fill(params[i].value, sizeof(float) * (size_t)size);
      continue;
    }
    while (i-- > 0) free(params[i].value);
    return lub_nomem(err, layer->kind->name, 4.0 * (double)size);
  }
  memcpy(layer->param, params, sizeof params);
  layer->nparams = n;
  layer->built = true;
  layer->version++;
  return LUB_OK;
}

lub_status lub_layer_output_shape(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err) {
  const lub_layer_kind *kind = layer->kind;
  if (kind->inputs == LUB_MANY_INPUTS && n >= 1 && n <= LUB_MAX_INPUTS)
    return kind->merged_shape(layer, in, n, out, err);
  if (kind->inputs == LUB_MANY_INPUTS)
    return lub_fail(err, LUB_EARG, "%s takes 1 to %d inputs, got %d", kind->name, LUB_MAX_INPUTS, n);
  if (n != kind->inputs)
    return lub_fail(err, LUB_EARG, "%s takes %d input%s, got %d", kind->name, kind->inputs,
                    kind->inputs == 1 ? "" : "s", n);
  return kind->merged_shape ? kind->merged_shape(layer, in, n, out, err) : kind->output_shape(layer, in, out, err);
}

lub_status lub_layer_build(lub_layer *layer, const lub_shape *in, int n, uint64_t seed, lub_shape *out,
                           lub_error *err) {
  lub_status status = lub_layer_output_shape(layer, in, n, out, err);
  if (status != LUB_OK) return status;
  if (lub_shape_size(out) < 0)
    return lub_fail(err, LUB_EARG, "%s: the output's size overflows", layer->kind->name);
  lub_param params[LUB_MAX_PARAMS];
  memset(params, 0, sizeof params);
  int count = layer->kind->params ? layer->kind->params(layer, in, params) : 0;
  status = check_constraints(layer, params, count, err);
  if (status != LUB_OK) return status;
  if (!layer->built) return make_weights(layer, params, count, seed, err);
  for (int i = 0; i < count; i++) {
    if (lub_shape_equal(&params[i].shape, &layer->param[i].shape)) continue;
    char wanted[LUB_SHAPE_TEXT], has[LUB_SHAPE_TEXT], input[LUB_SHAPE_TEXT];
    return lub_fail(err, LUB_EARG, "%s: its %s has shape %s, but an input of %s needs %s", layer->kind->name,
                    params[i].name, lub_shape_text(&layer->param[i].shape, "?", has), lub_shape_text(in, "?", input),
                    lub_shape_text(&params[i].shape, "?", wanted));
  }
  return LUB_OK;
}
