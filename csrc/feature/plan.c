#include "feature/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "feature/internal.h"

/* === options === */

static const char *const pad_modes[] = {"constant", "reflect", "edge", NULL};
static const char *const norms[] = {"ortho", NULL};

#define NAMED(text, field) .name = text, .offset = offsetof(lub_plan_options, field)
#define FIELD(field) NAMED(#field, field)
#define MOST_POINTS 4194304

#define SR {FIELD(sr), .type = LUB_OPTION_NUMBER, .fallback = 22050, .min = 1, .max = 1e9}
#define HOP(hop, hop_none)                                                                                             \
  {FIELD(hop_length), .type = LUB_OPTION_INT, .fallback = hop, .nullable = hop_none, .none = hop_none, .min = 1,       \
   .max = MOST_POINTS},                                                                                                \
      {FIELD(center), .type = LUB_OPTION_BOOL, .fallback = 1}
#define PAD_MODE {FIELD(pad_mode), .type = LUB_OPTION_CHOICE, .choices = pad_modes}
#define FRAMING(hop, hop_none)                                                                                         \
  {FIELD(n_fft), .type = LUB_OPTION_INT, .fallback = 2048, .min = 1, .max = MOST_POINTS}, HOP(hop, hop_none),          \
      {FIELD(win_length), .type = LUB_OPTION_INT, .nullable = true, .none = true, .min = 1, .max = MOST_POINTS},       \
      PAD_MODE
#define FRAME_LENGTH {NAMED("frame_length", n_fft), .type = LUB_OPTION_INT, .fallback = 2048, .min = 1, .max = MOST_POINTS}
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
static const lub_option rms_table[] = {SR, FRAME_LENGTH, HOP(512, false), PAD_MODE, LUB_OPTIONS_END};
static const lub_option zero_crossing_rate_table[] = {
    SR,
    FRAME_LENGTH,
    HOP(512, false),
    {FIELD(threshold), .type = LUB_OPTION_NUMBER, .fallback = 1e-10, .min = 0, .max = 1e9},
    {FIELD(zero_pos), .type = LUB_OPTION_BOOL, .fallback = 1},
    LUB_OPTIONS_END};
static const lub_option centroid_table[] = {SR, FRAMING(512, false), LUB_OPTIONS_END};
static const lub_option bandwidth_table[] = {
    SR,
    FRAMING(512, false),
    {NAMED("norm", spectrum_norm), .type = LUB_OPTION_BOOL, .fallback = 1},
    {FIELD(p), .type = LUB_OPTION_NUMBER, .fallback = 2, .min = 1e-3, .max = 100},
    LUB_OPTIONS_END};
static const lub_option rolloff_table[] = {
    SR,
    FRAMING(512, false),
    {FIELD(roll_percent), .type = LUB_OPTION_NUMBER, .fallback = 0.85, .min = 1e-9, .max = 1, .below_max = true},
    LUB_OPTIONS_END};
static const lub_option contrast_table[] = {
    SR,
    FRAMING(512, false),
    {NAMED("fmin", contrast_fmin), .type = LUB_OPTION_NUMBER, .fallback = 200, .min = 1e-3, .max = 1e9},
    {FIELD(n_bands), .type = LUB_OPTION_INT, .fallback = 6, .min = 1, .max = 64},
    {FIELD(quantile), .type = LUB_OPTION_NUMBER, .fallback = 0.02, .min = 1e-9, .max = 1, .below_max = true},
    {FIELD(linear), .type = LUB_OPTION_BOOL},
    LUB_OPTIONS_END};
static const lub_option chroma_table[] = {
    SR,
    FRAMING(512, false),
    {FIELD(n_chroma), .type = LUB_OPTION_INT, .fallback = 12, .min = 1, .max = 4096},
    {FIELD(tuning), .type = LUB_OPTION_NUMBER, .fallback = 0, .min = -1e6, .max = 1e6},
    {FIELD(ctroct), .type = LUB_OPTION_NUMBER, .fallback = 5, .min = -100, .max = 100},
    {FIELD(octwidth), .type = LUB_OPTION_NUMBER, .fallback = 2, .nullable = true, .min = 1e-6, .max = 1e6},
    {FIELD(base_c), .type = LUB_OPTION_BOOL, .fallback = 1},
    LUB_OPTIONS_END};

const lub_option *const lub_plan_tables[LUB_PLAN_KINDS] = {
    stft_table,     melspectrogram_table, mfcc_table,    rms_table,      zero_crossing_rate_table,
    centroid_table, bandwidth_table,      rolloff_table, contrast_table, chroma_table};
const char *const lub_plan_names[LUB_PLAN_KINDS] = {"STFT",
                                                    "MelSpectrogram",
                                                    "MFCC",
                                                    "RMS",
                                                    "ZeroCrossingRate",
                                                    "SpectralCentroid",
                                                    "SpectralBandwidth",
                                                    "SpectralRolloff",
                                                    "SpectralContrast",
                                                    "ChromaSTFT"};

bool lub_plan_has_window(lub_plan_kind kind) {
  return kind != LUB_PLAN_RMS && kind != LUB_PLAN_ZERO_CROSSING_RATE;
}
/* The batched FFT is in float: its rounding noise lies some 140 dB below the loudest bin, and an MFCC whose floor is
 * not well above that is the logarithm of that noise. The others take the FFT in double, as librosa does. */
#define LOWEST_FLOOR 90 /* dB of power below the loudest band */

static bool batches(lub_plan_kind kind, const lub_plan_options *o) {
  if (kind == LUB_PLAN_MFCC) return o->top_db * 2 / o->power <= LOWEST_FLOOR; /* not with NAN, no floor */
  return kind == LUB_PLAN_STFT || kind == LUB_PLAN_MELSPECTROGRAM;
}
bool lub_plan_has_mel(lub_plan_kind kind) { return kind == LUB_PLAN_MELSPECTROGRAM || kind == LUB_PLAN_MFCC; }

/* === plans === */

static lub_status check(lub_plan_kind kind, const lub_plan_options *o, int64_t win_length, lub_error *err) {
  const char *name = lub_plan_names[kind];
  if (win_length > o->n_fft)
    return lub_fail(err, LUB_EARG, "%s: win_length (%lld) must be at most n_fft (%lld)", name, (long long)win_length,
                    (long long)o->n_fft);
  if (!lub_plan_has_mel(kind)) return LUB_OK;
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

static lub_status init_spectrum(lub_plan *plan, int64_t win_length, const double *window, lub_error *err) {
  const lub_plan_options *o = &plan->options;
  double *shape = NULL;
  lub_status status = LUB_OK;
  if (!window) {
    window = shape = lub_calloc((size_t)win_length, sizeof(double));
    if (!shape) return lub_nomem(err, "window", 8.0 * (double)win_length);
    status = lub_window_fill(shape, win_length, o->window, o->window_parameter, err);
  }
  if (status == LUB_OK)
    status = batches(plan->kind, o) ? lub_stft_init(&plan->stft, &plan->framing, win_length, window, err)
                                 : lub_wide_init(&plan->wide, o->n_fft, win_length, window, err);
  free(shape);
  return status;
}

static lub_status init_mel(lub_plan *plan, lub_error *err) {
  const lub_plan_options *o = &plan->options;
  lub_mel_options mel = {.n_mels = o->n_mels,
                         .fmin = o->fmin,
                         .fmax = isnan(o->fmax) ? o->sr / 2 : o->fmax,
                         .htk = o->htk,
                         .norm = o->mel_norm,
                         .p = o->mel_norm_p};
  return lub_mel_init(&plan->mel, &mel, o->sr, o->n_fft, err);
}

/* What is special to each kind; rows is 1 before. */
static lub_status init_kind(lub_plan *plan, lub_error *err) {
  const lub_plan_options *o = &plan->options;
  lub_status status = LUB_OK;
  switch (plan->kind) {
  case LUB_PLAN_STFT: plan->rows = 2 * plan->bins; return LUB_OK;
  case LUB_PLAN_MELSPECTROGRAM: plan->rows = o->n_mels; return init_mel(plan, err);
  case LUB_PLAN_MFCC:
    plan->rows = o->n_mfcc;
    plan->middle = o->n_mels;
    status = init_mel(plan, err);
    if (status != LUB_OK) return status;
    return lub_dct_init(&plan->dct, o->n_mels, o->n_mfcc, (int)o->dct_type, o->norm == 0, o->lifter, err);
  case LUB_PLAN_SPECTRAL_CONTRAST:
    plan->rows = o->n_bands + 1;
    plan->middle = o->linear ? 0 : 2 * plan->rows;
    return lub_octaves_new(&plan->octaves, o->n_bands, o->contrast_fmin, o->quantile, o->sr, o->n_fft, err);
  case LUB_PLAN_CHROMA_STFT:
    plan->rows = o->n_chroma;
    return lub_chroma_init(&plan->mel,
                           &(lub_chroma_options){.n_chroma = o->n_chroma,
                                                 .tuning = o->tuning,
                                                 .ctroct = o->ctroct,
                                                 .octwidth = o->octwidth,
                                                 .base_c = o->base_c},
                           o->sr, o->n_fft, err);
  default:
    plan->hz = lub_bin_frequencies(o->sr, o->n_fft, plan->bins);
    return plan->hz ? LUB_OK : lub_nomem(err, lub_plan_names[plan->kind], 8.0 * (double)plan->bins);
  }
}

static lub_status init_plan(lub_plan *plan, const double *window, lub_error *err) {
  const lub_plan_options *o = &plan->options;
  bool windowed = lub_plan_has_window(plan->kind);
  int64_t win_length = !windowed || o->win_length == LUB_NONE_INT ? o->n_fft : o->win_length;
  plan->kernels = lub_feature_table();
  plan->bins = o->n_fft / 2 + 1;
  plan->rows = 1;
  plan->framing = (lub_framing){.length = o->n_fft, .hop = o->hop_length, .pad = o->center ? o->n_fft / 2 : 0};
  plan->framing.apart = windowed;
  if (o->hop_length == LUB_NONE_INT) plan->framing.hop = win_length / 4;
  if (plan->framing.hop < 1) return lub_fail(err, LUB_EARG, "STFT: win_length is too short for a hop of a quarter");
  /* librosa knows no other padding here: any other would cross zero at the edges */
  plan->framing.mode = plan->kind == LUB_PLAN_ZERO_CROSSING_RATE ? LUB_PAD_EDGE : (lub_pad_mode)o->pad_mode;
  lub_status status = check(plan->kind, o, win_length, err);
  if (status == LUB_OK && windowed) status = init_spectrum(plan, win_length, window, err);
  if (status == LUB_OK) status = init_kind(plan, err);
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
  lub_wide_free(&plan->wide);
  lub_mel_free(&plan->mel);
  lub_dct_free(&plan->dct);
  free(plan->hz);
  free(plan->octaves);
  free(plan);
}

lub_plan_kind lub_plan_kind_of(const lub_plan *plan) { return plan->kind; }
const lub_plan_options *lub_plan_options_of(const lub_plan *plan) { return &plan->options; }
int64_t lub_plan_empty_filters(const lub_plan *plan) { return plan->mel.empty; }

lub_status lub_plan_shape(const lub_plan *plan, int64_t n, lub_shape *shape, lub_error *err) {
  const char *name = lub_plan_names[plan->kind];
  int64_t frames = lub_frames(&plan->framing, n);
  if (n < 1) return lub_fail(err, LUB_EARG, "%s: the signal is empty", name);
  if (frames < 1)
    return lub_fail(err, LUB_EARG, "%s: without centring the signal must have %s (%lld) samples, got %lld", name,
                    lub_plan_has_window(plan->kind) ? "n_fft" : "frame_length", (long long)plan->options.n_fft,
                    (long long)n);
  if (plan->kind == LUB_PLAN_STFT) *shape = (lub_shape){3, {plan->bins, frames, 2}};
  else *shape = (lub_shape){2, {plan->rows, frames}};
  return LUB_OK;
}

int64_t lub_plan_rows(const lub_plan *plan) { return plan->rows; }

int64_t lub_plan_spectrum_rows(const lub_plan *plan) {
  switch (plan->kind) {
  case LUB_PLAN_STFT:
  case LUB_PLAN_ZERO_CROSSING_RATE: return 0;
  case LUB_PLAN_MFCC: return plan->options.n_mels;
  default: return plan->bins;
  }
}
