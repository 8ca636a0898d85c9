/* The way back of the convolution stage.
 *
 * Dense: the gradient of pool_h rows of convolution is spread out of an output row's, adds its part to the kernel's
 * gradient, and stays in a ring of rows until every input row it touches is complete: the gradient of an
 * input row is a convolution of the ring with the kernel turned round; where there is no pool, perhaps of two rows at
 * once, by Winograd's tiles.
 * Few terms: the kernel's gradient in registers, straight from the output row's.
 * Sparse: see kernels/sparse.c. */
#include <string.h>

#include "base/memory.h"
#include "nn/stages/conv.h"

/* Two input rows at once, and two columns, want one more of each. */
static int64_t input_rows(const conv_state *s) { return s->winograd_back_weights ? 2 : 1; }
static int64_t ring_rows(const conv_state *s) { return s->kernel_h - 1 + s->pool_h + input_rows(s) - 1; }
static int64_t ring_row_floats(const conv_state *s) {
  return (s->conv_width + 2 * (s->kernel_w - 1) + input_rows(s) - 1) * s->lanes_out;
}
static int64_t input_row_floats(const conv_state *s) { return lub_round_up(s->width, input_rows(s)) * s->lanes_in; }
static int64_t tiles_floats(const conv_state *s) {
  return s->winograd_back_weights ? lub_winograd_scratch((int)s->kernel_h, 2, s->lanes_out) : 0;
}
static int64_t terms_of(const conv_state *s) { return s->kernel_h * s->kernel_w * s->channels; }

/* === dense === */

/* The ring and what goes with it, in a thread's scratch. */
typedef struct ring {
  float **row;         /* ring_rows of them */
  float **spread;      /* the pool_h rows of the output row at hand, behind their borders */
  const float **runs;  /* kernel_h, or one more */
  float *zeros, *line; /* an empty row; input_rows of the input's gradient */
  float *tiles;        /* the tiles' scratch */
} ring;

static size_t ring_bytes(const conv_state *s) {
  const int64_t lines = input_rows(s) * input_row_floats(s);
  return sizeof(float) * (size_t)((ring_rows(s) + 1) * ring_row_floats(s) + lines + tiles_floats(s)) +
         sizeof(float *) * (size_t)(ring_rows(s) + s->pool_h + s->kernel_h + 1);
}

static ring make_ring(const conv_state *s, float *block) {
  const int64_t rows = ring_rows(s), floats = ring_row_floats(s);
  memset(block, 0, sizeof(float) * (size_t)((rows + 1) * floats)); /* the borders stay zero */
  ring g = {.zeros = block + rows * floats};
  g.line = g.zeros + floats;
  g.tiles = g.line + input_rows(s) * input_row_floats(s);
  g.row = (float **)(void *)(g.tiles + tiles_floats(s));
  g.spread = g.row + rows;
  g.runs = (const float **)(g.spread + s->pool_h);
  for (int64_t i = 0; i < rows; i++) g.row[i] = block + i * floats;
  return g;
}

/* Row r of convolution's gradient in the ring, from where the input's first column takes it. */
static const float *ring_row(const conv_state *s, const ring *g, int64_t r) {
  const bool real = r >= 0 && r < s->rows * s->pool_h;
  return (real ? g->row[r % ring_rows(s)] : g->zeros) + s->left * s->lanes_out;
}

static void add_line(const conv_state *s, const float *line, int64_t y, float *gx) {
  float *to = gx + (y - s->above) * s->width * s->channels;
  for (int64_t x = 0; x < s->width; x++)
    for (int64_t c = 0; c < s->channels; c++) to[x * s->channels + c] += line[x * s->lanes_in + c];
}

/* The gradient of padded input row `y`, or of that and the next, added to gx where they are real. */
static void add_input_rows(const conv_state *s, const ring *g, int64_t y, float *gx) {
  const int64_t end = s->above + s->height;
  if (s->winograd_back_weights) {
    float *out[2] = {g->line, g->line + input_row_floats(s)};
    for (int64_t i = 0; i <= s->kernel_h; i++) g->runs[i] = ring_row(s, g, y - s->kernel_h + 1 + i);
    const lub_winograd_row tiles = {.kernel = (int)s->kernel_h, .edge = 2, .tiles = (s->width + 1) / 2,
                                    .channels = s->lanes_out, .lanes = s->lanes_in, .in = g->runs,
                                    .weights = s->winograd_back_weights, .scratch = g->tiles, .out = out};
    s->kernels->winograd_row(&tiles);
    add_line(s, out[0], y, gx);
    if (y + 1 < end) add_line(s, out[1], y + 1, gx);
    return;
  }
  for (int64_t k = 0; k < s->kernel_h; k++) g->runs[k] = ring_row(s, g, y - k);
  s->kernels->convolve_row(g->line, s->width, s->lanes_in, g->runs, s->kernel_h, s->kernel_w * s->lanes_out,
                           s->lanes_out, s->backward_weights);
  add_line(s, g->line, y, gx);
}

static void dense_sample(const conv_state *s, lub_pool_row *row, const float *x, const float *gy, uint8_t *argmax,
                         float *gx, float *gradient, float *block) {
  const int64_t pixels = s->columns * s->pool_w, line = s->padded_width * s->channels;
  const int64_t nring = ring_rows(s), border = (s->kernel_w - 1) * s->lanes_out;
  float *bias_gradient = gradient ? gradient + terms_of(s) * s->lanes_out : NULL;
  ring g = make_ring(s, block);
  const int64_t end = s->above + s->height, step = input_rows(s);
  int64_t complete = s->above; /* padded input rows from the first real one up to this one have their gradient */
  for (int64_t r = 0; r < s->rows; r++) {
    const int64_t at = r * s->columns * s->filters, first = r * s->pool_h;
    for (int i = 0; i < s->pool_h; i++) g.spread[i] = g.row[(first + i) % nring] + border;
    row->argmax = argmax ? argmax + at : NULL;
    s->kernels->unpool_row(row, gy + at, g.spread, bias_gradient);
    for (int i = 0; i < s->pool_h && gradient; i++) {
      for (int64_t k = 0; k < s->kernel_h; k++) g.runs[k] = x + (first + i + k) * line;
      s->kernels->add_kernel_gradient(gradient, g.spread[i], pixels, s->lanes_out, g.runs, s->kernel_h,
                                      s->kernel_w * s->channels, s->channels);
    }
    for (; gx && complete < end && complete + step <= first + s->pool_h; complete += step)
      add_input_rows(s, &g, complete, gx);
  }
  for (; gx && complete < end; complete += step) add_input_rows(s, &g, complete, gx);
}

/* === few terms === */

static void few_terms_sample(const conv_state *s, const lub_pool_row *pool, const float *x, const float *gy,
                             const uint8_t *argmax, float *gradient) {
  int32_t at[LUB_FEW_TERMS];
  const int64_t length = s->kernel_w * s->channels, line = s->padded_width * s->channels;
  for (int64_t t = 0; t < terms_of(s); t++) at[t] = (int32_t)(t / length * line + t % length);
  lub_few_terms row = {.columns = s->columns, .channels = s->filters, .lanes = s->lanes_out, .pool_h = s->pool_h,
                       .pool_w = s->pool_w, .terms = (int)terms_of(s), .step = s->channels, .line = line, .at = at,
                       .scale = pool->scale, .gradient = gradient,
                       .bias_gradient = gradient + terms_of(s) * s->lanes_out};
  for (int64_t r = 0; r < s->rows; r++) {
    row.x = x + r * s->pool_h * line;
    row.gy = gy + r * s->columns * s->filters;
    row.argmax = argmax ? argmax + r * s->columns * s->filters : NULL;
    s->kernels->few_terms_gradient(&row);
  }
}

/* === sparse === */

static lub_sparse sparse_of(const conv_state *s) {
  return (lub_sparse){.rows = s->rows, .columns = s->columns, .channels = s->filters, .pool_h = s->pool_h,
                      .pool_w = s->pool_w, .kernel_h = s->kernel_h, .run = s->run, .step = s->channels,
                      .line = s->padded_width * s->channels, .weights = s->patch_weights};
}

static size_t sparse_bytes(const conv_state *s) {
  const lub_sparse sample = sparse_of(s);
  const size_t list = (sizeof(float) + sizeof(int32_t)) * (size_t)lub_sparse_list_floats(&sample);
  return sizeof(float) * (size_t)lub_conv_image_floats(s) + list;
}

static void sparse_sample(const conv_state *s, const lub_pool_row *pool, const float *x, const float *gy,
                          const uint8_t *argmax, float *gx, float *gradient, float *block) {
  float *image = block; /* the gradient of the input's copy */
  lub_sparse sample = sparse_of(s);
  sample.gy = gy, sample.argmax = argmax, sample.scale = pool->scale, sample.x = x, sample.gx = gx;
  sample.gradient = gradient, sample.bias_gradient = gradient + s->filters * s->kernel_h * s->run;
  sample.value = image + lub_conv_image_floats(s);
  sample.offset = (int32_t *)(void *)(sample.value + lub_sparse_list_floats(&sample));
  if (gx && s->copies) {
    memset(image, 0, sizeof(float) * (size_t)lub_conv_image_floats(s));
    sample.gx = image;
  }
  s->kernels->sparse_backward(&sample);
  if (!gx || !s->copies) return;
  for (int64_t y = 0; y < s->height; y++) {
    const float *from = image + (y + s->above) * sample.line + s->left * s->channels;
    float *to = gx + y * s->width * s->channels;
    for (int64_t i = 0; i < s->width * s->channels; i++) to[i] += from[i];
  }
}

/* === all ways === */

size_t lub_conv_backward_scratch(const conv_state *s) {
  return sizeof(float) * (size_t)lub_conv_image_floats(s) + (s->way == CONV_SPARSE ? sparse_bytes(s) : ring_bytes(s));
}

int64_t lub_conv_gradient_floats(const conv_state *s) {
  if (s->way == CONV_SPARSE) return s->filters * (s->kernel_h * s->run + 1);
  return (terms_of(s) + 1) * s->lanes_out;
}

void lub_conv_backward(const lub_stage *stage, const lub_stage_pass *pass) {
  const conv_state *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out);
  float *image = pass->scratch, *block = image + lub_conv_image_floats(s);
  for (int64_t n = 0; n < pass->count; n++) {
    const float *x = lub_conv_image(s, pass->x[0] + n * in, image), *gy = pass->gy + n * out;
    float *gx = pass->gx[0] ? pass->gx[0] + n * in : NULL;
    uint8_t *argmax = lub_conv_keeps_places(stage) ? (uint8_t *)pass->saved + n * out : NULL;
    lub_pool_row row = lub_conv_pool_row(stage, pass, pass->sample + n);
    if (s->way == CONV_SPARSE) {
      sparse_sample(s, &row, x, gy, argmax, gx, pass->gradient, block);
      continue;
    }
    if (s->way == CONV_FEW_TERMS) few_terms_sample(s, &row, x, gy, argmax, pass->gradient);
    if (s->way == CONV_DENSE || gx)
      dense_sample(s, &row, x, gy, argmax, gx, s->way == CONV_DENSE ? pass->gradient : NULL, block);
  }
}

/* Where the packed gradient of term (i, j, c) begins, for filter `first` and its block, `*step` floats apart. */
static int64_t gradient_at(const conv_state *s, int64_t term, int64_t first, int64_t *step) {
  const int64_t length = s->kernel_w * s->channels;
  *step = s->way == CONV_SPARSE ? s->kernel_h * s->run : 1;
  if (s->way == CONV_SPARSE) return (first * s->kernel_h + term / length) * s->run + term % length;
  if (s->way == CONV_FEW_TERMS) return term * s->lanes_out + first;
  return lub_packed_at(terms_of(s), term, s->lanes_out, first, s->kernels->vector);
}

void lub_conv_add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]) {
  const conv_state *s = stage->state;
  const int64_t terms = terms_of(s), most = 2 * s->kernels->vector;
  const int64_t bias_at = lub_conv_gradient_floats(s) - (s->way == CONV_SPARSE ? s->filters : s->lanes_out);
  for (int64_t first = 0; first < s->filters; first += most)
    for (int64_t term = 0; term < terms; term++) {
      int64_t step, at = gradient_at(s, term, first, &step);
      float *to = gparam[0][0] + term * s->filters + first;
      for (int64_t o = 0; o < most && first + o < s->filters; o++) to[o] += gradient[at + o * step];
    }
  if (stage->layer[0]->nparams > 1)
    for (int64_t o = 0; o < s->filters; o++) gparam[0][1][o] += gradient[bias_at + o];
}
