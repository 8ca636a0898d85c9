/* hilbert.h - the envelope of a whole signal: |x + i H x|, the absolute value of scipy.signal.hilbert(x).
 *
 * H turns every frequency by -90 degrees and drops those that have no sign, 0 and half the sample rate. Both x and H x
 * are real. With n even, x is transformed as n / 2 complex numbers, even samples + i odd ones, Z; there, with
 * w = exp(-2 pi i k / n) and E, O the transforms of the even and odd samples, Z = E + i O becomes conj(w) E - i w O. */
#ifndef LUB_AUDIO_HILBERT_H
#define LUB_AUDIO_HILBERT_H

#include <stdint.h>

#include "base/error.h"

typedef struct lub_hilbert lub_hilbert;

/* For n >= 1 samples. It keeps work of its own: one thread at a time. Free with lub_hilbert_free. */
lub_status lub_hilbert_new(lub_hilbert **out, int64_t n, lub_error *err);
void lub_hilbert_free(lub_hilbert *hilbert);
int64_t lub_hilbert_samples(const lub_hilbert *hilbert);

/* x becomes its envelope. */
void lub_hilbert_envelope(lub_hilbert *hilbert, float *x);

#endif
