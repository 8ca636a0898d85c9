/* What the CPU can do at most: multiply-adds in registers alone, as many chains as a tile of convolution has. */
#include "nn/kernels/tile.h"

int64_t LUB_VARIANT(lub_fma_rounds)(int64_t rounds, float *result) {
  vf chain[TILE * VECTORS];
  const vf a = vf_all(0.75f), b = vf_all(0.25f);
  UNROLL for (int i = 0; i < TILE * VECTORS; i++) chain[i] = vf_all((float)i);
  for (int64_t r = 0; r < rounds; r++)
    UNROLL for (int i = 0; i < TILE * VECTORS; i++) chain[i] = vf_fma(chain[i], a, b);
  vf sum = {0};
  UNROLL for (int i = 0; i < TILE * VECTORS; i++) sum += chain[i];
  *result = sum[0];
  return rounds * TILE * VECTORS * VL * 2;
}
