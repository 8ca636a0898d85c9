/* window.h - the table of hot loops behind convolutions and pools of any window.
 *
 * As in kernels.h, an element's terms are added in an order that no vector length changes. */
#ifndef LUB_NN_KERNELS_WINDOW_H
#define LUB_NN_KERNELS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Patches: what lies under a window, for each of its places ("pixels"). A patch is `runs` runs of `length` floats; run
 * r of pixel p begins at image + p / columns * line + p % columns * step + offset[r]. In memory of their own, patches
 * are dense runs, `stride` floats from one to the next. */
typedef struct lub_patches {
  int64_t columns, line, step;
  int64_t runs, length, stride;
  const int64_t *offset;
} lub_patches;

/* A row of a channelwise convolution: every lane is convolved by itself. Pixel p and tap r meet at
 * in[r] + p * step; lanes are whole vectors, as are all arrays. */
typedef struct lub_channelwise_row {
  int64_t pixels, lanes, taps, step;
  const float *const *in;
  float *const *gin;    /* the way back: the same places of the input's gradient, added to */
  const float *weights; /* (taps, lanes) */
  float *gradient;      /* (taps, lanes): added to */
  float *out;           /* (pixels, lanes): added to */
  const float *g;       /* (pixels, lanes): gradient of out */
} lub_channelwise_row;

/* One output pixel of a pool: the taps that are inside, as offsets in floats. Arrays by channel are dense. */
typedef struct lub_pool_pixel {
  int64_t channels, taps;
  const int64_t *offset;
  const float *x;
  float *y;
  const float *gy;
  float *gx;   /* the way back: added to */
  float share; /* of averages: 1 / taps */
} lub_pool_pixel;

typedef struct lub_window_kernels {
  /* Copies patches first .. first + pixels - 1 out of the image; what lies between runs * length and stride becomes 0.
   * */
  void (*gather_patches)(const lub_patches *p, const float *image, int64_t first, int64_t pixels, float *patches);
  /* Adds them to the image, pixel after pixel. */
  void (*scatter_patches)(const lub_patches *p, float *image, int64_t first, int64_t pixels, const float *patches);
  /* out[p][f] = dot product of patch p and weights f, both `length` floats (a multiple of 16) long and that far apart;
   * out is dense. */
  void (*dot_rows)(float *out, int64_t pixels, int64_t filters, const float *patches, const float *weights,
      int64_t length);
  /* y[p][c] = in[p][c] + bias[c], and then perhaps relu; in's pixels are `lanes` floats long,
   * y's `step`. in and bias are readable for whole vectors. */
  void (*finish_rows)(const float *in, int64_t pixels, int64_t lanes, int64_t channels, const float *bias, bool relu,
      float *y,
                      int64_t step);
  /* g[p][c] = gy[p][c] where y[p][c] > 0 (y NULL: everywhere), else 0; gy's and y's pixels are `step` floats
   * long, g's `lanes`, with zeros behind the channels. */
  void (*spread_gradient)(const float *gy, const float *y, int64_t pixels, int64_t channels, int64_t step, float *g,
                          int64_t lanes);
  void (*channelwise_row)(const lub_channelwise_row *row);
  void (*channelwise_gradient)(const lub_channelwise_row *row);
  void (*channelwise_scatter)(const lub_channelwise_row *row);
  /* The first of the largest takes the gradient; NaN is larger than all. */
  void (*max_pixel)(const lub_pool_pixel *pixel);
  void (*max_pixel_back)(const lub_pool_pixel *pixel);
  void (*average_pixel)(const lub_pool_pixel *pixel);
  void (*average_pixel_back)(const lub_pool_pixel *pixel);
} lub_window_kernels;

#endif
