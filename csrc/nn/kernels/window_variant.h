/* window_variant.h - what the files of one variant give to its table of window.h. */
#ifndef LUB_NN_KERNELS_WINDOW_VARIANT_H
#define LUB_NN_KERNELS_WINDOW_VARIANT_H

#include "base/simd.h"
#include "nn/kernels/window.h"

extern const lub_window_kernels LUB_VARIANT(lub_window_kernels);

void LUB_VARIANT(lub_gather_patches)(const lub_patches *p, const float *image, int64_t first, int64_t pixels,
                                     float *patches);
void LUB_VARIANT(lub_scatter_patches)(const lub_patches *p, float *image, int64_t first, int64_t pixels,
                                      const float *patches);
void LUB_VARIANT(lub_dot_rows)(float *out, int64_t pixels, int64_t filters, const float *patches, const float *weights,
                               int64_t length);
void LUB_VARIANT(lub_finish_rows)(const float *in, int64_t pixels, int64_t lanes, int64_t channels, const float *bias,
                                  bool relu, float *y, int64_t step);
void LUB_VARIANT(lub_spread_gradient)(const float *gy, const float *y, int64_t pixels, int64_t channels, int64_t step,
                                      float *g, int64_t lanes);
void LUB_VARIANT(lub_channelwise_row)(const lub_channelwise_row *row);
void LUB_VARIANT(lub_channelwise_gradient)(const lub_channelwise_row *row);
void LUB_VARIANT(lub_channelwise_scatter)(const lub_channelwise_row *row);
void LUB_VARIANT(lub_max_pixel)(const lub_pool_pixel *pixel);
void LUB_VARIANT(lub_max_pixel_back)(const lub_pool_pixel *pixel);
void LUB_VARIANT(lub_average_pixel)(const lub_pool_pixel *pixel);
void LUB_VARIANT(lub_average_pixel_back)(const lub_pool_pixel *pixel);

#endif
