/* stretch.h - slower or faster at the same pitch, and higher or lower at the same speed: a phase vocoder, as librosa's.
 *
 * time_stretch (librosa.effects.time_stretch): frames of n_fft samples under a periodic Hann window, hop samples
 * apart, centred with zeros around. Output frame t stands at t * rate between the frames floor(t rate) and the next
 * one: its magnitudes are their linear interpolation, its phases those of the output frame before it plus the advance
 * between the two. (librosa wraps
 * that advance by whole turns, which change nothing: phases are products of unit numbers here.) Overlapped and added with the window again, over the sum of the squared windows: round(n / rate)
 * samples.
 * pitch_shift (librosa.effects.pitch_shift): stretched by 2^(-n_steps / 12), resampled to n samples.
 * In double throughout, where librosa computes in the signal's type: beside librosa on float32, whose phases lose
 * digits as they add up, the difference is librosa's; on float64 it is rounding. */
#ifndef LUB_AUDIO_STRETCH_H
#define LUB_AUDIO_STRETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/fourier.h"
#include "base/error.h"

typedef struct lub_stretch {
  int64_t n_fft, hop, bins;
  lub_fourier *fourier;
  double *window;
  double *pair, *made;      /* two frames in one complex transform, of the signal and of the result */
  double *magnitude, *unit; /* of four neighbouring frames, [frame mod 4][bin]; unit: exp(i phase), pairs */
  double *turn;             /* exp(i phase) of the output frame in hand, pairs */
  int64_t loaded[4];
  double *sum, *weight;     /* n_fft + hop samples of the result in the making, and of its squared windows */
  void *memory;
  const float *x;           /* the run in hand */
  int64_t n, frames, length, out_frames, at;
  double rate;
  float *out;
} lub_stretch;

/* Prepares for frames of n_fft >= 4 (even) samples, hop <= n_fft. Free with lub_stretch_free, also after a failure. */
lub_status lub_stretch_init(lub_stretch *stretch, int64_t n_fft, int64_t hop, lub_error *err);
void lub_stretch_free(lub_stretch *stretch);

/* round(n / rate), halves to even. */
int64_t lub_stretched_length(int64_t n, double rate);

/* Begins with n >= 1 samples x, to be made into lub_stretched_length(n, rate) samples at out; both must stay. rate >
 * 0. */
void lub_stretch_begin(lub_stretch *stretch, const float *x, int64_t n, double rate, float *out);
/* Works for some 5 ms; returns whether the result is complete. */
bool lub_stretch_advance(lub_stretch *stretch);

/* Resamples x, m = lub_stretched_length(n, rate) samples of a signal stretched by rate, to out[n]: the second half of
 * a pitch shift at sr Hz. A sample too few becomes a zero. */
lub_status lub_unstretch(const float *x, int64_t m, double rate, double sr, float *out, int64_t n, lub_error *err);

#endif
