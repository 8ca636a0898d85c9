/* mel.h - triangular filters on the mel scale, after librosa.filters.mel.
 *
 * Slaney's scale: mel = 3 f / 200 below 1000 Hz, 15 + 27 ln(f / 1000) / ln 6.4 above;
 * htk: mel = 2595 log10(1 + f / 700). The corners are n_mels + 2 frequencies, even in mel from fmin to fmax.
 * Filter m rises from corner m to m + 1 and falls to m + 2, sampled at the FFT's bins. mel_norm: "slaney" divides
 * by half the width in Hz, a number p makes each filter's p-norm 1 (infinite: its peak), none leaves peaks of
 * about 1. */
#ifndef LUB_FEATURE_MEL_H
#define LUB_FEATURE_MEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum lub_mel_norm { LUB_MEL_NORM_NONE, LUB_MEL_NORM_SLANEY, LUB_MEL_NORM_P } lub_mel_norm;

typedef struct lub_mel_options {
  int64_t n_mels;
  double fmin, fmax; /* Hz; 0 <= fmin < fmax */
  bool htk;
  lub_mel_norm norm;
  double p; /* of LUB_MEL_NORM_P: at least 0, may be infinite */
} lub_mel_options;

typedef struct lub_mel {
  int64_t bands, bins;
  int64_t *first, *last; /* filter m has weights for bins first[m] .. last[m] - 1 */
  float *weights;        /* filter after filter, no gaps */
  int64_t empty;         /* filters without any weight (those that begin at 0 Hz not counted, as in librosa) */
} lub_mel;

/* The filters for spectra of n_fft points at rate sr. Free them with lub_mel_free, also after a failure. */
lub_status lub_mel_init(lub_mel *mel, const lub_mel_options *options, double sr, int64_t n_fft, lub_error *err);
void lub_mel_free(lub_mel *mel);

#endif
