/* block.h - what the kernel files of one variant share: fft.c defines these, spectrum.c puts them into the table. */
#ifndef LUB_FEATURE_BLOCK_H
#define LUB_FEATURE_BLOCK_H

#include "base/simd.h"
#include "feature/kernels/kernels.h"

void LUB_VARIANT(lub_fft_power)(const lub_fft *fft, const float *t, const int32_t *offset, const float *window,
                                float *work, float *power);
void LUB_VARIANT(lub_fft_complex)(const lub_fft *fft, const float *t, const int32_t *offset, const float *window,
                                  float *work, float *spectrum);
void LUB_VARIANT(lub_split_power)(const lub_fft *fft, const float *z, float *power);
void LUB_VARIANT(lub_split_complex)(const lub_fft *fft, const float *z, float *spectrum);

#endif
