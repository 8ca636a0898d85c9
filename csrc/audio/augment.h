/* augment.h - changes of a signal for training: what they do is a function of the options, the signal and a key
 * alone, so that no thread, order or batch can change it.
 *
 *   add_noise     white Gaussian noise, low .. high dB below the signal's own power; silence stays silence
 *   gain          low .. high dB
 *   time_shift    by -high .. high seconds; what leaves one end is lost (zeros come in), or comes back at the other
 *                 (wrap)
 *   time_stretch  rate low .. high (stretch.h); cut, or filled up with zeros, to the old length
 *   pitch_shift   low .. high semitones (stretch.h)
 *
 * The amount is uniform in its range; an augmentation happens with its probability. */
#ifndef LUB_AUDIO_AUGMENT_H
#define LUB_AUDIO_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/options.h"

typedef enum lub_augmentation_kind {
  LUB_ADD_NOISE,
  LUB_GAIN,
  LUB_TIME_SHIFT,
  LUB_TIME_STRETCH,
  LUB_PITCH_SHIFT,
  LUB_AUGMENTATION_KINDS
} lub_augmentation_kind;

/* The names above; NULL at the end. */
extern const char *const lub_augmentation_names[LUB_AUGMENTATION_KINDS + 1];

typedef struct lub_augmentation {
  int kind;
  double low, high, p;
  bool wrap;      /* time_shift */
  int64_t n_fft;  /* time_stretch, pitch_shift: even, at least 4; the hop is a quarter */
} lub_augmentation;

/* One thread's work, reusable. Free with lub_augmenter_free. */
typedef struct lub_augmenter lub_augmenter;
lub_status lub_augmenter_new(lub_augmenter **out, lub_error *err);
void lub_augmenter_free(lub_augmenter *augmenter);

/* Changes n >= 1 samples at sr Hz in place. Fails only where there is no memory, or no resampling. */
lub_status lub_augment(lub_augmenter *augmenter, const lub_augmentation *augmentation, float *y, int64_t n, double sr,
                       uint64_t key, lub_error *err);

#endif
