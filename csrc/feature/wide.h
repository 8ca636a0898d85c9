/* wide.h - magnitudes of spectra in double precision, for features that look at bins of hardly any energy.
 *
 * librosa transforms in double and rounds the spectrum to float. Where sound was resampled from a low rate, the upper
 * bins are 120 dB below the rest, and a transform in float fills them with its own rounding noise; a valley
 * of the contrast is made of nothing else. Any length, no batch of powers of two: Stockham passes of radix 4, 2 and
 * whatever odd factors there are, on n / 2 complex points where n is even. */
#ifndef LUB_FEATURE_WIDE_H
#define LUB_FEATURE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lub_wide {
  int64_t n, points, bins; /* samples; complex points: n / 2, or n where it is odd; n / 2 + 1 */
  int factors, factor[64]; /* of points, in the order of the passes */
  double *window;          /* n */
  double *root;            /* exp(-2 pi i k / points), k < points, as pairs */
  double *split;           /* exp(-2 pi i k / n), k <= points, as pairs; NULL where n is odd */
} lub_wide;

/* For frames of n samples, times a window of win_length <= n in their middle. Free with lub_wide_free, also after a
 * failure. */
lub_status lub_wide_init(lub_wide *wide, int64_t n, int64_t win_length, const double *window, lub_error *err);
void lub_wide_free(lub_wide *wide);

/* How many doubles of work the kernel needs for `lanes` frames. */
int64_t lub_wide_work(const lub_wide *wide, int lanes);

#endif
