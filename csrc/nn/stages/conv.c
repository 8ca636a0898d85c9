/* Convolution, bias, relu, max-pool and dropout as one stage, one row of the pool at a time, so that what lies
 * between them never leaves the first-level cache: the pool_h rows of convolution behind an output row, then
 * lub_pool_row. One byte per output tells the way back (conv_backward.c) where the gradient goes. */
#include "nn/stages/conv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/layers/convolution.h"
#include "nn/layers/pooling.h"

/* === weights === */

/* What filter o is multiplied by, and what is added behind it: 1 and the bias, or those with a normalization folded in. */
static void filter_affine(const lub_stage *stage, int64_t o, float *scale, float *offset) {
  const conv_state *s = stage->state;
  const lub_layer *layer = stage->layer[0];
  const float bias = layer->nparams > 1 ? layer->param[1].value[o] : 0;
  *scale = 1, *offset = 0;
  if (s->norm >= 0) lub_batch_normalization_affine(stage->layer[s->norm], o, scale, offset);
  *offset += *scale * bias;
}

static bool is_stale(const lub_stage *stage) {
  const conv_state *s = stage->state;
  return stage->version[0] != stage->layer[0]->version ||
         (s->norm >= 0 && stage->version[s->norm] != stage->layer[s->norm]->version);
}

static void pack(lub_stage *stage) {
  if (!is_stale(stage)) return;
  conv_state *s = stage->state;
  const int vector = s->kernels->vector;
  const int64_t terms = s->kernel_h * s->kernel_w * s->channels;
  const int64_t back_terms = s->kernel_h * s->kernel_w * s->lanes_out;
  for (int64_t o = 0; o < s->filters; o++) {
    float scale;
    filter_affine(stage, o, &scale, &s->bias[o]);
    for (int64_t term = 0; term < terms; term++) {
      const float k = stage->layer[0]->param[0].value[term * s->filters + o] * scale;
      const int64_t tap = term / s->channels, c = term % s->channels, i = tap / s->kernel_w, j = tap % s->kernel_w;
      const int64_t back = (i * s->kernel_w + s->kernel_w - 1 - j) * s->lanes_out + o;
      s->forward_weights[lub_packed_at(terms, term, s->lanes_out, o, vector)] = k;
      if (s->way == CONV_SPARSE) s->patch_weights[(o * s->kernel_h + i) * s->run + j * s->channels + c] = k;
      else s->backward_weights[lub_packed_at(back_terms, back, s->lanes_in, c, vector)] = k;
    }
  }
  stage->version[0] = stage->layer[0]->version;
  if (s->norm >= 0) stage->version[s->norm] = stage->layer[s->norm]->version;
}

/* === forward === */

int64_t lub_conv_image_floats(const conv_state *s) {
  return s->copies ? lub_round_up(s->padded_height * s->padded_width * s->channels + LUB_RUN, LUB_RUN) : 0;
}

const float *lub_conv_image(const conv_state *s, const float *x, float *image) {
  if (!s->copies) return x;
  memset(image, 0, sizeof(float) * (size_t)lub_conv_image_floats(s));
  for (int64_t y = 0; y < s->height; y++)
    memcpy(image + ((y + s->above) * s->padded_width + s->left) * s->channels, x + y * s->width * s->channels,
           sizeof(float) * (size_t)(s->width * s->channels));
  return image;
}

lub_pool_row lub_conv_pool_row(const lub_stage *stage, const lub_stage_pass *pass, int64_t sample) {
  const conv_state *s = stage->state;
  lub_pool_row row = {.columns = s->columns, .channels = s->filters, .lanes = s->lanes_out, .pool_h = s->pool_h,
                      .pool_w = s->pool_w, .bias = s->bias, .relu = stage->activation == LUB_RELU, .scale = 1};
  if (s->dropout >= 0 && pass->training) {
    row.threshold = lub_drop_threshold(s->rate);
    row.key = lub_stage_key(pass, stage->number[s->dropout], sample);
    row.scale = (float)(1 / (1 - s->rate));
  }
  return row;
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  const conv_state *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out);
  const int64_t pixels = s->columns * s->pool_w, line = s->padded_width * s->channels;
  float *image = pass->scratch, *band = image + lub_conv_image_floats(s);
  const float **rows = (const float **)(void *)(band + s->pool_h * pixels * s->lanes_out);
  const float **runs = rows + s->pool_h;
  for (int64_t n = 0; n < pass->count; n++) {
    const float *x = lub_conv_image(s, pass->x[0] + n * in, image);
    lub_pool_row row = lub_conv_pool_row(stage, pass, pass->sample + n);
    row.rows = rows;
    for (int64_t r = 0; r < s->rows; r++) {
      for (int i = 0; i < s->pool_h; i++) {
        float *to = band + i * pixels * s->lanes_out;
        for (int64_t k = 0; k < s->kernel_h; k++) runs[k] = x + (r * s->pool_h + i + k) * line;
        s->kernels->convolve_row(to, pixels, s->lanes_out, runs, s->kernel_h, s->kernel_w * s->channels, s->channels,
                                 s->forward_weights);
        rows[i] = to;
      }
      int64_t at = r * s->columns * s->filters;
      row.first = (uint32_t)at;
      row.y = pass->y + n * out + at;
      row.argmax = (uint8_t *)pass->saved + n * out + at;
      s->kernels->pool_row(&row);
    }
  }
}

/* === life === */

static void free_state(lub_stage *stage) {
  conv_state *s = stage->state;
  if (!s) return;
  free(s->forward_weights);
  free(s->backward_weights);
  free(s->patch_weights);
  free(s->bias);
  free(s);
}

static const lub_stage_kind conv_kind = {.name = "conv",
                                         .pack = pack,
                                         .forward = forward,
                                         .backward = lub_conv_backward,
                                         .add_gradient = lub_conv_add_gradient,
                                         .free = free_state};

/* A layer over (T, C) is one over an image of height 1. */
static void read_layers(const lub_stage *stage, conv_state *s) {
  const lub_windows win = lub_conv_windows(stage->layer[0], &stage->in[0]);
  const lub_shape *in = &stage->in[0], *out = &stage->out;
  s->height = win.h.in, s->width = win.w.in, s->channels = in->dim[in->ndim - 1];
  s->kernel_h = win.h.size, s->kernel_w = win.w.size;
  s->rows = out->ndim == 2 ? 1 : out->dim[0], s->columns = out->dim[out->ndim - 2], s->filters = out->dim[out->ndim - 1];
  s->above = win.h.before, s->left = win.w.before, s->conv_width = win.w.out;
  s->padded_height = win.h.out + s->kernel_h - 1, s->padded_width = win.w.out + s->kernel_w - 1;
  s->pool_h = s->pool_w = 1;
  s->dropout = s->norm = -1;
  const lub_shape conv_out = lub_windows_shape(&win, in, s->filters);
  for (int i = 1; i < stage->nlayers; i++) {
    const lub_layer *layer = stage->layer[i];
    if (layer->kind == &lub_max_pooling1d_kind || layer->kind == &lub_max_pooling2d_kind) {
      const lub_windows pool = lub_pool_windows(layer, &conv_out);
      s->pool_h = (int)pool.h.size, s->pool_w = (int)pool.w.size;
    } else if (layer->kind == &lub_batch_normalization_kind) {
      s->norm = i;
    } else if (layer->kind == &lub_dropout_kind) {
      s->dropout = i;
      s->rate = ((const lub_dropout_options *)layer->options)->rate;
    }
  }
}

static void choose_way(conv_state *s) {
  const int64_t length = s->kernel_w * s->channels;
  s->run = lub_round_up(length, LUB_RUN);
  if (s->kernel_h * length <= LUB_FEW_TERMS) s->way = CONV_FEW_TERMS;
  else if (s->pool_h * s->pool_w >= 3 && 4 * length >= 3 * s->run) s->way = CONV_SPARSE;
  else s->way = CONV_DENSE;
  s->copies = s->padded_height > s->height || s->padded_width > s->width || s->above > 0 || s->left > 0 ||
              (s->way == CONV_SPARSE && s->run > length);
}

lub_status lub_conv_stage(lub_stage *stage, lub_error *err) {
  conv_state *s = calloc(1, sizeof *s);
  if (!s) return lub_nomem(err, "conv", sizeof *s);
  stage->kind = &conv_kind;
  stage->state = s;
  s->kernels = lub_nn_kernels_now();
  read_layers(stage, s);
  choose_way(s);
  s->lanes_in = lub_round_up(s->channels, s->kernels->vector);
  s->lanes_out = lub_round_up(s->filters, s->kernels->vector);

  const int64_t taps = s->kernel_h * s->kernel_w;
  const size_t band = sizeof(float) * (size_t)(lub_conv_image_floats(s) + s->pool_h * s->columns * s->pool_w * s->lanes_out) +
                      sizeof(float *) * (size_t)(s->pool_h + s->kernel_h);
  const size_t back = lub_conv_backward_scratch(s);
  stage->scratch_size = band > back ? band : back;
  stage->gradient_size = lub_conv_gradient_floats(s);
  stage->saved_size = (size_t)lub_shape_size(&stage->out);
  s->forward_weights = lub_calloc((size_t)(taps * s->channels * s->lanes_out), sizeof(float));
  s->bias = lub_calloc((size_t)s->lanes_out, sizeof(float));
  float **back_weights = s->way == CONV_SPARSE ? &s->patch_weights : &s->backward_weights;
  const int64_t back_floats = s->way == CONV_SPARSE ? s->filters * s->kernel_h * s->run : taps * s->lanes_out * s->lanes_in;
  *back_weights = lub_calloc((size_t)back_floats, sizeof(float));
  if (!s->forward_weights || !*back_weights || !s->bias) return lub_nomem(err, "conv", 4.0 * (double)back_floats);
  return LUB_OK;
}
