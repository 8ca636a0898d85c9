/* compress.h - lists of the lanes that matter, and turning a square of vectors round, for files of this folder. */
#ifndef LUB_NN_KERNELS_COMPRESS_H
#define LUB_NN_KERNELS_COMPRESS_H

#include "nn/kernels/behind.h"

#if VL == 8
/* For every set of 8 lanes the numbers of those in it, one byte each. */
#define BIT(m, i) ((m) >> (i) & 1)
#define COUNT(m) (BIT(m, 0) + BIT(m, 1) + BIT(m, 2) + BIT(m, 3) + BIT(m, 4) + BIT(m, 5) + BIT(m, 6) + BIT(m, 7))
#define PUT(m, i) ((uint64_t)(BIT(m, i) ? i : 0) << 8 * COUNT((m) & ((1 << i) - 1)))
#define SET(m) PUT(m, 0) | PUT(m, 1) | PUT(m, 2) | PUT(m, 3) | PUT(m, 4) | PUT(m, 5) | PUT(m, 6) | (BIT(m, 7) ? PUT(m, 7) : 0)
#define SETS4(m) SET(m), SET((m) + 1), SET((m) + 2), SET((m) + 3)
#define SETS16(m) SETS4(m), SETS4((m) + 4), SETS4((m) + 8), SETS4((m) + 12)
#define SETS64(m) SETS16(m), SETS16((m) + 16), SETS16((m) + 32), SETS16((m) + 48)
static const uint64_t lanes_of_set[256] = {SETS64(0), SETS64(64), SETS64(128), SETS64(192)};
#endif

/* Writes the lanes of a and b that `bits` names side by side, and something behind them, a whole vector in all. Returns how
 * many there are. */
INLINE int append_lanes(int32_t *to_a, vi a, float *to_b, vf b, uint32_t bits) {
#if VL == 16
  a = (vi)_mm512_maskz_compress_epi32((__mmask16)bits, (__m512i)a);
  b = (vf)_mm512_maskz_compress_ps((__mmask16)bits, (__m512)b);
#elif VL == 8
  const __m256i lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)lanes_of_set[bits]));
  a = (vi)_mm256_permutevar8x32_epi32((__m256i)a, lanes);
  b = (vf)_mm256_permutevar8x32_ps((__m256)b, lanes);
#else
  int n = 0;
  for (uint32_t left = bits; left; left &= left - 1, n++) {
    to_a[n] = a[__builtin_ctz(left)];
    to_b[n] = b[__builtin_ctz(left)];
  }
#endif
#if VL > 4
  memcpy(to_a, &a, sizeof a);
  vf_storeu(to_b, b);
#endif
  return __builtin_popcount(bits);
}

/* Swaps the blocks of S lanes off the diagonal: of each 2 * S lanes, a gets b's first half as its second, and the other way
 * round. */
INLINE void swap_blocks(vi *a, vi *b, const int S) {
  vi low, high;
  UNROLL for (int i = 0; i < VL; i++) {
    low[i] = i & S ? VL + i - S : i;
    high[i] = i & S ? VL + i : i + S;
  }
  const vi first = *a, second = *b;
  *a = __builtin_shuffle(first, second, low);
  *b = __builtin_shuffle(first, second, high);
}

/* Turns VL vectors round: lane j of vector i becomes lane i of vector j. */
INLINE void transpose(vi square[VL]) {
  UNROLL for (int s = VL / 2; s > 0; s /= 2)
    UNROLL for (int i = 0; i < VL; i++)
      if (!(i & s)) swap_blocks(&square[i], &square[i + s], s);
}

#endif
