/* Convolution, bias, relu, max-pool and dropout as one stage, one row of the pool at a time, so that what lies
 * between them never leaves the first-level cache.
 *
 * Forward: the pool_h rows of convolution behind one output row, then lub_pool_row. One byte per output tells
 * backward where the gradient goes.
 * Backward: the gradient of pool_h rows of convolution is spread out of the output row's, adds its part to the
 * kernel's gradient, and stays in a ring of rows until every input row it touches is complete: the
 * gradient of an input row is a convolution of the ring with the kernel turned round. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/kernels/kernels.h"
#include "nn/layers/kinds.h"
#include "nn/stage.h"

typedef struct conv_state {
  const lub_nn_kernels *kernels;
  int64_t height, width, channels;    /* input */
  int64_t above, left;                /* zeros before the first row and column ("same") */
  int64_t padded_height, padded_width;
  int64_t kernel_h, kernel_w;
  int64_t conv_width;                 /* columns of convolution */
  int64_t rows, columns, filters;     /* output */
  int pool_h, pool_w;
  int dropout;                        /* which of the stage's layers drops; -1: none */
  double rate;
  int64_t lanes_in, lanes_out;        /* channels and filters in whole vectors */
  float *forward_weights;             /* terms (kh, kw, c), lanes of filters */
  float *backward_weights;            /* terms (kh, kw turned round, filters in lanes), lanes of channels */
  float *bias;
} conv_state;

static bool padded(const conv_state *s) {
  return s->padded_height > s->height || s->padded_width > s->width || s->above > 0 || s->left > 0;
}

static int64_t image_floats(const conv_state *s) {
  return padded(s) ? lub_round_up(s->padded_height * s->padded_width * s->channels, 16) : 0;
}
static int64_t ring_rows(const conv_state *s) { return s->kernel_h - 1 + s->pool_h; }
static int64_t ring_row_floats(const conv_state *s) { return (s->conv_width + 2 * (s->kernel_w - 1)) * s->lanes_out; }

/* === weights === */

static void pack(lub_stage *stage) {
  const lub_layer *layer = stage->layer[0];
  if (stage->version[0] == layer->version) return;
  conv_state *s = stage->state;
  const int vector = s->kernels->vector;
  const int64_t terms = s->kernel_h * s->kernel_w * s->channels;
  const int64_t back_terms = s->kernel_h * s->kernel_w * s->lanes_out;
  const float *k = layer->param[0].value;
  for (int64_t i = 0; i < s->kernel_h; i++)
    for (int64_t j = 0; j < s->kernel_w; j++)
      for (int64_t c = 0; c < s->channels; c++)
        for (int64_t o = 0; o < s->filters; o++, k++) {
          int64_t term = (i * s->kernel_w + j) * s->channels + c;
          int64_t back = (i * s->kernel_w + s->kernel_w - 1 - j) * s->lanes_out + o;
          s->forward_weights[lub_packed_at(terms, term, s->lanes_out, o, vector)] = *k;
          s->backward_weights[lub_packed_at(back_terms, back, s->lanes_in, c, vector)] = *k;
        }
  if (layer->nparams > 1) memcpy(s->bias, layer->param[1].value, sizeof(float) * (size_t)s->filters);
  stage->version[0] = layer->version;
}

static void add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]) {
  const conv_state *s = stage->state;
  const int64_t terms = s->kernel_h * s->kernel_w * s->channels;
  for (int64_t term = 0; term < terms; term++)
    for (int64_t o = 0; o < s->filters; o++)
      gparam[0][0][term * s->filters + o] +=
          gradient[lub_packed_at(terms, term, s->lanes_out, o, s->kernels->vector)];
  if (stage->layer[0]->nparams > 1)
    for (int64_t o = 0; o < s->filters; o++) gparam[0][1][o] += gradient[terms * s->lanes_out + o];
}

/* === passes === */

/* The input with its border of zeros: x itself where there is none. */
static const float *pad(const conv_state *s, const float *x, float *image) {
  if (!padded(s)) return x;
  memset(image, 0, sizeof(float) * (size_t)(s->padded_height * s->padded_width * s->channels));
  for (int64_t y = 0; y < s->height; y++)
    memcpy(image + ((y + s->above) * s->padded_width + s->left) * s->channels, x + y * s->width * s->channels,
           sizeof(float) * (size_t)(s->width * s->channels));
  return image;
}

static lub_pool_row pool_row_of(const lub_stage *stage, const lub_stage_pass *pass, int64_t sample) {
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
  float *image = pass->scratch, *band = image + image_floats(s);
  const float **rows = (const float **)(void *)(band + s->pool_h * pixels * s->lanes_out);
  const float **runs = rows + s->pool_h;
  for (int64_t n = 0; n < pass->count; n++) {
    const float *x = pad(s, pass->x[0] + n * in, image);
    lub_pool_row row = pool_row_of(stage, pass, pass->sample + n);
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

/* The gradient of padded input row `y`, added to gx where that row is real. */
static void add_input_row(const conv_state *s, int64_t y, float *const *ring, const float *zeros, const float **runs,
                          float *line, float *gx) {
  if (y < s->above || y >= s->above + s->height) return;
  for (int64_t k = 0; k < s->kernel_h; k++) {
    int64_t r = y - k;
    bool real = r >= 0 && r < s->rows * s->pool_h;
    runs[k] = (real ? ring[r % ring_rows(s)] : zeros) + s->left * s->lanes_out;
  }
  s->kernels->convolve_row(line, s->width, s->lanes_in, runs, s->kernel_h, s->kernel_w * s->lanes_out, s->lanes_out,
                           s->backward_weights);
  float *to = gx + (y - s->above) * s->width * s->channels;
  for (int64_t x = 0; x < s->width; x++)
    for (int64_t c = 0; c < s->channels; c++) to[x * s->channels + c] += line[x * s->lanes_in + c];
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  const conv_state *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out);
  const int64_t pixels = s->columns * s->pool_w, line_floats = s->padded_width * s->channels;
  const int64_t nring = ring_rows(s), ring_floats = ring_row_floats(s), border = (s->kernel_w - 1) * s->lanes_out;
  float *image = pass->scratch, *ring_block = image + image_floats(s);
  float *zeros = ring_block + nring * ring_floats, *line = zeros + ring_floats;
  float **ring = (float **)(void *)(line + s->width * s->lanes_in);
  float **spread = ring + nring;
  const float **runs = (const float **)(spread + s->pool_h);
  float *bias_gradient = pass->gradient + s->kernel_h * s->kernel_w * s->channels * s->lanes_out;
  memset(ring_block, 0, sizeof(float) * (size_t)((nring + 1) * ring_floats));
  for (int64_t i = 0; i < nring; i++) ring[i] = ring_block + i * ring_floats;

  for (int64_t n = 0; n < pass->count; n++) {
    const float *x = pad(s, pass->x[0] + n * in, image);
    float *gx = pass->gx[0] ? pass->gx[0] + n * in : NULL;
    lub_pool_row row = pool_row_of(stage, pass, pass->sample + n);
    int64_t complete = 0; /* padded input rows below this one have their gradient */
    for (int64_t r = 0; r < s->rows; r++) {
      int64_t at = r * s->columns * s->filters, first = r * s->pool_h;
      for (int i = 0; i < s->pool_h; i++) spread[i] = ring[(first + i) % nring] + border;
      row.argmax = (uint8_t *)pass->saved + n * out + at;
      s->kernels->unpool_row(&row, pass->gy + n * out + at, spread, bias_gradient);
      for (int i = 0; i < s->pool_h; i++) {
        for (int64_t k = 0; k < s->kernel_h; k++) runs[k] = x + (first + i + k) * line_floats;
        s->kernels->add_kernel_gradient(pass->gradient, spread[i], pixels, s->lanes_out, runs, s->kernel_h,
                                        s->kernel_w * s->channels, s->channels);
      }
      if (!gx) continue;
      for (; complete < first + s->pool_h; complete++) add_input_row(s, complete, ring, zeros, runs, line, gx);
    }
    if (!gx) continue;
    for (; complete < s->rows * s->pool_h + s->kernel_h - 1; complete++)
      add_input_row(s, complete, ring, zeros, runs, line, gx);
  }
}

/* === life === */

static void free_state(lub_stage *stage) {
  conv_state *s = stage->state;
  if (!s) return;
  free(s->forward_weights);
  free(s->backward_weights);
  free(s->bias);
  free(s);
}

static const lub_stage_kind conv_kind = {.name = "conv",
                                         .pack = pack,
                                         .forward = forward,
                                         .backward = backward,
                                         .add_gradient = add_gradient,
                                         .free = free_state};

lub_status lub_conv_stage(lub_stage *stage, lub_error *err) {
  const lub_conv2d_options *conv = stage->layer[0]->options;
  conv_state *s = calloc(1, sizeof *s);
  if (!s) return lub_nomem(err, "conv2d", sizeof *s);
  stage->kind = &conv_kind;
  stage->state = s;
  s->kernels = lub_nn_kernels_now();
  const lub_shape *in = &stage->in[0];
  s->height = in->dim[0], s->width = in->dim[1], s->channels = in->dim[2];
  s->kernel_h = conv->kernel_size[0], s->kernel_w = conv->kernel_size[1];
  s->rows = stage->out.dim[0], s->columns = stage->out.dim[1], s->filters = conv->filters;
  lub_window h = lub_window_over(s->height, s->kernel_h, 1, 1, conv->padding);
  lub_window w = lub_window_over(s->width, s->kernel_w, 1, 1, conv->padding);
  s->above = h.before, s->left = w.before, s->conv_width = w.out;
  s->padded_height = h.out + s->kernel_h - 1, s->padded_width = w.out + s->kernel_w - 1;
  s->pool_h = s->pool_w = 1;
  s->dropout = -1;
  for (int i = 1; i < stage->nlayers; i++) {
    if (stage->layer[i]->kind == &lub_max_pooling2d_kind) {
      const lub_max_pooling2d_options *pool = stage->layer[i]->options;
      s->pool_h = (int)pool->pool_size[0], s->pool_w = (int)pool->pool_size[1];
    } else if (stage->layer[i]->kind == &lub_dropout_kind) {
      s->dropout = i;
      s->rate = ((const lub_dropout_options *)stage->layer[i]->options)->rate;
    }
  }
  s->lanes_in = lub_round_up(s->channels, s->kernels->vector);
  s->lanes_out = lub_round_up(s->filters, s->kernels->vector);

  const int64_t terms = s->kernel_h * s->kernel_w * s->channels;
  const int64_t back_terms = s->kernel_h * s->kernel_w * s->lanes_out;
  const int64_t pointers = (int64_t)sizeof(float *) * (ring_rows(s) + s->pool_h + s->kernel_h + s->pool_h);
  const int64_t band = s->pool_h * s->columns * s->pool_w * s->lanes_out;
  const int64_t back = (ring_rows(s) + 1) * ring_row_floats(s) + s->width * s->lanes_in;
  stage->gradient_size = (terms + 1) * s->lanes_out;
  stage->saved_size = (size_t)lub_shape_size(&stage->out);
  stage->scratch_size = sizeof(float) * (size_t)(image_floats(s) + (band > back ? band : back)) + (size_t)pointers;
  s->forward_weights = lub_calloc((size_t)(terms * s->lanes_out), sizeof(float));
  s->backward_weights = lub_calloc((size_t)(back_terms * s->lanes_in), sizeof(float));
  s->bias = lub_calloc((size_t)s->lanes_out, sizeof(float));
  if (!s->forward_weights || !s->backward_weights || !s->bias)
    return lub_nomem(err, "conv2d", 4.0 * (double)((terms + back_terms) * s->lanes_out));
  return LUB_OK;
}
