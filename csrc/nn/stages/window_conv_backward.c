/* The way back of convolutions of any window. The input's gradient is made as patches, block by block, which are added to the
 * image. The weights' gradient is patches, turned round, times the output's gradient; of many weights it is one
 * sum for the whole batch, made in pieces of terms. */
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "nn/stages/window_conv.h"

/* Terms of the gradient's pieces where the batch is taken at once; each lies within a run. */
enum { PIECE = 64 };

/* Floats from one pixel's gradient to the next one's. */
static int64_t gradient_step(const window_conv *s) { return s->turned ? s->out : s->lanes; }

static int64_t group_gradient(const window_conv *s) {
  return s->turned ? s->out * s->wide_terms + lub_round_up(s->out, LUB_RUN) : (s->terms + 1) * s->lanes;
}

int64_t lub_window_conv_gradient_floats(const window_conv *s) { return s->groups * group_gradient(s); }

/* In scratch: the gradient before the activation, dense, where it is not made in passing; a group's, as the kernels want it; a
 * block of patches; the image's gradient; where rows of runs begin. */
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

static void add_block_gradients(const window_conv *s, const float *image, const float *g, float *gradient, float *block) {
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

static void backward_sample(const lub_stage *stage, const lub_stage_pass *pass, int64_t i, float *scratch) {
  const window_conv *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out);
  float *saved = lub_window_conv_saved(stage, pass, i), *kept = saved + lub_window_conv_image_floats(s);
  const float *y = pass->y + i * out, *gy = pass->gy + i * out, *image = s->padded ? saved : pass->x[0] + i * in;
  float *group = scratch + dense_floats(stage, s), *block = group + group_floats(s);
  float *gimage = block + s->block * s->wide_terms, *gx = pass->gx[0] ? pass->gx[0] + i * in : NULL;
  const float **runs = (const float **)(void *)(gimage + lub_window_conv_image_floats(s));
  if (dense_floats(stage, s) > 0) {
    lub_activation_gradient(stage->activation, lub_activation_needs_input(stage->activation) ? kept : y, gy, scratch,
                            s->pixels, s->filters);
    gy = scratch;
  }
  if (s->whole) group = kept;
  if (gx && s->padded) memset(gimage, 0, sizeof(float) * (size_t)lub_window_conv_image_floats(s));
  for (int64_t g = 0; g < s->groups; g++) {
    const int64_t at = g * s->out;
    float *gradient = pass->gradient + g * group_gradient(s);
    s->kernels->window->spread_gradient(gy + at, stage->activation == LUB_RELU ? y + at : NULL, s->pixels, s->out,
                                        s->filters, group, gradient_step(s));
    if (gx) add_input_gradient(s, s->backward_weights + g * s->out * s->wide_terms, group,
                               (s->padded ? gimage : gx) + g * s->in, block);
    if (s->whole) continue;
    if (s->direct) add_row_gradients(s, image + g * s->in, group, gradient, runs);
    else add_block_gradients(s, image + g * s->in, group, gradient, block);
    add_ones(s, group, s->pixels, gradient + (s->turned ? s->out * s->wide_terms : s->terms * s->lanes));
  }
  if (gx && s->padded) crop(s, gimage, gx);
}

/* === the whole batch === */

typedef struct batch_work {
  const lub_stage *stage;
  const lub_stage_pass *pass;
  int64_t first, last;
} batch_work;

static float *scratch_of(const batch_work *work, int thread) {
  return (float *)work->pass->scratch + thread * work->pass->scratch_step;
}

static void backward_one(void *context, int64_t chunk, int thread) {
  const batch_work *work = context;
  backward_sample(work->stage, work->pass, work->first + chunk, scratch_of(work, thread));
}

static int64_t pieces_of_run(const window_conv *s) { return (s->patches.length + PIECE - 1) / PIECE; }

/* The gradient of one piece, all samples in order; the piece behind the last is the bias'. */
static void piece_gradient(void *context, int64_t piece, int thread) {
  const batch_work *work = context;
  const window_conv *s = work->stage->state;
  const int64_t run = piece / pieces_of_run(s), from = piece % pieces_of_run(s) * PIECE;
  const int64_t n = s->patches.length - from < PIECE ? s->patches.length - from : PIECE;
  const int64_t in = lub_shape_size(&work->stage->in[0]);
  float *block = scratch_of(work, thread), *gradient = work->pass->gradient;
  const bool is_bias = run == s->patches.runs;
  const int64_t at = is_bias ? 0 : s->patches.offset[run] + from;
  lub_patches patches = s->patches;
  patches.runs = 1, patches.length = n, patches.stride = PIECE, patches.offset = &at;
  gradient += is_bias ? s->terms * s->lanes : (run * s->patches.length + from) * s->lanes;
  for (int64_t i = work->first; i < work->last; i++) {
    const float *saved = lub_window_conv_saved(work->stage, work->pass, i), *g = saved + lub_window_conv_image_floats(s);
    const float *image = s->padded ? saved : work->pass->x[0] + i * in;
    if (is_bias) {
      add_ones(s, g, s->pixels, gradient);
      continue;
    }
    const int64_t most = s->block * s->wide_terms / PIECE;
    for (int64_t first = 0; first < s->pixels; first += most) {
      const int64_t pixels = s->pixels - first < most ? s->pixels - first : most;
      const float *terms = s->pointwise ? image + first * s->channels + from : block;
      if (!s->pointwise) s->kernels->window->gather_patches(&patches, image, first, pixels, block);
      s->kernels->add_kernel_gradient(gradient, g + first * s->lanes, pixels, s->lanes, &terms, 1, n,
                                      s->pointwise ? s->channels : PIECE);
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
  lub_parallel(work.last - work.first, pass->threads, backward_one, &work);
  lub_parallel(s->patches.runs * pieces_of_run(s) + 1, pass->threads, piece_gradient, &work);
}

/* Where the gradient of a group's term and filter stands. */
static int64_t gradient_at(const window_conv *s, int64_t term, int64_t o) {
  const int vector = s->kernels->vector;
  if (s->turned) return lub_packed_at(s->out, o, s->wide_terms, term, vector);
  if (!s->whole) return lub_packed_at(s->terms, term, s->lanes, o, vector);
  const int64_t length = s->patches.length, run = term / length, from = term % length / PIECE * PIECE;
  const int64_t n = length - from < PIECE ? length - from : PIECE;
  return (run * length + from) * s->lanes + lub_packed_at(n, term % length - from, s->lanes, o, vector);
}

void lub_window_conv_add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]) {
  const window_conv *s = stage->state;
  for (int64_t g = 0; g < s->groups; g++, gradient += group_gradient(s)) {
    const float *bias = gradient + (s->turned ? s->out * s->wide_terms : s->terms * s->lanes);
    for (int64_t term = 0; term < s->terms; term++)
      for (int64_t o = 0; o < s->out; o++)
        gparam[0][s->kernel][term * s->filters + g * s->out + o] += gradient[gradient_at(s, term, o)];
    for (int64_t o = 0; o < s->out && stage->layer[0]->nparams > s->kernel + 1; o++)
      gparam[0][s->kernel + 1][g * s->out + o] += bias[o];
  }
}
