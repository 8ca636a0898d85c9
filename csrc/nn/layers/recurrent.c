#include "nn/layers/recurrent.h"

#include <string.h>

#include "base/random.h"

/* === options and shapes === */

lub_status lub_recurrent_check(const char *kind, const lub_recurrent_options *o, lub_error *err) {
  const lub_activation both[] = {lub_recurrent_function(o->activation),
                                 lub_recurrent_function(o->recurrent_activation)};
  for (int i = 0; i < 2; i++)
    if (both[i] == LUB_SOFTMAX || lub_activation_needs_input(both[i]))
      return lub_fail(err, LUB_EARG, "%s: the activation '%s' is not supported in it", kind,
                      lub_activation_names[both[i]]);
  if (o->recurrent_dropout > 0)
    return lub_fail(err, LUB_EARG, "%s: recurrent_dropout is not supported, only 0; dropout is", kind);
  if (o->return_state) return lub_fail(err, LUB_EARG, "%s: return_state is not supported, only false", kind);
  if (o->stateful) return lub_fail(err, LUB_EARG, "%s: stateful is not supported, only false", kind);
  return LUB_OK;
}

static const lub_cell *cell_of(const lub_layer_kind *kind) {
  return kind == &lub_lstm_kind ? &lub_lstm_cell : &lub_gru_cell;
}

lub_recurrence lub_recurrence_of(const lub_layer *layer, const lub_shape *in) {
  lub_recurrence r = {.count = 1, .merge = LUB_MERGE_NONE};
  if (in) r.steps = in->dim[0], r.features = in->dim[1];
  if (layer->kind == &lub_bidirectional_kind) {
    const lub_bidirectional_options *o = layer->options;
    const lub_inner_layer *second = o->backward_layer.kind ? &o->backward_layer : &o->layer;
    r.count = 2;
    r.merge = o->merge_mode;
    r.direction[0] = (lub_direction){.cell = cell_of(o->layer.kind), .options = (const void *)o->layer.options};
    r.direction[1] = (lub_direction){.cell = cell_of(second->kind),
                                     .options = (const void *)second->options,
                                     .first_param = lub_direction_params(&r.direction[0]),
                                     .backwards = true,
                                     .first_number = (uint32_t)r.features};
  } else {
    const lub_recurrent_options *o = layer->options;
    r.direction[0] = (lub_direction){.cell = cell_of(layer->kind), .options = o, .backwards = o->go_backwards};
  }
  r.sequences = r.direction[0].options->return_sequences;
  r.units = r.direction[0].options->units;
  return r;
}

int lub_direction_params(const lub_direction *direction) { return direction->options->use_bias ? 3 : 2; }

lub_status lub_recurrent_output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  const char *name = layer->kind == &lub_lstm_kind ? "lstm" : layer->kind == &lub_gru_kind ? "gru" : "bidirectional";
  lub_status status = lub_check_input(name, in, 2, "(N, steps, features)", err);
  if (status != LUB_OK) return status;
  if (layer->built && layer->param[0].shape.dim[0] != in->dim[1])
    return lub_fail(err, LUB_EARG, "%s: input must be (N, steps, %lld), got (N, %lld, %lld)", name,
                    (long long)layer->param[0].shape.dim[0], (long long)in->dim[0], (long long)in->dim[1]);
  lub_recurrence r = lub_recurrence_of(layer, in);
  int64_t width = r.merge == LUB_MERGE_CONCAT ? 2 * r.units : r.units;
  *out = r.sequences ? (lub_shape){.ndim = 2, .dim = {r.steps, width}} : (lub_shape){.ndim = 1, .dim = {width}};
  return LUB_OK;
}

int lub_recurrent_params(const lub_layer *layer, const lub_shape *in, lub_param *params) {
  static const char *const names[][3] = {{"kernel", "recurrent_kernel", "bias"},
                                         {"forward_kernel", "forward_recurrent_kernel", "forward_bias"},
                                         {"backward_kernel", "backward_recurrent_kernel", "backward_bias"}};
  lub_recurrence r = lub_recurrence_of(layer, in);
  for (int k = 0; k < r.count; k++) {
    const lub_recurrent_options *o = r.direction[k].options;
    const char *const *name = names[r.count == 1 ? 0 : k + 1];
    const int64_t columns = r.direction[k].cell->gates * r.units;
    lub_param *param = params + r.direction[k].first_param;
    param[0] = (lub_param){.name = name[0],
                           .shape = {2, {r.features, columns}},
                           LUB_OPTIONS_OF(kernel),
                           .fan_in = r.features,
                           .fan_out = columns,
                           .trainable = true};
    param[1] = (lub_param){.name = name[1],
                           .shape = {2, {r.units, columns}},
                           LUB_OPTIONS_OF(recurrent),
                           .fan_in = r.units,
                           .fan_out = columns,
                           .trainable = true};
    if (!o->use_bias) continue;
    const int rows = r.direction[k].cell->bias_rows(o);
    param[2] = (lub_param){.name = name[2],
                           .shape = rows == 1 ? (lub_shape){1, {columns}} : (lub_shape){2, {rows, columns}},
                           LUB_OPTIONS_OF(bias),
                           .fan_in = rows == 1 ? columns : rows,
                           .fan_out = columns,
                           .trainable = true};
  }
  return r.direction[r.count - 1].first_param + lub_direction_params(&r.direction[r.count - 1]);
}

void lub_recurrent_begin(lub_layer *layer) {
  lub_recurrence r = lub_recurrence_of(layer, NULL);
  for (int k = 0; k < r.count; k++) {
    const lub_direction *d = &r.direction[k];
    if (d->options->use_bias && d->cell->begin) d->cell->begin(d->options, layer->param + d->first_param);
  }
}

void lub_recurrent_mask(const lub_recurrence *r, int k, bool training, uint64_t key, float *mask) {
  const double rate = training ? r->direction[k].options->dropout : 0;
  const uint32_t threshold = lub_drop_threshold(rate), first = r->direction[k].first_number;
  for (int64_t j = 0; j < r->features; j++)
    mask[j] = lub_hash32(key, first + (uint32_t)j) >= threshold ? (float)(1 / (1 - rate)) : 0;
}

/* === the reference === */

enum { SCRATCH = 8 };

/* Where a direction keeps what, in the floats saved for a sample. */
typedef struct arrays {
  float *records; /* steps + 1 of them; the first one is the state before the first step: zeros */
  float *mask, *x, *gx;
  float *scratch, *gstate;
  int64_t floats;
} arrays;

static arrays arrays_at(const lub_recurrence *r, int k, float *at) {
  const lub_cell *cell = r->direction[k].cell;
  int64_t records = (r->steps + 1) * cell->record * r->units, f = r->features;
  if (!at) return (arrays){.floats = records + 3 * f + (SCRATCH + cell->state) * r->units};
  return (arrays){.records = at,
                  .mask = at + records,
                  .x = at + records + f,
                  .gx = at + records + 2 * f,
                  .scratch = at + records + 3 * f,
                  .gstate = at + records + 3 * f + SCRATCH * r->units};
}

int64_t lub_recurrent_saved_floats(const lub_layer *layer, const lub_shape *in) {
  lub_recurrence r = lub_recurrence_of(layer, in);
  int64_t floats = 0;
  for (int k = 0; k < r.count; k++) floats += arrays_at(&r, k, NULL).floats;
  return floats;
}

static arrays arrays_of(const lub_pass *pass, const lub_recurrence *r, int k) {
  return arrays_at(r, k, pass->saved + (k == 1 ? arrays_at(r, 0, NULL).floats : 0));
}

static lub_step step_of(const lub_pass *pass, const lub_recurrence *r, int k, const arrays *a, int64_t t) {
  const lub_direction *d = &r->direction[k];
  const int64_t record = d->cell->record * r->units;
  const float *x = pass->x[0] + lub_recurrent_input(r, k, t) * r->features;
  for (int64_t j = 0; j < r->features; j++) a->x[j] = x[j] * a->mask[j];
  return (lub_step){.options = d->options,
                    .param = pass->layer->param + d->first_param,
                    .features = r->features,
                    .units = r->units,
                    .x = a->x,
                    .before = a->records + t * record,
                    .record = a->records + (t + 1) * record,
                    .scratch = a->scratch,
                    .gstate = a->gstate,
                    .gx = a->gx};
}

static const float *h_of(const lub_recurrence *r, int k, const arrays *a, int64_t t) {
  return a->records + (t + 1) * r->direction[k].cell->record * r->units;
}

static int64_t width_of(const lub_recurrence *r) { return r->merge == LUB_MERGE_CONCAT ? 2 * r->units : r->units; }

/* Adds a step's output to y, which begins with 0, or 1 where outputs are multiplied. */
static void merge(const lub_recurrence *r, int k, const float *h, float *y) {
  for (int64_t u = 0; u < r->units; u++) switch (r->merge) {
    case LUB_MERGE_CONCAT: y[k * r->units + u] = h[u]; break;
    case LUB_MERGE_MUL: y[u] *= h[u]; break;
    case LUB_MERGE_AVE: y[u] += 0.5f * h[u]; break;
    default: y[u] += h[u];
    }
}

/* Adds to gh the gradient that a step's output gets; `other` is what the other direction gave there. */
static void merge_back(const lub_recurrence *r, int k, const float *gy, const float *other, float *gh) {
  for (int64_t u = 0; u < r->units; u++) switch (r->merge) {
    case LUB_MERGE_CONCAT: gh[u] += gy[k * r->units + u]; break;
    case LUB_MERGE_MUL: gh[u] += gy[u] * other[u]; break;
    case LUB_MERGE_AVE: gh[u] += 0.5f * gy[u]; break;
    default: gh[u] += gy[u];
    }
}

void lub_recurrent_forward(const lub_pass *pass) {
  const lub_recurrence r = lub_recurrence_of(pass->layer, pass->in);
  const int64_t width = width_of(&r), outputs = r.sequences ? r.steps : 1;
  for (int64_t i = 0; i < outputs * width; i++) pass->y[i] = r.merge == LUB_MERGE_MUL;
  for (int k = 0; k < r.count; k++) {
    const arrays a = arrays_of(pass, &r, k);
    lub_recurrent_mask(&r, k, pass->training, pass->key, a.mask);
    memset(a.records, 0, sizeof(float) * (size_t)(r.direction[k].cell->record * r.units));
    for (int64_t t = 0; t < r.steps; t++) {
      lub_step step = step_of(pass, &r, k, &a, t);
      r.direction[k].cell->step(&step);
      int64_t output = lub_recurrent_output(&r, k, t);
      if (output >= 0) merge(&r, k, h_of(&r, k, &a, t), pass->y + output * width);
    }
  }
}

void lub_recurrent_backward(const lub_pass *pass) {
  const lub_recurrence r = lub_recurrence_of(pass->layer, pass->in);
  const int64_t width = width_of(&r);
  for (int k = 0; k < r.count; k++) {
    const arrays a = arrays_of(pass, &r, k), other = r.count > 1 ? arrays_of(pass, &r, 1 - k) : a;
    memset(a.gstate, 0, sizeof(float) * (size_t)(r.direction[k].cell->state * r.units));
    for (int64_t t = r.steps - 1; t >= 0; t--) {
      int64_t output = lub_recurrent_output(&r, k, t), partner = r.sequences ? r.steps - 1 - t : t;
      if (output >= 0)
        merge_back(&r, k, pass->gy + output * width, h_of(&r, r.count > 1 ? 1 - k : k, &other, partner), a.gstate);
      lub_step step = step_of(pass, &r, k, &a, t);
      step.gparam = pass->gparam + r.direction[k].first_param;
      memset(a.gx, 0, sizeof(float) * (size_t)r.features);
      r.direction[k].cell->step_back(&step);
      float *gx = pass->gx[0] ? pass->gx[0] + lub_recurrent_input(&r, k, t) * r.features : NULL;
      for (int64_t j = 0; gx && j < r.features; j++) gx[j] += a.gx[j] * a.mask[j];
    }
  }
}

void lub_add_product(float *out, const float *x, int64_t n, const float *w, int64_t columns, int64_t first,
                     int64_t width) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t u = 0; u < width; u++) out[u] += x[i] * w[i * columns + first + u];
}

void lub_add_product_back(const float *g, const float *x, float *gx, int64_t n, const float *w, float *gw,
                          int64_t columns, int64_t first, int64_t width) {
  for (int64_t i = 0; i < n; i++) {
    float sum = 0;
    for (int64_t u = 0; u < width; u++) {
      gw[i * columns + first + u] += x[i] * g[u];
      sum += w[i * columns + first + u] * g[u];
    }
    gx[i] += sum;
  }
}
