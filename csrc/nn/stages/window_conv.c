/* Conv1D and Conv2D of any kernel, stride, dilation, groups, padding and activation: the stage's life, its weights,
 * and the way there. */
#include "nn/stages/window_conv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "nn/layers/convolution.h"
#include "nn/stages/packing.h"

/* === weights === */

static int64_t weights_at(const window_conv *s, int64_t group) {
  return group * (s->dots ? s->out * s->wide_terms : s->terms * s->lanes);
}

static void pack(lub_stage *stage) {
  const lub_layer *layer = stage->layer[0];
  window_conv *s = stage->state;
  if (stage->version[0] == layer->version) return;
  const lub_unpacked there = {.terms = s->terms, .n = s->out, .lanes = s->lanes, .term_step = s->filters,
                                .lane_step = 1};
  const lub_unpacked back = {.terms = s->out, .n = s->terms, .lanes = s->wide_terms, .term_step = 1,
                             .lane_step = s->filters};
  for (int64_t g = 0; g < s->groups; g++) {
    const float *kernel = layer->param[s->kernel].value + g * s->out;
    float *forward = s->forward_weights + weights_at(s, g);
    if (!s->dots) lub_pack(&there, kernel, forward, s->kernels->vector);
    for (int64_t term = 0; term < s->terms && s->dots; term++)
      for (int64_t o = 0; o < s->out; o++) forward[o * s->wide_terms + term] = kernel[term * s->filters + o];
    lub_pack(&back, kernel, s->backward_weights + g * s->out * s->wide_terms, s->kernels->vector);
    for (int64_t o = 0; o < s->out && layer->nparams > s->kernel + 1; o++)
      s->bias[g * s->lanes + o] = layer->param[s->kernel + 1].value[g * s->out + o];
  }
  stage->version[0] = layer->version;
}

/* === images and patches === */

int64_t lub_window_conv_image_floats(const window_conv *s) {
  return s->padded ? lub_round_up(s->image_height * s->image_width * s->channels, LUB_RUN) : 0;
}

/* Behind the images of all samples: what went into each one's activation, and then, where the batch is taken at once,
 * its gradient, in whole vectors and aligned. */
static int64_t kept_floats(const lub_stage *stage, const window_conv *s) {
  if (s->whole) return s->pixels * s->lanes;
  return lub_activation_needs_input(stage->activation) ? s->pixels * s->filters : 0;
}

float *lub_window_conv_saved_image(const window_conv *s, const lub_stage_pass *pass, int64_t i) {
  return (float *)pass->saved + i * lub_window_conv_image_floats(s);
}

float *lub_window_conv_kept(const lub_stage *stage, const lub_stage_pass *pass, int64_t i) {
  const window_conv *s = stage->state;
  float *first = (float *)pass->saved + pass->count * lub_window_conv_image_floats(s);
  if (s->whole) first = (float *)(((uintptr_t)first + LUB_ALIGN - 1) / LUB_ALIGN * LUB_ALIGN);
  return first + i * kept_floats(stage, s);
}

static const float *make_image(const window_conv *s, const float *x, float *image) {
  if (!s->padded) return x;
  const int64_t line = s->image_width * s->channels, filled = s->win.w.in * s->channels;
  memset(image, 0, sizeof(float) * (size_t)lub_window_conv_image_floats(s));
  for (int64_t y = 0; y < s->win.h.in; y++)
    memcpy(image + (y + s->win.h.before) * line + s->win.w.before * s->channels, x + y * filled,
           sizeof(float) * (size_t)filled);
  return image;
}

const float *lub_window_conv_patches(const window_conv *s, const float *image, int64_t first, int64_t n, float *block,
                                     int64_t *step) {
  *step = s->pointwise ? s->channels : s->wide_terms;
  if (s->pointwise) return image + first * s->channels;
  s->kernels->window->gather_patches(&s->patches, image, first, n, block);
  return block;
}

void lub_window_conv_runs(const window_conv *s, const float *image, int64_t row, const float **runs) {
  for (int64_t r = 0; r < s->patches.runs; r++) runs[r] = image + row * s->patches.line + s->patches.offset[r];
}

/* === the way there === */

static void forward_rows(const window_conv *s, const float *image, const float *weights, const float *bias, bool relu,
                         float *y, float *line) {
  const float **runs = (const float **)(void *)(line + s->win.w.out * s->lanes);
  for (int64_t row = 0; row < s->win.h.out; row++, y += s->win.w.out * s->filters) {
    lub_window_conv_runs(s, image, row, runs);
    s->kernels->convolve_row(line, s->win.w.out, s->lanes, runs, s->patches.runs, s->patches.length, s->patches.step,
                             weights);
    s->kernels->window->finish_rows(line, s->win.w.out, s->lanes, s->out, bias, relu, y, s->filters);
  }
}

static void forward_patches(const window_conv *s, const float *patches, int64_t n, int64_t step, const float *weights,
                            const float *bias, bool relu, float *y, float *line) {
  if (s->dots) s->kernels->window->dot_rows(line, n, s->out, patches, weights, s->wide_terms);
  else s->kernels->convolve_row(line, n, s->lanes, &patches, 1, s->terms, step, weights);
  s->kernels->window->finish_rows(line, n, s->dots ? s->out : s->lanes, s->out, bias, relu, y, s->filters);
}

static void forward_blocks(const window_conv *s, const float *image, const float *weights, const float *bias, bool relu,
                           float *y, float *block) {
  float *line = block + s->block * s->wide_terms;
  for (int64_t first = 0; first < s->pixels; first += s->block) {
    const int64_t n = s->pixels - first < s->block ? s->pixels - first : s->block;
    int64_t step;
    const float *patches = lub_window_conv_patches(s, image, first, n, block, &step);
    forward_patches(s, patches, n, step, weights, bias, relu, y + first * s->filters, line);
  }
}

/* The activation of `count` samples from i on, where finish_rows has not done it. */
static void activate(const lub_stage *stage, const lub_stage_pass *pass, int64_t i, int64_t count) {
  const window_conv *s = stage->state;
  const int64_t out = s->pixels * s->filters;
  if (stage->activation == LUB_RELU || stage->activation == LUB_LINEAR) return;
  for (int64_t n = i; n < i + count && lub_activation_needs_input(stage->activation); n++)
    memcpy(lub_window_conv_kept(stage, pass, n), pass->y + n * out, sizeof(float) * (size_t)out);
  lub_activate(stage->activation, pass->y + i * out, count * s->pixels, s->filters);
}

static void forward_sample(const lub_stage *stage, const lub_stage_pass *pass, int64_t i, float *scratch) {
  const window_conv *s = stage->state;
  float *y = pass->y + i * s->pixels * s->filters;
  const float *x = pass->x[0] + i * lub_shape_size(&stage->in[0]);
  const float *image = make_image(s, x, lub_window_conv_saved_image(s, pass, i));
  for (int64_t g = 0; g < s->groups; g++) {
    const float *weights = s->forward_weights + weights_at(s, g), *bias = s->bias + g * s->lanes;
    const bool relu = stage->activation == LUB_RELU;
    if (s->direct) forward_rows(s, image + g * s->in, weights, bias, relu, y + g * s->out, scratch);
    else forward_blocks(s, image + g * s->in, weights, bias, relu, y + g * s->out, scratch);
  }
  activate(stage, pass, i, 1);
}

/* Small images go through together, so that the weights are read once for all of them. */
static void forward_samples(const lub_stage *stage, const lub_stage_pass *pass, int64_t i, int64_t count,
    float *scratch) {
  const window_conv *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]);
  float *y = pass->y + i * s->pixels * s->filters;
  if (count == 1) {
    forward_sample(stage, pass, i, scratch);
    return;
  }
  for (int64_t n = 0; n < count; n++) {
    const float *image = make_image(s, pass->x[0] + (i + n) * in, lub_window_conv_saved_image(s, pass, i + n));
    s->kernels->window->gather_patches(&s->patches, image, 0, s->pixels, scratch + n * s->pixels * s->wide_terms);
  }
  forward_patches(s, scratch, count * s->pixels, s->wide_terms, s->forward_weights, s->bias,
      stage->activation == LUB_RELU,
                  y, scratch + s->block * s->wide_terms);
  activate(stage, pass, i, count);
}

typedef struct batch_work {
  const lub_stage *stage;
  const lub_stage_pass *pass;
  int64_t first, last;
} batch_work;

static void forward_group(void *context, int64_t chunk, int thread) {
  const batch_work *work = context;
  const int64_t together = ((const window_conv *)work->stage->state)->together, first = work->first + chunk * together;
  forward_samples(work->stage, work->pass, first, first + together < work->last ? together : work->last - first,
                  (float *)work->pass->scratch + thread * work->pass->scratch_step);
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  const window_conv *s = stage->state;
  batch_work work = {.stage = stage, .pass = pass};
  if (s->whole) {
    lub_window_conv_part(stage, pass, &work.first, &work.last);
    lub_parallel((work.last - work.first + s->together - 1) / s->together, pass->threads, forward_group, &work);
    return;
  }
  for (int64_t i = 0; i < pass->count; i++) forward_sample(stage, pass, i, pass->scratch);
}

/* === parts of a batch, of about the same work whatever the shape === */

static int64_t part_samples(const lub_stage *stage) {
  enum { WORK = 1 << 29, FEWEST = 4 };
  const window_conv *s = stage->state;
  const int64_t groups = WORK / (s->together * s->pixels * s->terms * s->filters);
  return s->together * (groups > FEWEST ? groups : FEWEST);
}

int64_t lub_window_conv_parts(const lub_stage *stage, int64_t count) {
  return (count + part_samples(stage) - 1) / part_samples(stage);
}

void lub_window_conv_part(const lub_stage *stage, const lub_stage_pass *pass, int64_t *first, int64_t *last) {
  *first = pass->part * part_samples(stage);
  *last = *first + part_samples(stage) < pass->count ? *first + part_samples(stage) : pass->count;
}

/* === life === */

static void free_state(lub_stage *stage) {
  window_conv *s = stage->state;
  if (!s) return;
  free((void *)(uintptr_t)s->patches.offset);
  free(s->forward_weights);
  free(s->backward_weights);
  free(s->bias);
  free(s);
}

static const lub_stage_kind sample_kind = {.name = "window conv",
                                           .pack = pack,
                                           .forward = forward,
                                           .backward = lub_window_conv_backward,
                                           .add_gradient = lub_window_conv_add_gradient,
                                           .free = free_state};

static const lub_stage_kind batch_kind = {.name = "window conv (batch)",
                                          .whole_batch = true,
                                          .parts = lub_window_conv_parts,
                                          .pack = pack,
                                          .forward = forward,
                                          .backward = lub_window_conv_backward,
                                          .add_gradient = lub_window_conv_add_gradient,
                                          .free = free_state};

static void read_layer(const lub_stage *stage, window_conv *s) {
  const lub_shape *in = &stage->in[0];
  s->channels = in->dim[in->ndim - 1], s->filters = stage->out.dim[stage->out.ndim - 1];
  if (lub_is_conv(stage->layer[0])) {
    s->win = lub_conv_windows(stage->layer[0], in);
    s->groups = ((const lub_conv_options *)stage->layer[0]->options)->groups;
  } else { /* the half of a SeparableConv2D that mixes channels */
    const int64_t one[] = {1, 1};
    s->win = lub_windows_over(in, one, one, NULL, LUB_VALID);
    s->groups = 1, s->kernel = 1;
  }
  s->in = s->channels / s->groups, s->out = s->filters / s->groups;
  s->pixels = s->win.h.out * s->win.w.out;
  s->terms = s->win.h.size * s->win.w.size * s->in;
  s->wide_terms = lub_round_up(s->terms, LUB_RUN);
  s->lanes = lub_round_up(s->out, s->kernels->vector);
  const lub_window *h = &s->win.h, *w = &s->win.w;
  s->image_height = (h->out - 1) * h->stride + h->dilation * (h->size - 1) + 1;
  s->image_width = (w->out - 1) * w->stride + w->dilation * (w->size - 1) + 1;
  s->padded = h->before > 0 || w->before > 0 || s->image_height > h->in || s->image_width > w->in;
  if (s->image_height < h->before + h->in) s->image_height = h->before + h->in;
  if (s->image_width < w->before + w->in) s->image_width = w->before + w->in;
}

/* A run is as long as lies together in the image: a row of the kernel, or one tap of it. */
static bool lay_out_patches(window_conv *s) {
  const bool rows = s->groups == 1 && s->win.w.dilation == 1 && !s->whole;
  const int64_t per_row = rows ? 1 : s->win.w.size, line = s->image_width * s->channels;
  int64_t *offset = malloc(sizeof *offset * (size_t)(s->win.h.size * per_row));
  s->patches = (lub_patches){.columns = s->win.w.out,
                             .line = s->win.h.stride * line,
                             .step = s->win.w.stride * s->channels,
                             .runs = s->win.h.size * per_row,
                             .length = rows ? s->win.w.size * s->in : s->in,
                             .stride = s->wide_terms,
                             .offset = offset};
  for (int64_t r = 0; r < s->patches.runs && offset; r++)
    offset[r] = r / per_row * s->win.h.dilation * line + r % per_row * s->win.w.dilation * s->channels;
  return offset != NULL;
}

/* Whether rows of `a` lanes waste more than a third beside rows of `b`. */
static bool wastes(int64_t a, int64_t b) {
  return 3 * lub_round_up(a, LUB_RUN) * b > 4 * lub_round_up(b, LUB_RUN) * a;
}

bool lub_has_many_weights(int64_t pixels, int64_t weights) {
  enum { MANY = 1 << 17, MANY_FOR_FEW = 1 << 14 };
  return weights > (pixels < LUB_FEW_PIXELS ? MANY_FOR_FEW : MANY);
}

/* Whether rows of terms are better than rows of filters for the weights' gradient, though only the latter can do
 * without patches: vectors of products for a pixel, two a cycle, and what it takes to gather its runs. */
static bool turning_pays(const window_conv *s) {
  enum { RUN_CYCLES = 8 };
  const int64_t vectors_out = lub_round_up(s->out, LUB_RUN) / LUB_RUN, vectors_in = s->wide_terms / LUB_RUN;
  const int64_t gather = s->patches.runs * (RUN_CYCLES + s->patches.length / LUB_RUN);
  return s->out * vectors_in / 2 + gather < s->terms * vectors_out / 2;
}

static void choose_ways(window_conv *s) {
  enum { LONG = 128, FEW = 8, SMALL_BLOCK = 1 << 15, LARGE_BLOCK = 1 << 17, TALL = 12, ENOUGH = LUB_FEW_PIXELS };
  const int64_t taps = s->win.h.size * s->win.w.size;
  s->dots = s->out <= FEW && s->terms >= LONG;
  const bool rows = !s->whole && !s->dots && lub_round_up(s->out, LUB_RUN) <= 2 * LUB_RUN && s->win.w.out >= TALL;
  s->turned = !s->whole && wastes(s->out, s->terms) && (!rows || turning_pays(s));
  s->pointwise = taps == 1 && s->groups == 1 && s->win.h.stride == 1 && s->win.w.stride == 1 && !s->turned &&
                 s->terms == s->wide_terms;
  s->direct = rows && !s->pointwise && !s->turned;
  const int64_t most = (s->terms * s->out > SMALL_BLOCK ? LARGE_BLOCK : SMALL_BLOCK) / s->wide_terms;
  const int64_t blocks = most > TALL ? (s->pixels + most - 1) / most : (s->pixels + TALL - 1) / TALL;
  s->block = lub_round_up((s->pixels + blocks - 1) / blocks, TALL);
  s->together = s->whole && s->pixels < ENOUGH ? ENOUGH / s->pixels : 1;
  if (s->together > 1) s->pointwise = false, s->block = s->together * s->pixels;
}

lub_status lub_window_conv_stage(lub_stage *stage, lub_error *err) {
  window_conv *s = calloc(1, sizeof *s);
  if (!s) return lub_nomem(err, "conv", sizeof *s);
  stage->state = s;
  s->kernels = lub_nn_kernels_now();
  read_layer(stage, s);
  s->whole = s->groups == 1 && lub_has_many_weights(s->pixels, s->terms * s->filters);
  const bool laid_out = lay_out_patches(s);
  choose_ways(s);
  stage->kind = s->whole ? &batch_kind : &sample_kind;
  const int64_t there_floats = s->terms * s->lanes, back_floats = s->out * s->wide_terms;
  const int64_t weights = s->groups * (there_floats > back_floats ? there_floats : back_floats);
  s->forward_weights = lub_calloc((size_t)weights, sizeof(float));
  s->backward_weights = lub_calloc((size_t)weights, sizeof(float));
  s->bias = lub_calloc((size_t)(s->groups * s->lanes + LUB_RUN), sizeof(float));
  if (!laid_out || !s->forward_weights || !s->backward_weights || !s->bias)
    return lub_nomem(err, "conv", 4.0 * (double)weights);
  const int64_t rows = s->win.w.out * s->lanes + 2 * s->patches.runs;
  const int64_t blocks = s->block * (s->wide_terms + s->lanes) + LUB_RUN;
  const int64_t there = s->direct ? rows : blocks, back = lub_window_conv_backward_scratch(stage, s);
  stage->scratch_size = sizeof(float) * (size_t)(there > back ? there : back);
  stage->saved_size = sizeof(float) * (size_t)(lub_window_conv_image_floats(s) + kept_floats(stage, s));
  if (s->whole) stage->saved_size += LUB_ALIGN;
  stage->gradient_size = lub_window_conv_gradient_floats(s);
  return LUB_OK;
}
