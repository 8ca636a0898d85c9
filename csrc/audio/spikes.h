/* spikes.h - friction and handling spikes taken out of a heart sound: Schmidt, Holst-Hansen, Graff, Toft, Struijk,
 * "Segmentation of heart sound recordings by a duration-dependent hidden Markov model" (2010), section 2.2.
 *
 * The recording is cut into windows (theirs: 500 ms; what is left at the end is a shorter one), each with its maximum
 * absolute amplitude, MAA. While the largest MAA exceeds `threshold` (theirs: 3) times the median of all MAAs: the
 * spike around the largest sample, from the zero crossing before it to the one after it, is set to 0. A zero crossing
 * lies between two samples that have not the same sign; a spike may reach beyond its window. Where half of the
 * windows are silent the median is 0, which tells nothing: then nothing is taken out. */
#ifndef LUB_AUDIO_SPIKES_H
#define LUB_AUDIO_SPIKES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lub_spikes {
  float *x;
  int64_t n, window, windows;
  double threshold;
  float *maximum, *sorted; /* of each window */
  int64_t capacity;
} lub_spikes;

/* Begins with n >= 1 samples, which will be changed in place; window >= 1 samples. `spikes` starts as all zeros, and
 * may be begun again. */
lub_status lub_spikes_begin(lub_spikes *spikes, float *x, int64_t n, int64_t window, double threshold, lub_error *err);
/* Removes at most `most` spikes; returns whether none is left. */
bool lub_spikes_advance(lub_spikes *spikes, int64_t most);
void lub_spikes_free(lub_spikes *spikes);

#endif
