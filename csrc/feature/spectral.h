/* spectral.h - tables for the features that describe the shape of a spectrum; librosa.feature.spectral_*.
 *
 * With S[k] the magnitude in bin k, f[k] = k sr / n_fft, and s[k] = S[k] / sum S (S itself where the sum is 0):
 *   centroid   sum f[k] s[k]
 *   bandwidth  (sum s[k] |f[k] - centroid|^p)^(1/p)
 *   rolloff    the lowest f[k] with S[0] + ... + S[k] >= roll_percent * sum S
 *   contrast   in each octave: the mean of the highest `quantile` of S less that of the lowest
 * Sums are double; those of the rolloff are float, in librosa's order, so that ties fall alike. */
#ifndef LUB_FEATURE_SPECTRAL_H
#define LUB_FEATURE_SPECTRAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "feature/mel.h"

/* f[k] of `bins` bins; free() it. NULL where there is no memory. */
double *lub_bin_frequencies(double sr, int64_t n_fft, int64_t bins);

/* === contrast === */

/* Octave b holds bins first .. last - 1; `count` of them are its peak, and as many its valley. */
typedef struct lub_octave {
  int64_t first, last, count;
} lub_octave;

/* bands + 1 octaves: 0 .. fmin, fmin .. 2 fmin, and so on; the last one reaches to the end. Fails with LUB_EARG
 * where one has no bin. free(*octaves). */
lub_status lub_octaves_new(lub_octave **octaves, int64_t bands, double fmin, double quantile, double sr, int64_t n_fft,
                           lub_error *err);

/* The means of the `count` lowest and highest of the n numbers in x, which are put into another order: for counts
 * beyond LUB_EXTREMES of kernels.h. */
void lub_extremes(float *x, int64_t n, int64_t count, float *lowest, float *highest);

/* === chroma === */

typedef struct lub_chroma_options {
  int64_t n_chroma;
  double tuning;   /* of A440, in bins of the chroma */
  double ctroct;   /* the centre of the weights, in octaves above 27.5 Hz */
  double octwidth; /* their half-width, in octaves; NAN: all octaves weigh the same */
  bool base_c;     /* the first row is C; otherwise A */
} lub_chroma_options;

/* Filters with a weight for every bin, after librosa.filters.chroma: Gaussian bumps around each pitch class, as
 * wide as a semitone or a bin, whichever is more; each bin's weights have a 2-norm of 1 before the octaves' weights.
 * Free with lub_mel_free, also after a failure. */
lub_status lub_chroma_init(lub_mel *filters, const lub_chroma_options *options, double sr, int64_t n_fft,
                           lub_error *err);

#endif
