#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "feature/internal.h"

lub_status lub_block_work_init(lub_block_work *work, const lub_plan *plan, lub_error *err) {
  int64_t lanes = plan->kernels->lanes, row = plan->options.n_fft;
  *work = (lub_block_work){.plan = plan};
  lub_status status = LUB_OK;
  bool wide = plan->wide.n > 0;
  if (plan->stft.kernels) status = lub_stft_work_init(&work->stft, &plan->stft, err);
  work->frames = lub_calloc(wide ? (size_t)(plan->wide.n * lanes) : 1, sizeof(float));
  work->wide = lub_calloc(wide ? (size_t)lub_wide_work(&plan->wide, (int)lanes) : 1, sizeof(double));
  work->spectrum = lub_calloc((size_t)(2 * plan->bins * lanes), sizeof(float));
  work->folded = lub_calloc((size_t)((2 * plan->dct.terms + 1) * lanes), sizeof(float));
  work->row = lub_calloc((size_t)row, sizeof(float));
  if (status == LUB_OK && (!work->spectrum || !work->folded || !work->row || !work->frames || !work->wide))
    status = lub_nomem(err, lub_plan_names[plan->kind], 4.0 * (double)(2 * plan->bins * lanes + row));
  if (status != LUB_OK) lub_block_work_free(work);
  return status;
}

void lub_block_work_free(lub_block_work *work) {
  lub_stft_work_free(&work->stft);
  free(work->spectrum);
  free(work->folded);
  free(work->row);
  free(work->frames);
  free(work->wide);
  *work = (lub_block_work){0};
}

/* === from the source to the numbers that the kinds take === */

/* |STFT|^power from |STFT|^2 */
static void raise(float *x, int64_t bins, double power, const lub_feature_kernels *kernels) {
  if (power == 2) return;
  if (power == 1) {
    kernels->root(x, bins);
    return;
  }
  for (int64_t i = 0; i < bins * kernels->lanes; i++) x[i] = (float)pow(x[i], power / 2);
}

/* Columns `first` .. first + used - 1 of the spectrogram; what lies behind them becomes 0. */
static void gather(const lub_source *source, int64_t rows, int64_t lanes, int64_t first, int64_t used, float *out) {
  for (int64_t r = 0; r < rows; r++, out += lanes) {
    const float *from = source->spectrogram + r * source->frames + first;
    memcpy(out, from, sizeof(float) * (size_t)used);
    memset(out + used, 0, sizeof(float) * (size_t)(lanes - used));
  }
}

/* |STFT|^power, [bin][lane] */
static const float *spectrum(lub_block_work *work, const lub_source *source, int64_t first, int64_t used,
                             double power) {
  const lub_plan *plan = work->plan;
  int64_t lanes = plan->kernels->lanes, n = plan->wide.n;
  if (source->spectrogram) {
    gather(source, plan->bins, lanes, first, used, work->spectrum);
  } else if (n > 0) {
    const float *frame[LUB_MAX_LANES];
    for (int64_t l = 0; l < lanes; l++) /* lanes without a frame repeat the last one */
      frame[l] = l < used ? lub_frame_at(&plan->framing, &source->signal, first + l, work->frames + l * n)
                          : frame[used - 1];
    plan->kernels->wide_spectrum(&plan->wide, frame, power != 1, work->wide, work->spectrum);
    if (power != 1) raise(work->spectrum, plan->bins, power, plan->kernels);
  } else {
    lub_stft_power(&plan->stft, &work->stft, &source->signal, first, work->spectrum);
    raise(work->spectrum, plan->bins, power, plan->kernels);
  }
  return work->spectrum;
}

/* === what each kind makes of them === */

static void mfcc(lub_block_work *work, const lub_source *source, int64_t first, int64_t used, float *out,
                 float *highest) {
  const lub_plan *plan = work->plan;
  float top[LUB_MAX_LANES];
  if (source->spectrogram) {
    gather(source, plan->options.n_mels, plan->kernels->lanes, first, used, out);
    return;
  }
  plan->kernels->mel(&plan->mel, spectrum(work, source, first, used, plan->options.power), out);
  plan->kernels->decibel(out, plan->options.n_mels, top);
  for (int64_t l = 0; l < used; l++)
    if (top[l] > *highest) *highest = top[l];
}

static void rms(lub_block_work *work, const lub_source *source, int64_t first, int64_t used, float *out) {
  const lub_plan *plan = work->plan;
  const lub_feature_kernels *kernels = plan->kernels;
  double n = (double)plan->framing.length;
  if (source->spectrogram) {
    bool even = plan->options.n_fft % 2 == 0;
    kernels->energy(spectrum(work, source, first, used, 1), plan->bins, even, out);
    for (int64_t l = 0; l < used; l++) out[l] = (float)(sqrt(out[l]) / n);
    return;
  }
  for (int64_t l = 0; l < used; l++) {
    const float *x = lub_frame_at(&plan->framing, &source->signal, first + l, work->row);
    out[l] = (float)sqrt(kernels->sum_squares(x, plan->framing.length) / n);
  }
}

static void zero_crossing_rate(lub_block_work *work, const lub_source *source, int64_t first, int64_t used,
                               float *out) {
  const lub_plan *plan = work->plan;
  const lub_plan_options *o = &plan->options;
  int64_t n = plan->framing.length;
  for (int64_t l = 0; l < used; l++) {
    const float *x = lub_frame_at(&plan->framing, &source->signal, first + l, work->row);
    out[l] = (float)((double)plan->kernels->crossings(x, n, o->threshold, o->zero_pos) / (double)n);
  }
}

static float decibel(float x) { return (float)(4.3429448190325175 * lub_log(x > 1e-10f ? x : 1e-10)); }

/* The valley and peak of one octave in each lane. */
static void octave_extremes(lub_block_work *work, const lub_octave *octave, const float *x, int64_t used, float *low,
                            float *high) {
  int64_t lanes = work->plan->kernels->lanes, n = octave->last - octave->first;
  x += octave->first * lanes;
  if (octave->count <= LUB_EXTREMES) {
    work->plan->kernels->extremes(x, n, octave->count, low, high);
    return;
  }
  for (int64_t l = 0; l < used; l++) {
    for (int64_t k = 0; k < n; k++) work->row[k] = x[k * lanes + l];
    lub_extremes(work->row, n, octave->count, low + l, high + l);
  }
}

/* Peaks and valleys in dB, one after the other; or their differences. */
static void contrast(lub_block_work *work, const lub_source *source, int64_t first, int64_t used, float *out,
                     float highest[2]) {
  const lub_plan *plan = work->plan;
  int64_t lanes = plan->kernels->lanes;
  const float *x = spectrum(work, source, first, used, 1);
  float low[LUB_MAX_LANES], high[LUB_MAX_LANES];
  for (int64_t b = 0; b < plan->rows; b++) {
    octave_extremes(work, &plan->octaves[b], x, used, low, high);
    for (int64_t l = 0; l < used; l++) {
      if (plan->options.linear) {
        out[b * lanes + l] = high[l] - low[l];
        continue;
      }
      float peak = decibel(high[l]), valley = decibel(low[l]);
      out[b * lanes + l] = peak;
      out[(plan->rows + b) * lanes + l] = valley;
      if (peak > highest[0]) highest[0] = peak;
      if (valley > highest[1]) highest[1] = valley;
    }
  }
}

static double norm_of(const float *x, int64_t n, int64_t step, double p) {
  double length = 0;
  for (int64_t i = 0; i < n; i++) {
    double value = fabs((double)x[i * step]);
    if (isinf(p)) length = fmax(length, value);
    else if (p == 0) length += value > 0;
    else length += pow(value, p);
  }
  return isinf(p) || p == 0 ? length : pow(length, 1 / p);
}

static void chroma(lub_block_work *work, const lub_source *source, int64_t first, int64_t used, float *out) {
  const lub_plan *plan = work->plan;
  const lub_norm *norm = &plan->options.chroma_norm;
  int64_t lanes = plan->kernels->lanes;
  plan->kernels->mel(&plan->mel, spectrum(work, source, first, used, 2), out);
  for (int64_t l = 0; l < used && !norm->none; l++) {
    double length = norm_of(out + l, plan->rows, lanes, norm->p);
    if (length < 1.17549435e-38) continue;
    for (int64_t r = 0; r < plan->rows; r++) out[r * lanes + l] = (float)(out[r * lanes + l] / length);
  }
}

void lub_block_analyse(lub_block_work *work, const lub_source *source, int64_t first, int64_t used, float *out,
                       float highest[2]) {
  const lub_plan *plan = work->plan;
  const lub_plan_options *o = &plan->options;
  const lub_feature_kernels *kernels = plan->kernels;
  switch (plan->kind) {
  case LUB_PLAN_STFT: lub_stft_complex(&plan->stft, &work->stft, &source->signal, first, out); break;
  case LUB_PLAN_MELSPECTROGRAM: kernels->mel(&plan->mel, spectrum(work, source, first, used, o->power), out); break;
  case LUB_PLAN_MFCC: mfcc(work, source, first, used, out, highest); break;
  case LUB_PLAN_RMS: rms(work, source, first, used, out); break;
  case LUB_PLAN_ZERO_CROSSING_RATE: zero_crossing_rate(work, source, first, used, out); break;
  case LUB_PLAN_SPECTRAL_CENTROID:
    kernels->centroid(plan->hz, spectrum(work, source, first, used, 1), plan->bins, out);
    break;
  case LUB_PLAN_SPECTRAL_BANDWIDTH:
    kernels->bandwidth(plan->hz, spectrum(work, source, first, used, 1), plan->bins, o->p, o->spectrum_norm, out);
    break;
  case LUB_PLAN_SPECTRAL_ROLLOFF:
    kernels->rolloff(plan->hz, spectrum(work, source, first, used, 1), plan->bins, o->roll_percent, out);
    break;
  case LUB_PLAN_SPECTRAL_CONTRAST: contrast(work, source, first, used, out, highest); break;
  case LUB_PLAN_CHROMA_STFT: chroma(work, source, first, used, out); break;
  default: break;
  }
}

static float at_least(float x, float floor) { return x > floor ? x : floor; }

void lub_block_conclude(lub_block_work *work, const float *middle, const float highest[2], float *out) {
  const lub_plan *plan = work->plan;
  int64_t numbers = plan->rows * plan->kernels->lanes;
  if (plan->kind == LUB_PLAN_MFCC) {
    double top_db = plan->options.top_db;
    float floor = isnan(top_db) ? -INFINITY : (float)(highest[0] - top_db);
    plan->kernels->dct(&plan->dct, middle, floor, work->folded, out);
    return;
  }
  float low = highest[0] - 80, lowest = highest[1] - 80;
  for (int64_t i = 0; i < numbers; i++)
    out[i] = at_least(middle[i], low) - at_least(middle[numbers + i], lowest);
}
