/* The way back of convolutions of any window. The input's gradient is made as patches, block by block, which are added
 * to the image. The weights' gradient is patches, turned round, times the output's gradient; of many weights it is one
 * sum for the whole batch, made in pieces of terms. */
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "nn/stages/packing.h"
#include "nn/stages/window_conv.h"

/* Terms of the gradient's pieces where the batch is taken at once; each lies within a run. */
enum { PIECE = 64 };

/* Floats from one pixel's gradient to the next one's. */
static int64_t gradient_step(const window_conv *s) { return s->turned ? s->out : s->lanes; }

static int64_t group_gradient(const window_conv *s) {
  return s->turned ? s->out * s->wide_terms + lub_round_up(s->out, LUB_RUN) : (s->terms + 1) * s->lanes;
}

int64_t lub_window_conv_gradient_floats(const window_conv *s) { return s->groups * group_gradient(s); }

/* In scratch: the gradient before the activation, dense, where it is not made in passing; a group's, as the kernels
 * want it; a block of patches; the image's gradient; where rows of runs begin. */
static int64_t dense_floats(const lub_stage *stage, const window_conv *s) {
  if (stage->activation == LUB_LINEAR || stage->activation == LUB_RELU) return 0;
  return lub_round_up(s->pixels * s->filters, LUB_RUN);
}

static int64_t group_floats(const window_conv *s) {
  return s->whole ? 0 : lub_round_up(s->pixels * gradient_step(s), LUB_RUN);
}

int64_t lub_window_conv_backward_scratch(const lub_stage *stage, const window_conv *s) {
  return dense_floats(stage, s) + group_floats(s) + s->block * s->wide_terms + lub_window_conv_image_floats(s) +
         2 * s->patches.runs;
}

/* === the weights' gradient === */

static void add_ones(const window_conv *s, const float *g, int64_t pixels, float *bias) {
  static const float one = 1;
  const float *in = &one;
  if (!s->turned) {
    s->kernels->add_kernel_gradient(bias, g, pixels, s->lanes, &in, 1, 1, 0);
    return;
  }
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t o = 0; o < s->out; o++) bias[o] += g[p * s->out + o];
}

static void add_row_gradients(const window_conv *s, const float *image, const float *g, float *gradient,
                              const float **runs) {
  for (int64_t row = 0; row < s->win.h.out; row++, g += s->win.w.out * s->lanes) {
    lub_window_conv_runs(s, image, row, runs);
    s->kernels->add_kernel_gradient(gradient, g, s->win.w.out, s->lanes, runs, s->patches.runs, s->patches.length,
                                    s->patches.step);
  }
}

static void add_block_gradients(const window_conv *s, const float *image, const float *g, float *gradient,
    float *block) {
  for (int64_t first = 0; first < s->pixels; first += s->block) {
    const int64_t n = s->pixels - first < s->block ? s->pixels - first : s->block;
    int64_t step;
    const float *patches = lub_window_conv_patches(s, image, first, n, block, &step);
    const float *from = g + first * gradient_step(s);
    if (s->turned) s->kernels->add_kernel_gradient(gradient, patches, n, s->wide_terms, &from, 1, s->out, s->out);
    else s->kernels->add_kernel_gradient(gradient, from, n, s->lanes, &patches, 1, s->terms, step);
  }
}

/* === the input's === */

static void add_input_gradient(const window_conv *s, const float *weights, const float *g, float *image, float *block) {
  for (int64_t first = 0; first < s->pixels; first += s->block) {
    const int64_t n = s->pixels - first < s->block ? s->pixels - first : s->block, step = gradient_step(s);
    const float *from = g + first * step;
    s->kernels->convolve_row(block, n, s->wide_terms, &from, 1, s->out, step, weights);
    s->kernels->window->scatter_patches(&s->patches, image, first, n, block);
  }
}

static void crop(const window_conv *s, const float *image, float *gx) {
  const int64_t line = s->image_width * s->channels, filled = s->win.w.in * s->channels;
  image += s->win.h.before * line + s->win.w.before * s->channels;
  for (int64_t y = 0; y < s->win.h.in; y++, image += line, gx += filled)
    for (int64_t i = 0; i < filled; i++) gx[i] += image[i];
}

/* === a sample === */

/* The gradient before the activation: gy itself, to be masked by relu in passing, or made in scratch. */
static const float *before_activation(const lub_stage *stage, const lub_stage_pass *pass, int64_t i, float *scratch) {
  const window_conv *s = stage->state;
  const int64_t out = s->pixels * s->filters;
  if (dense_floats(stage, s) == 0) return pass->gy + i * out;
  const bool needs = lub_activation_needs_input(stage->activation);
  lub_activation_gradient(stage->activation, needs ? lub_window_conv_kept(stage, pass, i) : pass->y + i * out,
                          pass->gy + i * out, scratch, s->pixels, s->filters);
  return scratch;
}

static const float *image_of(const lub_stage *stage, const lub_stage_pass *pass, int64_t i) {
  const window_conv *s = stage->state;
  return s->padded ? lub_window_conv_saved_image(s, pass, i) : pass->x[0] + i * lub_shape_size(&stage->in[0]);
}

static void backward_sample(const lub_stage *stage, const lub_stage_pass *pass, int64_t i, float *scratch) {
  const window_conv *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]), out = s->pixels * s->filters;
  const float *image = image_of(stage, pass, i), *gy = before_activation(stage, pass, i, scratch);
  const float *mask = stage->activation == LUB_RELU ? pass->y + i * out : NULL;
  float *group = scratch + dense_floats(stage, s), *block = group + group_floats(s);
  float *gimage = block + s->block * s->wide_terms, *gx = pass->gx[0] ? pass->gx[0] + i * in : NULL;
  const float **runs = (const float **)(void *)(gimage + lub_window_conv_image_floats(s));
  if (gx && s->padded) memset(gimage, 0, sizeof(float) * (size_t)lub_window_conv_image_floats(s));
  for (int64_t g = 0; g < s->groups; g++) {
    const int64_t at = g * s->out;
    float *gradient = pass->gradient + g * group_gradient(s);
    s->kernels->window->spread_gradient(gy + at, mask ? mask + at : NULL, s->pixels, s->out, s->filters, group,
                                        gradient_step(s));
    if (gx) add_input_gradient(s, s->backward_weights + g * s->out * s->wide_terms, group,
                               (s->padded ? gimage : gx) + g * s->in, block);
    if (s->direct) add_row_gradients(s, image + g * s->in, group, gradient, runs);
    else add_block_gradients(s, image + g * s->in, group, gradient, block);
    add_ones(s, group, s->pixels, gradient + (s->turned ? s->out * s->wide_terms : s->terms * s->lanes));
  }
  if (gx && s->padded) crop(s, gimage, gx);
}

/* === the whole batch: first the gradient of what came in, then that of the weights, piece by piece === */

typedef struct batch_work {
  const lub_stage *stage;
  const lub_stage_pass *pass;
  int64_t first, last;
} batch_work;

static float *scratch_of(const batch_work *work, int thread) {
  return (float *)work->pass->scratch + thread * work->pass->scratch_step;
}

static void scatter_sample(const window_conv *s, const float *patches, float *gimage, float *gx) {
  if (s->padded) memset(gimage, 0, sizeof(float) * (size_t)lub_window_conv_image_floats(s));
  s->kernels->window->scatter_patches(&s->patches, s->padded ? gimage : gx, 0, s->pixels, patches);
  if (s->padded) crop(s, gimage, gx);
}

static void backward_group(void *context, int64_t chunk, int thread) {
  const batch_work *work = context;
  const lub_stage_pass *pass = work->pass;
  const window_conv *s = work->stage->state;
  const int64_t in = lub_shape_size(&work->stage->in[0]), out = s->pixels * s->filters;
  const int64_t first = work->first + chunk * s->together;
  const int64_t count = work->last - first < s->together ? work->last - first : s->together;
  float *scratch = scratch_of(work, thread), *block = scratch + dense_floats(work->stage, s);
  float *gimage = block + s->block * s->wide_terms, *g = lub_window_conv_kept(work->stage, pass, first);
  for (int64_t i = first; i < first + count; i++) {
    const float *gy = before_activation(work->stage, pass, i, scratch);
    s->kernels->window->spread_gradient(gy, work->stage->activation == LUB_RELU ? pass->y + i * out : NULL, s->pixels,
                                        s->out, s->filters, lub_window_conv_kept(work->stage, pass, i), s->lanes);
  }
  if (!pass->gx[0]) return;
  if (count == 1 && s->pixels > s->block) {
    float *gx = pass->gx[0] + first * in;
    if (s->padded) memset(gimage, 0, sizeof(float) * (size_t)lub_window_conv_image_floats(s));
    add_input_gradient(s, s->backward_weights, g, s->padded ? gimage : gx, block);
    if (s->padded) crop(s, gimage, gx);
    return;
  }
  const float *from = g;
  s->kernels->convolve_row(block, count * s->pixels, s->wide_terms, &from, 1, s->out, s->lanes, s->backward_weights);
  for (int64_t n = 0; n < count; n++)
    scatter_sample(s, block + n * s->pixels * s->wide_terms, gimage, pass->gx[0] + (first + n) * in);
}

static int64_t pieces_of_run(const window_conv *s) { return (s->patches.length + PIECE - 1) / PIECE; }

/* The gradient of one piece, all samples in order; the piece behind the last is the bias'. */
static void piece_gradient(void *context, int64_t piece, int thread) {
  const batch_work *work = context;
  const lub_stage_pass *pass = work->pass;
  const window_conv *s = work->stage->state;
  const int64_t run = piece / pieces_of_run(s), from = piece % pieces_of_run(s) * PIECE;
  float *gradient = pass->gradient;
  if (run == s->patches.runs) {
    const float *g = lub_window_conv_kept(work->stage, pass, work->first);
    add_ones(s, g, (work->last - work->first) * s->pixels, gradient + s->terms * s->lanes);
    return;
  }
  const int64_t n = s->patches.length - from < PIECE ? s->patches.length - from : PIECE, at = s->patches.offset[run]
      + from;
  lub_patches patches = s->patches;
  patches.runs = 1, patches.length = n, patches.stride = PIECE, patches.offset = &at;
  gradient += (run * s->patches.length + from) * s->lanes;
  /* as many pixels at a time as fill the block: of several small samples, or of a part of a large one */
  const int64_t most = s->block * s->wide_terms / PIECE, together = most > s->pixels ? most / s->pixels : 1;
  for (int64_t i = work->first; i < work->last; i += together) {
    const int64_t count = work->last - i < together ? work->last - i : together;
    const float *g = lub_window_conv_kept(work->stage, pass, i);
    for (int64_t first = 0; first < s->pixels; first += most) {
      const int64_t pixels = s->pixels - first < most ? s->pixels - first : most;
      float *block = scratch_of(work, thread);
      for (int64_t k = 0; k < count; k++)
        s->kernels->window->gather_patches(&patches, image_of(work->stage, pass, i + k), first, pixels,
                                           block + k * s->pixels * PIECE);
      const float *terms = block;
      s->kernels->add_kernel_gradient(gradient, g + first * s->lanes, count > 1 ? count * s->pixels : pixels, s->lanes,
          &terms,
                                      1, n, PIECE);
    }
  }
}

void lub_window_conv_backward(const lub_stage *stage, const lub_stage_pass *pass) {
  const window_conv *s = stage->state;
  if (!s->whole) {
    for (int64_t i = 0; i < pass->count; i++) backward_sample(stage, pass, i, pass->scratch);
    return;
  }
  batch_work work = {.stage = stage, .pass = pass};
  lub_window_conv_part(stage, pass, &work.first, &work.last);
  lub_parallel((work.last - work.first + s->together - 1) / s->together, pass->threads, backward_group, &work);
  lub_parallel(s->patches.runs * pieces_of_run(s) + 1, pass->threads, piece_gradient, &work);
}

/* === into the layer's own layout === */

static void add_group_gradient(const window_conv *s, const float *gradient, float *kernel) {
  const int vector = s->kernels->vector;
  if (s->turned) {
    const lub_unpacked m = {.terms = s->out, .n = s->terms, .lanes = s->wide_terms, .term_step = 1,
                             .lane_step = s->filters};
    lub_add_packed(&m, gradient, kernel, vector);
    return;
  }
  const int64_t length = s->whole ? s->patches.length : s->terms, piece = s->whole ? PIECE : s->terms;
  for (int64_t term = 0; term < s->terms;) { /* pieces do not reach over the end of a run */
    const int64_t left = length - term % length;
    const lub_unpacked m = {.terms = left < piece ? left : piece, .n = s->out, .lanes = s->lanes,
        .term_step = s->filters,
                                .lane_step = 1};
    lub_add_packed(&m, gradient + term * s->lanes, kernel + term * s->filters, vector);
    term += m.terms;
  }
}

void lub_window_conv_add_gradient(const lub_stage *stage, const float *gradient,
    float *const gparam[][LUB_MAX_PARAMS]) {
  const window_conv *s = stage->state;
  for (int64_t g = 0; g < s->groups; g++, gradient += group_gradient(s)) {
    const float *bias = gradient + (s->turned ? s->out * s->wide_terms : s->terms * s->lanes);
    add_group_gradient(s, gradient, gparam[0][s->kernel] + g * s->out);
    for (int64_t o = 0; o < s->out && stage->layer[0]->nparams > s->kernel + 1; o++)
      gparam[0][s->kernel + 1][g * s->out + o] += bias[o];
  }
}
