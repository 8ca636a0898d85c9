/* level.h - how loud a signal is, piece by piece: what trimming asks.
 *
 * librosa.effects.trim: frames of frame_length samples, hop_length apart, centred (zeros lie around the signal), 1 +
 * n / hop_length of them (n + 2 (frame_length / 2) - frame_length in place of n where frame_length is odd). A frame
 * is silent where the mean of its squares lies `top_db` or more below the reference, both floored at 1e-10. */
#ifndef LUB_AUDIO_LEVEL_H
#define LUB_AUDIO_LEVEL_H

#include <stdint.h>

/* The number of frames of n samples. */
int64_t lub_level_frames(int64_t n, int64_t frame_length, int64_t hop_length);

/* power[0 .. count-1] = the means of the squares of frames first .. first + count - 1 of x. */
void lub_level_power(const float *x, int64_t n, int64_t frame_length, int64_t hop_length, int64_t first, int64_t count,
                     double *power);

#endif
