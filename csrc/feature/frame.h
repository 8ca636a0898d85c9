/* frame.h - a signal cut into frames, as librosa cuts it.
 *
 * Frame f covers samples f * hop - pad .. f * hop - pad + length - 1; pad is length / 2 (rounded down) where
 * frames are centred, and 0 where not. n samples have 1 + (n + 2 pad - length) / hop frames (rounded down). */
#ifndef LUB_FEATURE_FRAME_H
#define LUB_FEATURE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* numpy.pad's modes for samples before the start and after the end. */
typedef enum lub_pad_mode { LUB_PAD_CONSTANT, LUB_PAD_REFLECT, LUB_PAD_EDGE } lub_pad_mode;

typedef struct lub_framing {
  int64_t length, hop, pad;
  lub_pad_mode mode;
  /* librosa.stft pads the head and the tail of a signal apart, so that with hops beyond half a window a mirrored
   * tail sees only itself. */
  bool apart;
} lub_framing;

/* A signal of n samples, of which `from` .. `until` - 1 are at hand, in x. A recording has all of them. Live sound
 * has an n that nobody knows yet, LUB_ENDLESS; what lies past `until` reads as 0 there. */
typedef struct lub_signal {
  const float *x;
  int64_t from, until, n;
} lub_signal;

#define LUB_ENDLESS (INT64_C(1) << 60)

/* The number of frames of n samples; 0 where there are none. */
int64_t lub_frames(const lub_framing *framing, int64_t n);

/* Sample i, which may lie before the start or after the end. */
float lub_frame_sample(const lub_framing *framing, const lub_signal *signal, int64_t i);

/* The samples of frame f: in the signal itself, or copied to `buffer` (length floats). */
const float *lub_frame_at(const lub_framing *framing, const lub_signal *signal, int64_t f, float *buffer);

#endif
