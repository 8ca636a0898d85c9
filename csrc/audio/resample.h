/* resample.h - another sample rate, block by block; through libsoxr, as librosa.resample does it.
 *
 * n samples become ceil(n * target / orig) (computed in double), whatever soxr itself would give: librosa's "fix".
 * The result does not depend on the sizes of the blocks. */
#ifndef LUB_AUDIO_RESAMPLE_H
#define LUB_AUDIO_RESAMPLE_H

#include <stdint.h>

#include "base/error.h"

/* soxr's recipes: how many bits are kept. */
typedef enum lub_quality { LUB_SOXR_VHQ, LUB_SOXR_HQ, LUB_SOXR_MQ, LUB_SOXR_LQ, LUB_SOXR_QQ } lub_quality;
/* "soxr_vhq" ..., in this order, NULL at the end. */
extern const char *const lub_quality_names[];

int64_t lub_resampled_length(int64_t n, double orig_sr, double target_sr);

typedef struct lub_resampler lub_resampler;

/* For channels that are as long as each other; they may be of different recordings: the design of the filter, which
 * takes as long as a few seconds of sound, is made once. What a channel becomes does not depend on the others. Free
 * with lub_resampler_free. */
lub_status lub_resampler_new(lub_resampler **out, int channels, double orig_sr, double target_sr, lub_quality quality,
                             lub_error *err);
void lub_resampler_free(lub_resampler *resampler);

/* Takes n samples of each channel, x[channel], and appends what is ready to out[channel], at most `room` samples in all
 * calls; *made counts them. */
lub_status lub_resampler_process(lub_resampler *resampler, const float *const *x, int64_t n, float *const *out,
                                 int64_t room, int64_t *made, lub_error *err);
/* No more samples come: appends the rest, and zeros up to `room`. */
lub_status lub_resampler_finish(lub_resampler *resampler, float *const *out, int64_t room, int64_t *made,
                                lub_error *err);

#endif
