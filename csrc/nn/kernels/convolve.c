/* Rows of convolution (tiles of P pixels by V vectors of lanes), and the gradient of their weights (P terms of the
 * kernel by V vectors). */
#include "nn/kernels/tile.h"

INLINE void gradient_tile(float *gradient, const float *g, int64_t pixels, int64_t lanes, const float *x, int64_t step,
                          const int P, const int V) {
  vf sum[TILE][VECTORS];
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++) sum[p][v] =
      vf_load(gradient + (p * V + v) * VL);
  for (int64_t i = 0; i < pixels; i++, x += step, g += lanes) {
    vf w[VECTORS];
    UNROLL for (int v = 0; v < V; v++) w[v] = vf_load(g + v * VL);
    UNROLL for (int p = 0; p < P; p++) {
      vf spread = vf_all(x[p]);
      UNROLL for (int v = 0; v < V; v++) sum[p][v] = vf_fma(spread, w[v], sum[p][v]);
    }
  }
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
      vf_store(gradient + (p * V + v) * VL, sum[p][v]);
}

#define CONVOLVE_CASE(P)                                                                                               \
  case P: convolve_tile(to, lanes, in, p * step, runs, length, step, weights, P, V); break;

INLINE void convolve_block(float *out, int64_t pixels, int64_t lanes, const float *const *in, int64_t runs,
                           int64_t length, int64_t step, const float *weights, const int V) {
  for (int64_t p = 0; p < pixels;) {
    float *to = out + p * lanes;
    int tile = next_tile(pixels - p);
    switch (tile) {
      CASES(CONVOLVE_CASE)
    }
    p += tile;
  }
}

#define GRADIENT_CASE(P)                                                                                               \
  case P: gradient_tile(gradient, g, pixels, lanes, in[r] + l, step, P, V); break;

INLINE float *gradient_block(float *gradient, const float *g, int64_t pixels, int64_t lanes, const float *const *in,
                             int64_t runs, int64_t length, int64_t step, const int V) {
  for (int64_t r = 0; r < runs; r++)
    for (int64_t l = 0; l < length;) {
      int tile = next_tile(length - l);
      switch (tile) {
        CASES(GRADIENT_CASE)
      }
      l += tile;
      gradient += tile * V * VL;
    }
  return gradient;
}

void LUB_VARIANT(lub_convolve_row)(float *out, int64_t pixels, int64_t lanes, const float *const *in, int64_t runs,
                                   int64_t length, int64_t step, const float *weights) {
  int64_t lane = 0;
  for (; lane + 2 * VL <= lanes; lane += 2 * VL)
    convolve_block(out + lane, pixels, lanes, in, runs, length, step, weights + lane * runs * length, 2);
  if (lane < lanes)
    convolve_block(out + lane, pixels, lanes, in, runs, length, step, weights + lane * runs * length, 1);
}

void LUB_VARIANT(lub_add_kernel_gradient)(float *gradient, const float *g, int64_t pixels, int64_t lanes,
                                          const float *const *in, int64_t runs, int64_t length, int64_t step) {
  int64_t lane = 0;
  for (; lane + 2 * VL <= lanes; lane += 2 * VL)
    gradient = gradient_block(gradient, g + lane, pixels, lanes, in, runs, length, step, 2);
  if (lane < lanes) gradient_block(gradient, g + lane, pixels, lanes, in, runs, length, step, 1);
}
