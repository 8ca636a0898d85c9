#include "audio/stretch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/resample.h"
#include "base/memory.h"

#define PI 3.14159265358979323846
#define PAIRS 16 /* output frames per step, divided by two */

lub_status lub_stretch_init(lub_stretch *s, int64_t n_fft, int64_t hop, lub_error *err) {
  *s = (lub_stretch){.n_fft = n_fft, .hop = hop, .bins = n_fft / 2 + 1};
  int64_t count = 5 * n_fft + 14 * s->bins + 2 * (n_fft + hop);
  double *at = s->memory = lub_calloc((size_t)count, sizeof(double));
  if (!at) return lub_nomem(err, "time_stretch", 8.0 * (double)count);
  s->window = at, at += n_fft;
  s->pair = at, at += 2 * n_fft;
  s->made = at, at += 2 * n_fft;
  s->magnitude = at, at += 4 * s->bins;
  s->unit = at, at += 8 * s->bins;
  s->turn = at, at += 2 * s->bins;
  s->sum = at, at += n_fft + hop;
  s->weight = at;
  for (int64_t i = 0; i < n_fft; i++) s->window[i] = 0.5 - 0.5 * cos(2 * PI * (double)i / (double)n_fft);
  return lub_fourier_new(&s->fourier, n_fft, err);
}

void lub_stretch_free(lub_stretch *s) {
  lub_fourier_free(s->fourier);
  free(s->memory);
  *s = (lub_stretch){0};
}

int64_t lub_stretched_length(int64_t n, double rate) { return (int64_t)rint((double)n / rate); }

void lub_stretch_begin(lub_stretch *s, const float *x, int64_t n, double rate, float *out) {
  s->x = x, s->n = n, s->rate = rate, s->out = out, s->at = 0;
  s->frames = 1 + n / s->hop;
  s->length = lub_stretched_length(n, rate);
  s->out_frames = (int64_t)ceil((double)s->frames / rate);
  for (int i = 0; i < 4; i++) s->loaded[i] = -1;
  memset(s->sum, 0, sizeof(double) * (size_t)(2 * (s->n_fft + s->hop)));
}

/* Frame f of x under the window, into the real or the imaginary parts; returns whether it is silent. */
static bool put_frame(const lub_stretch *s, int64_t f, double *parts) {
  int64_t start = f * s->hop - s->n_fft / 2;
  bool silent = true;
  for (int64_t i = 0; i < s->n_fft; i++) {
    int64_t j = start + i;
    parts[2 * i] = f < s->frames && j >= 0 && j < s->n ? s->x[j] * s->window[i] : 0;
    silent = silent && parts[2 * i] == 0;
  }
  return silent;
}

/* Analyses frames f and f + 1, f even: of z = a + i b, the spectra are (Z[k] + conj Z[-k]) / 2 and (Z[k] - conj
 * Z[-k]) / 2i. The spectrum of silence is exactly 0, with phase 0: rounding beside a loud frame must not give it
 * phases. */
static void analyse(lub_stretch *s, int64_t f) {
  int64_t n = s->n_fft;
  double *z = s->pair;
  bool silent[2] = {put_frame(s, f, z), put_frame(s, f + 1, z + 1)};
  lub_fourier_forward(s->fourier, z);
  for (int which = 0; which < 2; which++) {
    int64_t slot = (f + which) % 4;
    for (int64_t k = 0; k < s->bins; k++) {
      const double *p = z + 2 * k, *q = z + 2 * (k == 0 ? 0 : n - k);
      double re = which == 0 ? p[0] + q[0] : p[1] + q[1], im = which == 0 ? p[1] - q[1] : q[0] - p[0];
      double size = silent[which] ? 0 : sqrt(re * re + im * im), *unit = s->unit + 2 * (slot * s->bins + k);
      s->magnitude[slot * s->bins + k] = 0.5 * size;
      unit[0] = size > 0 ? re / size : 1;
      unit[1] = size > 0 ? im / size : 0;
    }
    s->loaded[slot] = f + which;
  }
}

/* Where the spectrum of frame f lies. */
static int64_t slot_of(lub_stretch *s, int64_t f) {
  if (s->loaded[f % 4] != f) analyse(s, f - f % 2);
  return f % 4 * s->bins;
}

/* Adds the spectrum of output frame t to z, times i where it is the second one of a pair, and advances the phases. */
static void put_spectrum(lub_stretch *s, int64_t t, double *z, bool second) {
  double step = (double)t * s->rate, alpha = fmod(step, 1.0);
  int64_t a = slot_of(s, (int64_t)step), b = slot_of(s, (int64_t)step + 1), n = s->n_fft;
  if (t == 0) memcpy(s->turn, s->unit + 2 * a, sizeof(double) * 2 * (size_t)s->bins);
  for (int64_t k = 0; k < s->bins; k++) {
    double size = (1 - alpha) * s->magnitude[a + k] + alpha * s->magnitude[b + k];
    double *turn = s->turn + 2 * k, re = size * turn[0], im = size * turn[1];
    bool alone = k == 0 || k == n - k; /* the spectrum of a real frame is real here */
    if (alone) im = 0;
    z[2 * k] += second ? -im : re;
    z[2 * k + 1] += second ? re : im;
    if (!alone) {
      z[2 * (n - k)] += second ? im : re;
      z[2 * (n - k) + 1] += second ? re : -im;
    }
    const double *ua = s->unit + 2 * (a + k), *ub = s->unit + 2 * (b + k);
    double c = ub[0] * ua[0] + ub[1] * ua[1], d = ub[1] * ua[0] - ub[0] * ua[1]; /* the advance */
    double p = turn[0] * c - turn[1] * d, q = turn[0] * d + turn[1] * c, length = sqrt(p * p + q * q);
    turn[0] = p / length; /* rounding must not let it grow */
    turn[1] = q / length;
  }
}

/* Overlaps output frame t, the real or imaginary parts at `parts`, and gives out the hop samples that no later frame
 * reaches. */
static void overlap(lub_stretch *s, int64_t t, const double *parts) {
  int64_t n = s->n_fft, hop = s->hop, start = t * hop - n / 2;
  for (int64_t i = 0; i < n; i++) {
    s->sum[i] += s->window[i] * parts[2 * i] / (double)n;
    s->weight[i] += s->window[i] * s->window[i];
  }
  int64_t ready = t == s->out_frames - 1 ? n : hop;
  for (int64_t i = 0; i < ready; i++) {
    int64_t j = start + i;
    if (j >= 0 && j < s->length) s->out[j] = (float)(s->weight[i] > 1e-300 ? s->sum[i] / s->weight[i] : s->sum[i]);
  }
  memmove(s->sum, s->sum + hop, sizeof(double) * (size_t)n);
  memmove(s->weight, s->weight + hop, sizeof(double) * (size_t)n);
}

bool lub_stretch_advance(lub_stretch *s) {
  for (int i = 0; i < PAIRS && s->at < s->out_frames; i++, s->at += 2) {
    bool both = s->at + 1 < s->out_frames;
    memset(s->made, 0, sizeof(double) * 2 * (size_t)s->n_fft);
    put_spectrum(s, s->at, s->made, false);
    if (both) put_spectrum(s, s->at + 1, s->made, true);
    lub_fourier_inverse(s->fourier, s->made);
    overlap(s, s->at, s->made);
    if (both) overlap(s, s->at + 1, s->made + 1);
  }
  if (s->at < s->out_frames) return false;
  int64_t end = (s->out_frames - 1) * s->hop + s->n_fft / 2;
  for (int64_t i = end > 0 ? end : 0; i < s->length; i++) s->out[i] = 0;
  return true;
}

lub_status lub_unstretch(const float *x, int64_t m, double rate, double sr, float *out, int64_t n, lub_error *err) {
  lub_resampler *resampler;
  int64_t made = 0, length = lub_resampled_length(m, sr / rate, sr), room = length < n ? length : n;
  lub_status status = lub_resampler_new(&resampler, 1, sr / rate, sr, LUB_SOXR_HQ, err);
  if (status != LUB_OK) return status;
  status = lub_resampler_process(resampler, &x, m, &out, room, &made, err);
  if (status == LUB_OK) status = lub_resampler_finish(resampler, &out, room, &made, err);
  for (int64_t i = room; i < n; i++) out[i] = 0;
  lub_resampler_free(resampler);
  return status;
}
