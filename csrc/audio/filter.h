/* filter.h - Butterworth filters as second-order sections, and running such sections over a signal.
 *
 * A section is { b0, b1, b2, a1, a2 } with a0 = 1:
 *   y[i] = b0 x[i] + b1 x[i-1] + b2 x[i-2] - a1 y[i-1] - a2 y[i-2].
 * Everything is computed in double. Values, order of the sections and pairing are those of
 * scipy.signal.butter(output="sos"), sosfilt and sosfiltfilt. */
#ifndef LUB_AUDIO_FILTER_H
#define LUB_AUDIO_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LUB_MAX_SECTIONS 24
#define LUB_MAX_ORDER 12

typedef struct lub_section {
  double b0, b1, b2, a1, a2;
} lub_section;

typedef struct lub_sos {
  int count; /* 1 .. LUB_MAX_SECTIONS */
  lub_section section[LUB_MAX_SECTIONS];
} lub_sos;

typedef enum lub_band { LUB_LOWPASS, LUB_HIGHPASS, LUB_BANDPASS, LUB_BANDSTOP } lub_band;
/* "lowpass", "highpass", "bandpass", "bandstop", NULL. */
extern const char *const lub_band_names[];

/* A digital Butterworth filter of this order: its magnitude is down by 3 dB at `low` (lowpass, highpass) or at `low`
 * and `high`, in Hz. The poles of the analog prototype, -exp(i pi m / 2N) for m = -N+1, -N+3 .. N-1, are moved to the
 * (prewarped) band and to the z plane by the bilinear transform. Fails with LUB_EARG unless 1 <= order <=
 * LUB_MAX_ORDER and 0 < low (< high) < sr / 2. */
lub_status lub_butter(lub_sos *sos, int64_t order, lub_band band, double low, double high, double sr, lub_error *err);

/* Two numbers of memory per section. */
typedef struct lub_sos_state {
  double z[LUB_MAX_SECTIONS][2];
} lub_sos_state;

/* The state in which a constant input of `value` has long been going on (scipy's sosfilt_zi, times value). */
void lub_sos_steady(const lub_sos *sos, double value, lub_sos_state *state);

/* Filters n samples, `step` apart (1 or -1), in place. */
void lub_sos_run(const lub_sos *sos, lub_sos_state *state, double *x, int64_t n, int64_t step);

/* How a signal is continued at both ends before it is filtered forth and back; scipy's padtype. */
typedef enum lub_extension { LUB_EXTEND_ODD, LUB_EXTEND_EVEN, LUB_EXTEND_CONSTANT } lub_extension;
extern const char *const lub_extension_names[];

/* scipy's padlen: 3 (2 sections + 1 - the smaller number of sections without b2, or without a2). */
int64_t lub_sos_padlen(const lub_sos *sos);

/* Writes the signal x, n samples, with `edge` more at both ends, edge < n, to out[n + 2 edge]. */
void lub_extend(const float *x, int64_t n, int64_t edge, lub_extension extension, double *out);

#endif
