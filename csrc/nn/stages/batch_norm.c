/* Batch normalization while training, with the relu, max-pool and dropout behind it: it must see the whole batch before
 * it can say anything of a sample. Forward: sums over the batch (shard by shard, added in order), then the rows of each
 * sample are normalized into a band and pooled like a convolution's. Backward, with xhat = (x - mean) / deviation and g
 * the gradient behind the normalization, spread out of the pool:
 *   d beta = sum g,  d gamma = sum g xhat,  d x = gamma / deviation * (g - mean(g) - xhat * mean(g xhat)).
 * Sums are in double; x is taken relative to its first pixel, so that a large mean costs no precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/sum.h"
#include "nn/layers/axes.h"
#include "nn/layers/pooling.h"
#include "nn/stages/batch_norm.h"

static const lub_norm_state *state_of(const lub_norm_call *c) { return c->stage->state; }

static lub_channel_run run_of(const lub_norm_state *s, const float *x, int64_t pixels) {
  return (lub_channel_run){.pixels = pixels, .channels = s->channels, .lanes = s->lanes, .x = x};
}

static int64_t in_size(const lub_norm_state *s) { return s->height * s->width * s->channels; }
static int64_t out_size(const lub_norm_state *s) { return s->rows * s->columns * s->channels; }
static int64_t row_floats(const lub_norm_state *s) { return s->width * s->lanes; }

static lub_pool_row pool_row_of(const lub_norm_call *c, int64_t sample) {
  const lub_norm_state *s = state_of(c);
  lub_pool_row row = {.columns = s->columns, .channels = s->channels, .lanes = s->lanes, .pool_h = s->pool_h,
                      .pool_w = s->pool_w, .bias = s->zeros, .relu = c->stage->activation == LUB_RELU, .scale = 1};
  if (s->dropout >= 0) {
    row.threshold = lub_drop_threshold(s->rate);
    row.key = lub_stage_key(c->pass, c->stage->number[s->dropout], sample);
    row.scale = (float)(1 / (1 - s->rate));
  }
  return row;
}

/* Adds the shards' partial sums, two by channel, in order. */
static void add_partials(const lub_norm_state *s, int shards, double *first, double *second) {
  for (int64_t i = 0; i < s->channels; i++) {
    first[i] = second[i] = 0;
    for (int shard = 0; shard < shards; shard++) {
      first[i] += s->partial[(2 * shard) * s->channels + i];
      second[i] += s->partial[(2 * shard + 1) * s->channels + i];
    }
  }
}

double *lub_norm_partial(const lub_norm_state *s, int64_t shard) {
  double *partial = s->partial + 2 * shard * s->channels;
  memset(partial, 0, sizeof(double) * (size_t)(2 * s->channels));
  return partial;
}

/* === forward === */

static void sum_shard(void *context, int64_t shard, int thread) {
  (void)thread;
  const lub_norm_call *c = context;
  const lub_norm_state *s = state_of(c);
  double *partial = lub_norm_partial(s, shard);
  int64_t first, last;
  lub_shard_range(c->pass->count, c->shards, (int)shard, &first, &last);
  lub_channel_run run = run_of(s, c->pass->x[0] + first * in_size(s), (last - first) * s->height * s->width);
  s->kernels->channel_sums(&run, s->shift, partial, partial + s->channels);
}

static void normalize_shard(void *context, int64_t shard, int thread) {
  const lub_norm_call *c = context;
  const lub_norm_state *s = state_of(c);
  float *band = (float *)c->pass->scratch + thread * c->pass->scratch_step;
  const float **rows = (const float **)(void *)(band + s->pool_h * row_floats(s));
  int64_t first, last;
  lub_shard_range(c->pass->count, c->shards, (int)shard, &first, &last);
  for (int64_t n = first; n < last; n++) {
    lub_pool_row row = pool_row_of(c, c->pass->sample + n);
    row.rows = rows;
    for (int64_t r = 0; r < s->rows; r++) {
      for (int i = 0; i < s->pool_h; i++) {
        const float *x = c->pass->x[0] + n * in_size(s) + (r * s->pool_h + i) * s->width * s->channels;
        lub_channel_run run = run_of(s, x, s->columns * s->pool_w);
        float *to = band + i * row_floats(s);
        s->kernels->channel_affine(&run, s->scale, s->offset, to);
        rows[i] = to;
      }
      const int64_t at = r * s->columns * s->channels;
      row.first = (uint32_t)at;
      row.y = c->pass->y + n * out_size(s) + at;
      row.argmax = (uint8_t *)c->pass->saved + n * lub_round_up(out_size(s), 4) + at;
      s->kernels->pool_row(&row);
    }
  }
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  lub_norm_state *s = stage->state;
  const lub_layer *layer = stage->layer[0];
  const lub_batch_normalization bn = lub_batch_normalization_of(layer);
  const lub_batch_normalization_options *o = layer->options;
  lub_norm_call c = {.stage = stage, .pass = pass, .shards = lub_shards(pass->count, LUB_MAX_SHARDS)};
  const double count = (double)(pass->count * s->height * s->width);
  for (int64_t i = 0; i < s->channels; i++) s->shift[i] = pass->x[0][i * s->step];
  lub_parallel(c.shards, pass->threads, s->walks->sums, &c);
  add_partials(s, c.shards, s->mean, s->variance);
  for (int64_t i = 0; i < s->channels; i++) {
    const double mean = s->mean[i] / count, variance = s->variance[i] / count - mean * mean;
    s->mean[i] = mean + s->shift[i];
    s->variance[i] = variance > 0 || variance != variance ? variance : 0;
    const double inverse = 1 / sqrt(s->variance[i] + o->epsilon);
    const double gamma = bn.gamma < 0 ? 1 : layer->param[bn.gamma].value[i];
    s->hat_scale[i] = (float)inverse;
    s->hat_offset[i] = (float)(-s->mean[i] * inverse);
    s->scale[i] = (float)(gamma * inverse);
    s->offset[i] = (float)((bn.beta < 0 ? 0 : layer->param[bn.beta].value[i]) - s->mean[i] * gamma * inverse);
  }
  lub_parallel(c.shards, pass->threads, s->walks->normalize, &c);
}

/* === backward === */

/* Spreads the gradient of output row r of sample n over pool_h rows of full width; what the pool leaves out is 0. */
static void spread_row(const lub_norm_call *c, int64_t n, int64_t r, lub_pool_row *row, float *band, float **rows) {
  const lub_norm_state *s = state_of(c);
  const int64_t at = r * s->columns * s->channels;
  for (int i = 0; i < s->pool_h; i++) rows[i] = band + i * row_floats(s);
  row->argmax = (uint8_t *)c->pass->saved + n * lub_round_up(out_size(s), 4) + at;
  s->kernels->unpool_row(row, c->pass->gy + n * out_size(s) + at, rows, NULL);
}

static void gradient_sum_shard(void *context, int64_t shard, int thread) {
  const lub_norm_call *c = context;
  const lub_norm_state *s = state_of(c);
  float *band = (float *)c->pass->scratch + thread * c->pass->scratch_step;
  float **rows = (float **)(void *)(band + (s->pool_h + 1) * row_floats(s));
  double *partial = lub_norm_partial(s, shard);
  int64_t first, last;
  memset(band, 0, sizeof(float) * (size_t)(s->pool_h * row_floats(s)));
  lub_shard_range(c->pass->count, c->shards, (int)shard, &first, &last);
  for (int64_t n = first; n < last; n++) {
    lub_pool_row row = pool_row_of(c, c->pass->sample + n);
    for (int64_t r = 0; r < s->rows; r++) {
      spread_row(c, n, r, &row, band, rows);
      for (int i = 0; i < s->pool_h; i++) {
        const float *x = c->pass->x[0] + n * in_size(s) + (r * s->pool_h + i) * s->width * s->channels;
        lub_channel_run run = run_of(s, x, s->columns * s->pool_w);
        s->kernels->channel_gradient_sums(&run, rows[i], s->hat_scale, s->hat_offset, partial, partial + s->channels);
      }
    }
  }
}

static void gradient_shard(void *context, int64_t shard, int thread) {
  const lub_norm_call *c = context;
  const lub_norm_state *s = state_of(c);
  float *band = (float *)c->pass->scratch + thread * c->pass->scratch_step;
  float *empty = band + s->pool_h * row_floats(s);
  float **rows = (float **)(void *)(empty + row_floats(s));
  int64_t first, last;
  memset(band, 0, sizeof(float) * (size_t)((s->pool_h + 1) * row_floats(s)));
  lub_shard_range(c->pass->count, c->shards, (int)shard, &first, &last);
  for (int64_t n = first; n < last; n++) {
    lub_pool_row row = pool_row_of(c, c->pass->sample + n);
    for (int64_t y = 0; y < s->height; y++) {
      const int64_t r = y / s->pool_h, i = y % s->pool_h, at = n * in_size(s) + y * s->width * s->channels;
      if (r < s->rows && i == 0) spread_row(c, n, r, &row, band, rows);
      lub_channel_run run = run_of(s, c->pass->x[0] + at, s->width);
      s->kernels->channel_gradient(&run, r < s->rows ? rows[i] : empty, s->a, s->b, s->d, c->pass->gx[0] + at,
                                   !c->pass->stores);
    }
  }
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  lub_norm_state *s = stage->state;
  const lub_layer *layer = stage->layer[0];
  const lub_batch_normalization bn = lub_batch_normalization_of(layer);
  lub_norm_call c = {.stage = stage, .pass = pass, .shards = lub_shards(pass->count, LUB_MAX_SHARDS)};
  const double count = (double)(pass->count * s->height * s->width);
  lub_parallel(c.shards, pass->threads, s->walks->gradient_sums, &c);
  add_partials(s, c.shards, s->g, s->gx);
  for (int64_t i = 0; i < s->channels; i++) {
    if (bn.gamma >= 0) pass->gradient[bn.gamma * s->channels + i] += (float)s->gx[i];
    if (bn.beta >= 0) pass->gradient[bn.beta * s->channels + i] += (float)s->g[i];
    const double scale = s->scale[i], product = s->gx[i] / count;
    s->a[i] = (float)scale;
    s->b[i] = (float)(-scale * product * s->hat_scale[i]);
    s->d[i] = (float)(-scale * (s->g[i] / count + product * s->hat_offset[i]));
  }
  if (pass->gx[0]) lub_parallel(c.shards, pass->threads, s->walks->gradient, &c);
}

static void finish(const lub_stage *stage) {
  const lub_norm_state *s = stage->state;
  lub_layer *layer = stage->layer[0];
  const lub_batch_normalization bn = lub_batch_normalization_of(layer);
  const double momentum = ((const lub_batch_normalization_options *)layer->options)->momentum;
  for (int64_t i = 0; i < s->channels; i++) {
    float *mean = &layer->param[bn.mean].value[i], *variance = &layer->param[bn.variance].value[i];
    *mean = (float)(*mean * momentum + s->mean[i] * (1 - momentum));
    *variance = (float)(*variance * momentum + s->variance[i] * (1 - momentum));
  }
  layer->version++;
}

/* === life === */

/* What is which axis of the input; and by what walks. */
static void lay_out(lub_norm_state *s, const lub_layer *layer, const lub_shape *in) {
  static const lub_norm_walks last_axis_walks = {sum_shard, normalize_shard, gradient_sum_shard, gradient_shard};
  const int axis = lub_axis_at(((const lub_batch_normalization_options *)layer->options)->axis, in);
  s->channels = in->dim[axis];
  s->lanes = lub_round_up(s->channels, s->kernels->vector);
  if (axis == in->ndim - 1) {
    s->walks = &last_axis_walks;
    s->step = 1;
    s->width = in->ndim >= 2 ? in->dim[in->ndim - 2] : 1;
  } else {
    s->walks = &lub_norm_axis_walks;
    s->width = 1;
    for (int i = axis + 1; i < in->ndim; i++) s->width *= in->dim[i];
    s->step = s->width;
  }
  s->height = lub_shape_size(in) / (s->width * s->channels);
}

static void free_state(lub_stage *stage) {
  lub_norm_state *s = stage->state;
  if (!s) return;
  free(s->partial);
  free(s->shift);
  free(s);
}

static const lub_stage_kind norm_kind = {.name = "batch norm",
                                         .whole_batch = true,
                                         .stores_gradient = true,
                                         .forward = forward,
                                         .backward = backward,
                                         .add_gradient = lub_reference_add_gradient,
                                         .finish = finish,
                                         .free = free_state};

lub_status lub_batch_norm_stage(lub_stage *stage, lub_error *err) {
  lub_norm_state *s = calloc(1, sizeof *s);
  if (!s) return lub_nomem(err, "batch_normalization", sizeof *s);
  stage->kind = &norm_kind;
  stage->state = s;
  s->kernels = lub_nn_kernels_now();
  const lub_shape *in = &stage->in[0];
  lay_out(s, stage->layer[0], in);
  s->pool_h = s->pool_w = 1;
  s->dropout = -1;
  for (int i = 1; i < stage->nlayers; i++) {
    const lub_layer *layer = stage->layer[i];
    if (layer->kind == &lub_max_pooling1d_kind || layer->kind == &lub_max_pooling2d_kind) {
      const lub_windows pool = lub_pool_windows(layer, in);
      s->pool_h = (int)pool.h.size, s->pool_w = (int)pool.w.size;
    } else if (layer->kind == &lub_dropout_kind) {
      s->dropout = i;
      s->rate = ((const lub_dropout_options *)layer->options)->rate;
    }
  }
  s->rows = s->height / s->pool_h, s->columns = s->width / s->pool_w;

  s->partial = lub_calloc((size_t)((2 * LUB_MAX_SHARDS + 4) * s->channels), sizeof(double));
  s->shift = lub_calloc((size_t)(9 * s->lanes), sizeof(float));
  if (!s->partial || !s->shift) return lub_nomem(err, "batch_normalization", 300.0 * (double)s->channels);
  s->mean = s->partial + 2 * LUB_MAX_SHARDS * s->channels;
  s->variance = s->mean + s->channels, s->g = s->variance + s->channels, s->gx = s->g + s->channels;
  float **arrays[] = {&s->hat_scale, &s->hat_offset, &s->scale, &s->offset, &s->a, &s->b, &s->d, &s->zeros};
  for (int i = 0; i < 8; i++) *arrays[i] = s->shift + (i + 1) * s->lanes;
  stage->gradient_size = lub_layer_count(stage->layer[0], false);
  if (s->walks == &lub_norm_axis_walks) return LUB_OK; /* they keep nothing */
  stage->saved_size = (size_t)lub_round_up(out_size(s), 4);
  stage->scratch_size = sizeof(float) * (size_t)((s->pool_h + 1) * row_floats(s)) + sizeof(float *) * (size_t)s->pool_h;
  return LUB_OK;
}
