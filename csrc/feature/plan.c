#include "feature/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "feature/kernels/kernels.h"

/* === options === */

static const char *const pad_modes[] = {"constant", "reflect", "edge", NULL};
static const char *const norms[] = {"ortho", NULL};

#define FIELD(field) .name = #field, .offset = offsetof(lub_plan_options, field)
#define MOST_POINTS 4194304

#define SR {FIELD(sr), .type = LUB_OPTION_NUMBER, .fallback = 22050, .min = 1, .max = 1e9}
#define FRAMING(hop, hop_none)                                                                                         \
  {FIELD(n_fft), .type = LUB_OPTION_INT, .fallback = 2048, .min = 1, .max = MOST_POINTS},                              \
      {FIELD(hop_length), .type = LUB_OPTION_INT, .fallback = hop, .nullable = hop_none, .none = hop_none, .min = 1,   \
       .max = MOST_POINTS},                                                                                            \
      {FIELD(win_length), .type = LUB_OPTION_INT, .nullable = true, .none = true, .min = 1, .max = MOST_POINTS},       \
      {FIELD(center), .type = LUB_OPTION_BOOL, .fallback = 1},                                                         \
      {FIELD(pad_mode), .type = LUB_OPTION_CHOICE, .choices = pad_modes}
#define MEL                                                                                                            \
  {FIELD(power), .type = LUB_OPTION_NUMBER, .fallback = 2, .min = 1e-3, .max = 100},                                   \
      {FIELD(n_mels), .type = LUB_OPTION_INT, .fallback = 128, .min = 1, .max = 65536},                                \
      {FIELD(fmin), .type = LUB_OPTION_NUMBER, .fallback = 0, .min = 0, .max = 1e9},                                   \
      {FIELD(fmax), .type = LUB_OPTION_NUMBER, .nullable = true, .none = true, .min = 0, .max = 1e9},                  \
      {FIELD(htk), .type = LUB_OPTION_BOOL}

static const lub_option stft_table[] = {SR, FRAMING(0, true), LUB_OPTIONS_END};
static const lub_option melspectrogram_table[] = {SR, FRAMING(512, false), MEL, LUB_OPTIONS_END};
static const lub_option mfcc_table[] = {
    SR,
    {FIELD(n_mfcc), .type = LUB_OPTION_INT, .fallback = 20, .min = 1, .max = 65536},
    FRAMING(512, false),
    MEL,
    {FIELD(dct_type), .type = LUB_OPTION_INT, .fallback = 2, .min = 2, .max = 3},
    {FIELD(norm), .type = LUB_OPTION_CHOICE, .nullable = true, .choices = norms},
    {FIELD(lifter), .type = LUB_OPTION_NUMBER, .fallback = 0, .min = 0, .max = 1e9},
    {FIELD(top_db), .type = LUB_OPTION_NUMBER, .fallback = 80, .nullable = true, .min = 0, .max = 1e9},
    LUB_OPTIONS_END};

const lub_option *const lub_plan_tables[LUB_PLAN_KINDS] = {stft_table, melspectrogram_table, mfcc_table};
const char *const lub_plan_names[LUB_PLAN_KINDS] = {"STFT", "MelSpectrogram", "MFCC"};

/* === plans === */

struct lub_plan {
  lub_plan_kind kind;
  lub_plan_options options;
  lub_stft stft;
  lub_mel mel;
  lub_dct dct;
};

static lub_status check(lub_plan_kind kind, const lub_plan_options *o, int64_t win_length, lub_error *err) {
  const char *name = lub_plan_names[kind];
  if (win_length > o->n_fft)
    return lub_fail(err, LUB_EARG, "%s: win_length (%lld) must be at most n_fft (%lld)", name, (long long)win_length,
                    (long long)o->n_fft);
  if (kind == LUB_PLAN_STFT) return LUB_OK;
  double half = o->sr / 2, fmax = isnan(o->fmax) ? half : o->fmax;
  if (fmax > half)
    return lub_fail(err, LUB_EARG, "%s: fmax (%g Hz) is above half of the sample rate (%g Hz)", name, fmax, half);
  if (o->fmin >= fmax)
    return lub_fail(err, LUB_EARG, "%s: fmin (%g Hz) must be below fmax (%g Hz)", name, o->fmin, fmax);
  if (o->mel_norm == LUB_MEL_NORM_P && !(o->mel_norm_p >= 0))
    return lub_fail(err, LUB_EARG, "%s: a numeric mel_norm must be at least 0, got %g", name, o->mel_norm_p);
  if (kind == LUB_PLAN_MFCC && o->n_mfcc > o->n_mels)
    return lub_fail(err, LUB_EARG, "%s: n_mfcc (%lld) must be at most n_mels (%lld)", name, (long long)o->n_mfcc,
                    (long long)o->n_mels);
  return LUB_OK;
}

static lub_status init_stft(lub_plan *plan, int64_t win_length, const double *window, lub_error *err) {
  const lub_plan_options *o = &plan->options;
  int64_t hop = o->hop_length == LUB_NONE_INT ? win_length / 4 : o->hop_length;
  double *shape = NULL;
  lub_status status = LUB_OK;
  if (hop < 1) return lub_fail(err, LUB_EARG, "%s: win_length is too short for a hop of a quarter", "STFT");
  if (!window) {
    window = shape = lub_calloc((size_t)win_length, sizeof(double));
    if (!shape) return lub_nomem(err, "window", 8.0 * (double)win_length);
    status = lub_window_fill(shape, win_length, o->window, o->window_parameter, err);
  }
  if (status == LUB_OK)
    status = lub_stft_init(&plan->stft, o->n_fft, hop, win_length, window, o->center, (lub_pad_mode)o->pad_mode, err);
  free(shape);
  return status;
}

static lub_status init_plan(lub_plan *plan, const double *window, lub_error *err) {
  const lub_plan_options *o = &plan->options;
  int64_t win_length = o->win_length == LUB_NONE_INT ? o->n_fft : o->win_length;
  lub_status status = check(plan->kind, o, win_length, err);
  if (status == LUB_OK) status = init_stft(plan, win_length, window, err);
  if (status == LUB_OK && plan->kind != LUB_PLAN_STFT) {
    lub_mel_options mel = {.n_mels = o->n_mels,
                           .fmin = o->fmin,
                           .fmax = isnan(o->fmax) ? o->sr / 2 : o->fmax,
                           .htk = o->htk,
                           .norm = o->mel_norm,
                           .p = o->mel_norm_p};
    status = lub_mel_init(&plan->mel, &mel, o->sr, o->n_fft, err);
  }
  if (status == LUB_OK && plan->kind == LUB_PLAN_MFCC)
    status = lub_dct_init(&plan->dct, o->n_mels, o->n_mfcc, (int)o->dct_type, o->norm == 0, o->lifter, err);
  return status;
}

lub_status lub_plan_new(lub_plan **out, lub_plan_kind kind, const lub_plan_options *options, const double *window,
                        lub_error *err) {
  lub_plan *plan = *out = lub_calloc(1, sizeof *plan);
  if (!plan) return lub_nomem(err, lub_plan_names[kind], sizeof *plan);
  plan->kind = kind;
  plan->options = *options;
  lub_status status = init_plan(plan, window, err);
  if (status != LUB_OK) {
    lub_plan_free(plan);
    *out = NULL;
  }
  return status;
}

void lub_plan_free(lub_plan *plan) {
  if (!plan) return;
  lub_stft_free(&plan->stft);
  lub_mel_free(&plan->mel);
  lub_dct_free(&plan->dct);
  free(plan);
}

lub_plan_kind lub_plan_kind_of(const lub_plan *plan) { return plan->kind; }
const lub_plan_options *lub_plan_options_of(const lub_plan *plan) { return &plan->options; }
int64_t lub_plan_empty_filters(const lub_plan *plan) { return plan->mel.empty; }

lub_status lub_plan_shape(const lub_plan *plan, int64_t n, lub_shape *shape, lub_error *err) {
  const char *name = lub_plan_names[plan->kind];
  int64_t frames = lub_stft_frames(&plan->stft, n);
  if (n < 1) return lub_fail(err, LUB_EARG, "%s: the signal is empty", name);
  if (frames < 1)
    return lub_fail(err, LUB_EARG, "%s: without centring the signal must have n_fft (%lld) samples, got %lld", name,
                    (long long)plan->options.n_fft, (long long)n);
  switch (plan->kind) {
  case LUB_PLAN_STFT: *shape = (lub_shape){3, {plan->stft.fft.bins, frames, 2}}; break;
  case LUB_PLAN_MELSPECTROGRAM: *shape = (lub_shape){2, {plan->mel.bands, frames}}; break;
  default: *shape = (lub_shape){2, {plan->dct.outputs, frames}}; break;
  }
  return LUB_OK;
}

/* === runs === */

struct lub_run {
  const lub_plan *plan;
  lub_stft_work stft;
  float *spectrum; /* one block */
  float *result;   /* one block of bands or coefficients */
  float *folded;   /* the DCT's work */
  float *bands;    /* MFCC: the bands in dB of every block, [block][band][lane] */
  int64_t capacity; /* blocks that `bands` has room for */
  float highest;    /* of all bands so far */

  const float *y;
  float *out;
  int64_t n, frames, blocks;
  int64_t done; /* blocks analysed, then blocks + those transformed */
};

lub_status lub_run_new(lub_run **out, const lub_plan *plan, lub_error *err) {
  int64_t lanes = plan->stft.kernels->lanes, bins = plan->stft.fft.bins;
  int64_t rows = plan->kind == LUB_PLAN_MFCC ? plan->dct.outputs : plan->mel.bands;
  lub_run *run = *out = lub_calloc(1, sizeof *run);
  if (!run) return lub_nomem(err, lub_plan_names[plan->kind], sizeof *run);
  run->plan = plan;
  lub_status status = lub_stft_work_init(&run->stft, &plan->stft, err);
  run->spectrum = lub_calloc((size_t)(2 * bins * lanes), sizeof(float));
  run->result = lub_calloc((size_t)(rows * lanes), sizeof(float));
  run->folded = lub_calloc((size_t)((2 * plan->dct.terms + 1) * lanes), sizeof(float));
  if (status == LUB_OK && (!run->spectrum || !run->result || !run->folded))
    status = lub_nomem(err, lub_plan_names[plan->kind], 4.0 * (double)((2 * bins + rows) * lanes));
  if (status != LUB_OK) {
    lub_run_free(run);
    *out = NULL;
  }
  return status;
}

void lub_run_free(lub_run *run) {
  if (!run) return;
  lub_stft_work_free(&run->stft);
  free(run->spectrum);
  free(run->result);
  free(run->folded);
  free(run->bands);
  free(run);
}

lub_status lub_run_begin(lub_run *run, const float *y, int64_t n, float *out, lub_error *err) {
  const lub_plan *plan = run->plan;
  const lub_feature_kernels *kernels = plan->stft.kernels;
  lub_shape shape;
  if (lub_plan_shape(plan, n, &shape, err) != LUB_OK) return err->status;
  if (!kernels->finite(y, n)) {
    int64_t at = 0;
    while (isfinite(y[at])) at++;
    return lub_fail(err, LUB_EARG, "%s: sample %lld is not finite (%g)", lub_plan_names[plan->kind],
                    (long long)at + 1, (double)y[at]);
  }
  run->y = y, run->n = n, run->out = out;
  run->frames = shape.dim[1];
  run->blocks = (run->frames + kernels->lanes - 1) / kernels->lanes;
  run->done = 0;
  run->highest = -1000;
  if (plan->kind == LUB_PLAN_MFCC && run->blocks > run->capacity) {
    size_t bytes = sizeof(float) * (size_t)(run->blocks * plan->mel.bands * kernels->lanes);
    free(run->bands);
    run->capacity = 0;
    run->bands = lub_alloc(bytes);
    if (!run->bands) return lub_nomem(err, lub_plan_names[plan->kind], (double)bytes);
    run->capacity = run->blocks;
  }
  return LUB_OK;
}

/* How many frames of a block are the signal's. */
static int64_t used_lanes(const lub_run *run, int64_t block) {
  int64_t lanes = run->plan->stft.kernels->lanes, rest = run->frames - block * lanes;
  return rest < lanes ? rest : lanes;
}

/* Puts a block's rows, `unit` lanes-wide numbers each, into the result. */
static void store(lub_run *run, int64_t block, const float *rows, int64_t count) {
  int64_t lanes = run->plan->stft.kernels->lanes, used = used_lanes(run, block);
  float *out = run->out + block * lanes;
  for (int64_t r = 0; r < count; r++) memcpy(out + r * run->frames, rows + r * lanes, sizeof(float) * (size_t)used);
}

static void store_complex(lub_run *run, int64_t block) {
  int64_t lanes = run->plan->stft.kernels->lanes, used = used_lanes(run, block);
  for (int64_t k = 0; k < run->plan->stft.fft.bins; k++) {
    const float *re = run->spectrum + 2 * k * lanes, *im = re + lanes;
    float *out = run->out + 2 * (k * run->frames + block * lanes);
    for (int64_t l = 0; l < used; l++) out[2 * l] = re[l], out[2 * l + 1] = im[l];
  }
}

/* |STFT|^power from |STFT|^2 */
static void raise(float *x, int64_t bins, double power, const lub_feature_kernels *kernels) {
  if (power == 2) return;
  if (power == 1) {
    kernels->root(x, bins);
    return;
  }
  for (int64_t i = 0; i < bins * kernels->lanes; i++) x[i] = (float)pow(x[i], power / 2);
}

static void analyse(lub_run *run, int64_t block) {
  const lub_plan *plan = run->plan;
  const lub_feature_kernels *kernels = plan->stft.kernels;
  int64_t first = block * kernels->lanes;
  if (plan->kind == LUB_PLAN_STFT) {
    lub_stft_complex(&plan->stft, &run->stft, run->y, run->n, first, run->spectrum);
    store_complex(run, block);
    return;
  }
  lub_stft_power(&plan->stft, &run->stft, run->y, run->n, first, run->spectrum);
  raise(run->spectrum, plan->stft.fft.bins, plan->options.power, kernels);
  if (plan->kind == LUB_PLAN_MELSPECTROGRAM) {
    kernels->mel(&plan->mel, run->spectrum, run->result);
    store(run, block, run->result, plan->mel.bands);
    return;
  }
  float *bands = run->bands + block * plan->mel.bands * kernels->lanes, highest[LUB_MAX_LANES];
  kernels->mel(&plan->mel, run->spectrum, bands);
  kernels->decibel(bands, plan->mel.bands, highest);
  for (int64_t l = 0; l < used_lanes(run, block); l++)
    if (highest[l] > run->highest) run->highest = highest[l];
}

static void transform(lub_run *run, int64_t block) {
  const lub_plan *plan = run->plan;
  const lub_feature_kernels *kernels = plan->stft.kernels;
  float floor = isnan(plan->options.top_db) ? -INFINITY : (float)(run->highest - plan->options.top_db);
  kernels->dct(&plan->dct, run->bands + block * plan->mel.bands * kernels->lanes, floor, run->folded, run->result);
  store(run, block, run->result, plan->dct.outputs);
}

bool lub_run_advance(lub_run *run) {
  int64_t all = run->plan->kind == LUB_PLAN_MFCC ? 2 * run->blocks : run->blocks;
  /* other lengths than powers of two are many times slower */
  int64_t frames = run->plan->stft.fft.batched ? 1024 : 64;
  int64_t until = run->done + (frames + LUB_MAX_LANES - 1) / LUB_MAX_LANES;
  unsigned control = lub_cpu_flush_denormals();
  for (; run->done < all && run->done < until; run->done++) {
    if (run->done < run->blocks) analyse(run, run->done);
    else transform(run, run->done - run->blocks);
  }
  lub_cpu_restore(control);
  return run->done == all;
}
