/* Rows of convolution, and the gradient of their weights: small matrix products whose accumulators stay in
 * registers. A tile is P pixels (or P terms of the kernel) by V vectors of lanes; 16 registers of AVX2 hold
 * 6 x 2, 32 of AVX-512 hold 12 x 2, each with room for the weights and one number spread over a vector. */
#include "nn/kernels/variant.h"

#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

enum { TILE = VL == 16 ? 12 : 6, VECTORS = 2 };

INLINE void convolve_tile(float *out, int64_t lanes, const float *const *in, int64_t at, int64_t runs, int64_t length,
                          int64_t step, const float *weights, const int P, const int V) {
  vf sum[TILE][VECTORS];
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++) sum[p][v] = (vf){0};
  for (int64_t r = 0; r < runs; r++) {
    /* three pixels hang on one base pointer: base, base + step, base + 2 * step */
    const float *base[(TILE + 2) / 3];
    UNROLL for (int b = 0; b < (P + 2) / 3; b++) base[b] = in[r] + at + 3 * b * step;
    for (int64_t l = 0; l < length; l++, weights += V * VL) {
      vf w[VECTORS];
      UNROLL for (int v = 0; v < V; v++) w[v] = vf_load(weights + v * VL);
      UNROLL for (int p = 0; p < P; p++) {
        vf x = vf_all(base[p / 3][p % 3 * step + l]);
        UNROLL for (int v = 0; v < V; v++) sum[p][v] = vf_fma(x, w[v], sum[p][v]);
      }
    }
  }
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++) vf_store(out + p * lanes + v * VL, sum[p][v]);
}

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
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++) vf_store(gradient + (p * V + v) * VL, sum[p][v]);
}

/* One case per tile height, so that the compiler sees it as a constant. */
#define CASES(CALL)                                                                                                    \
  CALL(1) CALL(2) CALL(3) CALL(4) CALL(5) CALL(6)
#define MORE_CASES(CALL)                                                                                               \
  CALL(7) CALL(8) CALL(9) CALL(10) CALL(11) CALL(12)

/* n in tiles of at most TILE, as even as can be: the size of the next one. */
INLINE int next_tile(int64_t left) {
  int64_t tiles = (left + TILE - 1) / TILE;
  return (int)((left + tiles - 1) / tiles);
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
#if VL == 16
      MORE_CASES(CONVOLVE_CASE)
#endif
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
#if VL == 16
        MORE_CASES(GRADIENT_CASE)
#endif
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
  if (lane < lanes) convolve_block(out + lane, pixels, lanes, in, runs, length, step, weights + lane * runs * length, 1);
}

void LUB_VARIANT(lub_add_kernel_gradient)(float *gradient, const float *g, int64_t pixels, int64_t lanes,
                                          const float *const *in, int64_t runs, int64_t length, int64_t step) {
  int64_t lane = 0;
  for (; lane + 2 * VL <= lanes; lane += 2 * VL)
    gradient = gradient_block(gradient, g + lane, pixels, lanes, in, runs, length, step, 2);
  if (lane < lanes) gradient_block(gradient, g + lane, pixels, lanes, in, runs, length, step, 1);
}
