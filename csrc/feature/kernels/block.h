/* block.h - what the kernel files of one variant share: fft.c, wide.c and describe.c define these, spectrum.c puts
 * them into the table. */
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

void LUB_VARIANT(lub_wide_spectrum)(const lub_wide *wide, const float *const *frame, bool squared, double *work,
                                    float *out);
void LUB_VARIANT(lub_centroid)(const double *hz, const float *x, int64_t bins, float *out);
void LUB_VARIANT(lub_bandwidth)(const double *hz, const float *x, int64_t bins, double p, bool norm, float *out);
void LUB_VARIANT(lub_rolloff)(const double *hz, const float *x, int64_t bins, double share, float *out);
void LUB_VARIANT(lub_energy)(const float *x, int64_t bins, bool even, float *out);
void LUB_VARIANT(lub_extremes)(const float *x, int64_t bins, int64_t count, float *lowest, float *highest);
double LUB_VARIANT(lub_sum_squares)(const float *x, int64_t n);
int64_t LUB_VARIANT(lub_crossings)(const float *x, int64_t n, double threshold, bool zero_pos);

#endif
