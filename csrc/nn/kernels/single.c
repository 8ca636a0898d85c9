/* The first layer of most nets: one channel under a square kernel, and a 2x2 pool behind it. The window's four pixels
 * share their inputs, and all of it stays in registers. */
#include "nn/kernels/behind.h"

INLINE void single_channel(const lub_pool_row *given, const float *const *in, const float *weights, const int K,
                           const bool relu, const bool drops) {
  const lub_pool_row row = *given;
  const float *line[4];
  for (int i = 0; i <= K; i++) line[i] = in[i];
  for (int64_t c = 0; c < row.channels; c += VL) {
    const int64_t block = c / (2 * VL) * (2 * VL), width = row.lanes - block < 2 * VL ? VL : 2 * VL;
    const behind rest = behind_channels(&row, c, relu, drops);
    vf w[9];
    UNROLL for (int t = 0; t < K * K; t++) w[t] = vf_load(weights + block * K * K + t * width + c - block);
    vu hash = rest.start;
    for (int64_t column = 0; column < row.columns; column++, hash += hash_step(&row, 1)) {
      vf sum[4] = {{0}};
      UNROLL for (int i = 0; i < K; i++) UNROLL for (int j = 0; j < K; j++) UNROLL for (int p = 0; p < 4; p++) sum[p] =
          vf_fma(vf_all(line[i + p / 2][2 * column + j + p % 2]), w[i * K + j], sum[p]);
      vi place = {0};
      const vf best = largest_of_four(sum, &place);
      put_pixel(&row, &rest, hash, best, place, column, c);
    }
  }
}

#define SINGLE_TWO(relu, drops) single_channel(row, in, weights, 2, relu, drops)
#define SINGLE_THREE(relu, drops) single_channel(row, in, weights, 3, relu, drops)

void LUB_VARIANT(lub_single_channel_row)(const lub_pool_row *row, const float *const *in, int kernel,
                                         const float *weights) {
  if (kernel == 2) {
    BEHIND_CASES(row, SINGLE_TWO)
  } else {
    BEHIND_CASES(row, SINGLE_THREE)
  }
}
