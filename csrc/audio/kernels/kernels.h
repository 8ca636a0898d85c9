/* kernels.h - the hot loop of resampling, compiled once per variant (base/simd.h). One lane is one output. */
#ifndef LUB_AUDIO_KERNELS_H
#define LUB_AUDIO_KERNELS_H

#include "audio/polyphase.h"

/* The outputs of `frames` frames (polyphase.h); x stands at start[0] of the first one. */
typedef void lub_polyphase_kernel(const lub_polyphase *table, const float *x, int64_t frames, float *y);

lub_polyphase_kernel lub_polyphase_plain, lub_polyphase_avx2, lub_polyphase_avx512;

#endif
