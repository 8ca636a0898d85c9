/* fourier.h - the discrete Fourier transform of any length, in double.
 *
 * For what needs more digits than the features' float (phases that add up over a recording), or lengths that nobody
 * chose (a whole signal). Lengths whose primes are at most 13 take Stockham's passes; all others become a convolution
 * with a chirp (Bluestein 1970), of a length that has short passes, so that no length is slow. */
#ifndef LUB_AUDIO_FOURIER_H
#define LUB_AUDIO_FOURIER_H

#include <stdint.h>

#include "base/error.h"

typedef struct lub_fourier lub_fourier;

/* For n >= 1 points. It keeps work of its own: one thread at a time. Free with lub_fourier_free. */
lub_status lub_fourier_new(lub_fourier **out, int64_t n, lub_error *err);
void lub_fourier_free(lub_fourier *fourier);
int64_t lub_fourier_points(const lub_fourier *fourier);

/* z, n pairs of re, im, becomes sum over j of z[j] exp(-2 pi i j k / n); the inverse has exp(+...), and is not
 * divided by n. */
void lub_fourier_forward(lub_fourier *fourier, double *z);
void lub_fourier_inverse(lub_fourier *fourier, double *z);

#endif
