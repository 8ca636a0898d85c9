/* Convolution, bias, relu, max-pool and dropout as one stage, one row of the pool at a time, so that what lies
 * between them never leaves the first-level cache. How a row is computed rests on shapes alone (choose_forward): by
 * Winograd's tiles where a 2x2 or 3x3 kernel has channels enough, else as the pool_h rows of convolution behind an
 * output row, then lub_pool_row. One byte per output tells the way back (conv_backward.c) where the gradient goes. */
#include "nn/stages/conv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/layers/convolution.h"
#include "nn/layers/pooling.h"

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

bool lub_conv_keeps_places(const lub_stage *stage) {
  const conv_state *s = stage->state;
  return stage->activation == LUB_RELU || s->pool_h * s->pool_w > 1 || s->dropout >= 0;
}

/* What one row of output needs, in a thread's scratch. */
typedef struct band {
  float *rows, *winograd; /* pool_h rows of convolution, or two for CONV_WINOGRAD; its scratch */
  const float **in;       /* the rows of input under one row of output, or under two */
  float **row;            /* the rows */
} band;

static int64_t band_rows(const conv_state *s) { return s->pool_h > 2 || s->forward != CONV_WINOGRAD ? s->pool_h : 2; }
static int64_t band_pixels(const conv_state *s) { return s->columns * s->pool_w; }
static int64_t band_inputs(const conv_state *s) {
  return s->kernel_h - 1 + (s->wide_weights ? 4 : band_rows(s)); /* tiles of 4x4 outputs have two rows of windows */
}

static int64_t tiles_floats(const conv_state *s) {
  return s->forward == CONV_WINOGRAD ? lub_winograd_scratch((int)s->kernel_h, s->wide_weights ? 4 : 2, s->channels) : 0;
}

static size_t band_bytes(const conv_state *s) {
  const int64_t floats = lub_conv_image_floats(s) + tiles_floats(s) + band_rows(s) * band_pixels(s) * s->lanes_out;
  return sizeof(float) * (size_t)floats + sizeof(float *) * (size_t)(band_rows(s) + band_inputs(s));
}

static band make_band(const conv_state *s, float *block) {
  band b = {.winograd = block};
  b.rows = block + tiles_floats(s);
  b.row = (float **)(void *)(b.rows + band_rows(s) * band_pixels(s) * s->lanes_out);
  b.in = (const float **)(b.row + band_rows(s));
  for (int64_t i = 0; i < band_rows(s); i++) b.row[i] = b.rows + i * band_pixels(s) * s->lanes_out;
  return b;
}

/* Pixels from `first` on of one row of convolution, over the kernel_h rows at `in`. */
static void convolve(const conv_state *s, float *row, int64_t first, const float **in) {
  for (int64_t k = 0; k < s->kernel_h; k++) in[k] += first * s->channels;
  s->kernels->convolve_row(row + first * s->lanes_out, band_pixels(s) - first, s->lanes_out, in, s->kernel_h,
                           s->kernel_w * s->channels, s->channels, s->forward_weights);
  for (int64_t k = 0; k < s->kernel_h; k++) in[k] -= first * s->channels;
}

static lub_winograd_row tiles_of(const conv_state *s, const band *b, int edge) {
  return (lub_winograd_row){.kernel = (int)s->kernel_h, .edge = edge, .channels = s->channels, .lanes = s->lanes_out,
                            .in = b->in, .weights = edge == 4 ? s->wide_weights : s->winograd_weights,
                            .scratch = b->winograd};
}

/* Two rows of convolution without a pool; what is left of an odd width is computed the plain way. */
static void winograd_rows(const conv_state *s, const band *b) {
  const int64_t whole = band_pixels(s) / 2 * 2;
  lub_winograd_row tiles = tiles_of(s, b, 2);
  tiles.tiles = whole / 2;
  tiles.out = b->row;
  s->kernels->winograd_row(&tiles);
  if (whole == band_pixels(s)) return;
  convolve(s, b->row[0], whole, b->in);
  convolve(s, b->row[1], whole, b->in + 1);
}

/* Rows that must be computed together: two rows of tiles without a pool, or two rows of windows. */
static int64_t rows_together(const conv_state *s) {
  return s->wide_weights || (s->forward == CONV_WINOGRAD && s->pool_h == 1) ? 2 : 1;
}

/* Whether row r is computed together with its neighbour, the one before it or the one behind it. */
static bool is_paired(const conv_state *s, int64_t r) {
  return rows_together(s) == 2 && (r % 2 == 1 || r + 1 < s->rows);
}

/* Windows of a 2x2 pool by tiles: `count` in row r from column `first` on; with an edge of 4 in the next row too. */
static void winograd_windows(const conv_state *s, int64_t r, int64_t first, int64_t count, int edge, const float *x,
                             const lub_pool_row *image, const band *b) {
  const int64_t line = s->padded_width * s->channels, at = (r * s->columns + first) * s->filters;
  lub_pool_row row = *image;
  row.first += (uint32_t)at;
  row.y += at;
  if (row.argmax) row.argmax += at;
  for (int64_t k = 0; k < edge + s->kernel_h - 1; k++) b->in[k] = x + (2 * r + k) * line + 2 * first * s->channels;
  lub_winograd_row tiles = tiles_of(s, b, edge);
  tiles.tiles = 2 * count / edge;
  tiles.pool = &row;
  s->kernels->winograd_row(&tiles);
}

static void winograd_pooled(const conv_state *s, int64_t r, const float *x, const lub_pool_row *image, const band *b) {
  const int64_t even = s->columns / 2 * 2;
  if (!is_paired(s, r)) {
    winograd_windows(s, r, 0, s->columns, 2, x, image, b);
    return;
  }
  winograd_windows(s, r, 0, even, 4, x, image, b);
  if (even == s->columns) return;
  winograd_windows(s, r, even, 1, 2, x, image, b);
  winograd_windows(s, r + 1, even, 1, 2, x, image, b);
}

/* Row r of the output, or that and the next; `image` is of the sample's first row. */
static void forward_row(const conv_state *s, int64_t r, const float *x, const lub_pool_row *image, const band *b) {
  const int64_t line = s->padded_width * s->channels, at = r * s->columns * s->filters;
  const bool paired = is_paired(s, r), tiled = s->forward == CONV_WINOGRAD && s->pool_h == 2;
  if (tiled) {
    if (!paired || r % 2 == 0) winograd_pooled(s, r, x, image, b);
    return;
  }
  lub_pool_row row = *image;
  row.first += (uint32_t)at;
  row.y += at;
  if (row.argmax) row.argmax += at;
  if (paired && r % 2 == 1) { /* it was computed with the row before */
    row.rows = (const float *const *)&b->row[1];
    s->kernels->pool_row(&row);
    return;
  }
  for (int64_t k = 0; k < s->kernel_h + s->pool_h - 1 + paired; k++) b->in[k] = x + (r * s->pool_h + k) * line;
  if (s->forward == CONV_SINGLE) {
    s->kernels->single_channel_row(&row, b->in, (int)s->kernel_h, s->forward_weights);
    return;
  }
  if (paired) winograd_rows(s, b);
  else for (int i = 0; i < s->pool_h; i++) convolve(s, b->row[i], 0, b->in + i);
  row.rows = (const float *const *)b->row;
  s->kernels->pool_row(&row);
}

static int64_t bands(const lub_stage *stage, int threads) {
  enum { FEW_PRODUCTS = 100000 }; /* done as soon as shared */
  const conv_state *s = stage->state;
  const int64_t terms = s->kernel_h * s->kernel_w * s->channels, together = rows_together(s);
  if (s->rows * s->pool_h * band_pixels(s) * s->filters * terms < FEW_PRODUCTS) return 1;
  const int64_t most = (s->rows + together - 1) / together;
  return most < threads ? most : threads; /* not more: a thread should find its rows in its own cache */
}

/* A band's share of a sample: whole rows, and columns of the odd row behind all pairs. */
typedef struct share {
  int64_t first, last, left, right;
} share;

/* An odd row is less work than a pair: where all bands have as many pairs, each takes a part of it; else the first
 * does, which has the fewest. */
static share find_share(const conv_state *s, const lub_stage_pass *pass) {
  if (pass->bands == 0) return (share){0, s->rows, 0, 0};
  const int64_t together = rows_together(s), bands = pass->bands, number = pass->band;
  const bool odd = s->wide_weights && s->rows % 2 == 1;
  const int64_t count = odd ? s->rows / 2 : (s->rows + together - 1) / together;
  share own = {count * number / bands * together, count * (number + 1) / bands * together, 0, 0};
  if (own.last > s->rows) own.last = s->rows;
  if (!odd) return own;
  if (count % bands == 0) {
    own.left = s->columns * number / bands;
    own.right = s->columns * (number + 1) / bands;
  } else if (number == 0) {
    own.right = s->columns;
  }
  return own;
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  const conv_state *s = stage->state;
  const share own = find_share(s, pass);
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out);
  float *image = pass->scratch;
  const bool keeps = pass->keeps && lub_conv_keeps_places(stage);
  const band b = make_band(s, image + lub_conv_image_floats(s));
  for (int64_t n = 0; n < pass->count; n++) {
    const float *x = lub_conv_image(s, pass->x[0] + n * in, image);
    lub_pool_row row = lub_conv_pool_row(stage, pass, pass->sample + n);
    row.y = pass->y + n * out;
    row.argmax = keeps ? (uint8_t *)pass->saved + n * out : NULL;
    for (int64_t r = own.first; r < own.last; r++) forward_row(s, r, x, &row, &b);
    if (own.right > own.left) winograd_windows(s, s->rows - 1, own.left, own.right - own.left, 2, x, &row, &b);
  }
}

/* === life === */

static void free_state(lub_stage *stage) {
  conv_state *s = stage->state;
  if (!s) return;
  free(s->forward_weights);
  free(s->winograd_weights);
  free(s->wide_weights);
  free(s->winograd_back_weights);
  free(s->backward_weights);
  free(s->patch_weights);
  free(s->bias);
  free(s->scale);
  free(s);
}

static const lub_stage_kind conv_kind = {.name = "conv",
                                         .bands = bands,
                                         .pack = lub_conv_pack,
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
  s->rows = out->ndim == 2 ? 1 : out->dim[0], s->columns = out->dim[out->ndim - 2];
  s->filters = out->dim[out->ndim - 1];
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

/* Few channels would not repay Winograd's way in and out. */
static void choose_forward(conv_state *s) {
  enum { MANY = 8 };
  const bool small = s->kernel_h == s->kernel_w && (s->kernel_h == 2 || s->kernel_h == 3);
  const bool pooled = s->pool_h == 2 && s->pool_w == 2, bare = s->pool_h == 1 && s->pool_w == 1;
  s->forward = CONV_ROWS;
  if (small && pooled && s->channels == 1) s->forward = CONV_SINGLE;
  if (small && (pooled || bare) && s->channels >= MANY && s->filters >= MANY) s->forward = CONV_WINOGRAD;
}

static bool make_weights(conv_state *s, bool ties) {
  const int64_t taps = s->kernel_h * s->kernel_w, products = (s->kernel_h + 1) * (s->kernel_w + 1);
  const bool sparse = s->way == CONV_SPARSE, winograd = s->forward == CONV_WINOGRAD;
  const bool bare = s->way == CONV_DENSE && s->pool_h == 1 && s->pool_w == 1;
  const bool back_by_winograd = winograd && bare;
  const bool wide = winograd && !ties && s->kernel_h == 2 && s->pool_h == 2 && s->rows >= 2 && s->columns >= 2;
  struct {
    float **array;
    bool wanted;
    int64_t floats;
  } list[] = {{&s->forward_weights, true, taps * s->channels * s->lanes_out},
              {&s->winograd_weights, winograd, products * s->channels * s->lanes_out},
              {&s->wide_weights, wide, 25 * s->channels * s->lanes_out},
              {&s->winograd_back_weights, back_by_winograd, products * s->lanes_out * s->lanes_in},
              {&s->patch_weights, sparse, s->filters * s->kernel_h * s->run},
              {&s->backward_weights, !sparse && !back_by_winograd, taps * s->lanes_out * s->lanes_in},
              {&s->bias, true, s->lanes_out},
              {&s->scale, true, s->lanes_out}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    if (list[i].wanted) *list[i].array = lub_calloc((size_t)list[i].floats, sizeof(float));
    if (list[i].wanted && !*list[i].array) return false;
  }
  return true;
}

lub_status lub_conv_stage(lub_stage *stage, bool ties, lub_error *err) {
  conv_state *s = calloc(1, sizeof *s);
  if (!s) return lub_nomem(err, "conv", sizeof *s);
  stage->kind = &conv_kind;
  stage->state = s;
  s->kernels = lub_nn_kernels_now();
  read_layers(stage, s);
  choose_way(s);
  choose_forward(s);
  s->lanes_in = lub_round_up(s->channels, s->kernels->vector);
  s->lanes_out = lub_round_up(s->filters, s->kernels->vector);
  const int64_t floats = s->kernel_h * s->kernel_w * s->channels * s->lanes_out;
  if (!make_weights(s, ties)) return lub_nomem(err, "conv", 4.0 * (double)floats);
  const size_t there = band_bytes(s), back = lub_conv_backward_scratch(s);
  stage->scratch_size = there > back ? there : back;
  stage->gradient_size = lub_conv_gradient_floats(s);
  stage->saved_size = lub_conv_keeps_places(stage) ? (size_t)lub_shape_size(&stage->out) : 0;
  return LUB_OK;
}
