/* window.h - windows for short-time spectra: scipy.signal.get_window's periodic ones (fftbins=True).
 *
 * A periodic window of n points is the symmetric one of n + 1 points without its last. */
#ifndef LUB_FEATURE_WINDOW_H
#define LUB_FEATURE_WINDOW_H

#include <stdint.h>

#include "base/error.h"

typedef enum lub_window {
  LUB_WINDOW_HANN,
  LUB_WINDOW_HAMMING,
  LUB_WINDOW_BLACKMAN,
  LUB_WINDOW_BLACKMANHARRIS,
  LUB_WINDOW_NUTTALL,
  LUB_WINDOW_BARTLETT,
  LUB_WINDOW_BOXCAR,
  LUB_WINDOW_TRIANG,
  LUB_WINDOW_FLATTOP,
  LUB_WINDOW_COSINE,
  LUB_WINDOW_KAISER,   /* parameter: beta >= 0 */
  LUB_WINDOW_GAUSSIAN, /* parameter: standard deviation in samples, > 0 */
  LUB_WINDOW_TUKEY,    /* parameter: share of the tapered part, 0 .. 1 */
  LUB_WINDOW_COUNT
} lub_window;

/* The names, in the order above, NULL at the end. */
extern const char *const lub_window_names[LUB_WINDOW_COUNT + 1];

/* Whether a window needs its parameter (kaiser, gaussian) or takes one (tukey: 0.5 unless given). */
typedef enum lub_window_parameter {
  LUB_WINDOW_NO_PARAMETER,
  LUB_WINDOW_OPTIONAL,
  LUB_WINDOW_NEEDED
} lub_window_parameter;
lub_window_parameter lub_window_takes(lub_window window);

/* Fills out[0 .. n-1], n >= 1; fails (LUB_EARG) where the parameter is out of bounds. */
lub_status lub_window_fill(double *out, int64_t n, lub_window window, double parameter, lub_error *err);

#endif
