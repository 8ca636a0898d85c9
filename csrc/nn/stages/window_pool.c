/* MaxPooling and AveragePooling of any window, stride and padding, over one axis or two: an output pixel at a time.
 * Padding is no part of a window: no maximum and no average sees it. */
#include <stdlib.h>

#include "nn/kernels/kernels.h"
#include "nn/layers/pooling.h"
#include "nn/stage.h"

typedef struct window_pool {
  const lub_nn_kernels *kernels;
  lub_windows win;
  int64_t channels;
  bool largest;
} window_pool;

bool lub_is_window_pool(const lub_layer *layer) {
  return layer->kind == &lub_max_pooling1d_kind || layer->kind == &lub_max_pooling2d_kind ||
         layer->kind == &lub_average_pooling1d_kind || layer->kind == &lub_average_pooling2d_kind;
}

/* Which taps of the window are inside at place `at` of an axis: *first .. *last - 1. */
static void taps_inside(const lub_window *w, int64_t at, int64_t *first, int64_t *last) {
  const int64_t begin = at * w->stride - w->before;
  *first = begin < 0 ? -begin : 0;
  *last = begin + w->size > w->in ? w->in - begin : w->size;
}

/* The taps, as offsets from the first element under the window's first tap (which may lie outside). */
static void list_taps(const window_pool *s, const int64_t rows[2], const int64_t columns[2], int64_t *offset,
                      lub_pool_pixel *pixel) {
  pixel->taps = 0;
  for (int64_t i = rows[0]; i < rows[1]; i++)
    for (int64_t j = columns[0]; j < columns[1]; j++) offset[pixel->taps++] = (i * s->win.w.in + j) * s->channels;
  pixel->share = 1 / (float)pixel->taps;
}

static void each_pixel(const window_pool *s, const lub_pool_pixel *sample, int64_t *offset,
                       void (*work)(const lub_pool_pixel *)) {
  const lub_window *h = &s->win.h, *w = &s->win.w;
  int64_t rows[2], columns[2];
  lub_pool_pixel pixel = *sample;
  pixel.channels = s->channels, pixel.offset = offset;
  for (int64_t r = 0; r < h->out; r++) {
    taps_inside(h, r, &rows[0], &rows[1]);
    int64_t listed[2] = {-1, -1};
    for (int64_t c = 0; c < w->out; c++) {
      taps_inside(w, c, &columns[0], &columns[1]);
      if (columns[0] != listed[0] || columns[1] != listed[1]) list_taps(s, rows, columns, offset, &pixel);
      listed[0] = columns[0], listed[1] = columns[1];
      const int64_t from = ((r * h->stride - h->before) * w->in + c * w->stride - w->before) * s->channels;
      const int64_t to = (r * w->out + c) * s->channels;
      pixel.x = sample->x + from;
      pixel.y = sample->y + to;
      if (sample->gx) pixel.gx = sample->gx + from, pixel.gy = sample->gy + to;
      work(&pixel);
    }
  }
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  const window_pool *s = stage->state;
  const lub_window_kernels *k = s->kernels->window;
  for (int64_t n = 0; n < pass->count; n++) {
    const lub_pool_pixel sample = {.x = pass->x[0] + n * lub_shape_size(&stage->in[0]),
                                   .y = pass->y + n * lub_shape_size(&stage->out)};
    each_pixel(s, &sample, pass->scratch, s->largest ? k->max_pixel : k->average_pixel);
  }
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  const window_pool *s = stage->state;
  const lub_window_kernels *k = s->kernels->window;
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out);
  for (int64_t n = 0; n < pass->count && pass->gx[0]; n++) {
    const lub_pool_pixel sample = {.x = pass->x[0] + n * in, .y = pass->y + n * out, .gy = pass->gy + n * out,
                                   .gx = pass->gx[0] + n * in};
    each_pixel(s, &sample, pass->scratch, s->largest ? k->max_pixel_back : k->average_pixel_back);
  }
}

static void free_state(lub_stage *stage) { free(stage->state); }

static const lub_stage_kind window_pool_kind = {
    .name = "window pool", .forward = forward, .backward = backward, .free = free_state};

lub_status lub_window_pool_stage(lub_stage *stage, lub_error *err) {
  window_pool *s = calloc(1, sizeof *s);
  if (!s) return lub_nomem(err, "pool", sizeof *s);
  const lub_layer *layer = stage->layer[0];
  stage->kind = &window_pool_kind;
  stage->state = s;
  s->kernels = lub_nn_kernels_now();
  s->win = lub_pool_windows(layer, &stage->in[0]);
  s->channels = stage->out.dim[stage->out.ndim - 1];
  s->largest = layer->kind == &lub_max_pooling1d_kind || layer->kind == &lub_max_pooling2d_kind;
  stage->scratch_size = sizeof(int64_t) * (size_t)(s->win.h.size * s->win.w.size);
  return LUB_OK;
}
