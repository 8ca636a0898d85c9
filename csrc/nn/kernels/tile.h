/* tile.h - the small matrix product that convolution is made of, for files of this folder: a tile of P pixels by V
 * vectors of lanes, whose sums stay in registers. 16 registers of AVX2 hold 6 x 2, 32 of AVX-512 hold 12 x 2, each
 * with room for the weights and one number spread over a vector. */
#ifndef LUB_NN_KERNELS_TILE_H
#define LUB_NN_KERNELS_TILE_H

#include "nn/kernels/variant.h"

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

/* One case per tile height, so that the compiler sees it as a constant. */
#if VL == 16
#define CASES(CALL)                                                                                                    \
  CALL(1) CALL(2) CALL(3) CALL(4) CALL(5) CALL(6) CALL(7) CALL(8) CALL(9) CALL(10) CALL(11) CALL(12)
#else
#define CASES(CALL) CALL(1) CALL(2) CALL(3) CALL(4) CALL(5) CALL(6)
#endif

/* n in tiles of at most TILE, as even as can be: the size of the next one. */
INLINE int next_tile(int64_t left) {
  int64_t tiles = (left + TILE - 1) / TILE;
  return (int)((left + tiles - 1) / tiles);
}

#endif
