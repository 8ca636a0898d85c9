/* compress.h - lists of the lanes that matter, and turning a square of vectors round, for files of this folder. */
#ifndef LUB_NN_KERNELS_COMPRESS_H
#define LUB_NN_KERNELS_COMPRESS_H

#include "nn/kernels/behind.h"

#if VL == 8
/* The numbers of the lanes in each set of 8, one byte each. */
#define LANE(set, i) ((set) >> (i) & 1 ? UINT64_C(i) << 8 * __builtin_popcount((set) & ((1u << (i)) - 1)) : 0)
#define LANES(set)                                                                                                     \
  (LANE(set, 1) | LANE(set, 2) | LANE(set, 3) | LANE(set, 4) | LANE(set, 5) | LANE(set, 6) | LANE(set, 7))
#define LANES_4(set) LANES(set), LANES((set) + 1), LANES((set) + 2), LANES((set) + 3)
#define LANES_16(set) LANES_4(set), LANES_4((set) + 4), LANES_4((set) + 8), LANES_4((set) + 12)
#define LANES_64(set) LANES_16(set), LANES_16((set) + 16), LANES_16((set) + 32), LANES_16((set) + 48)
static const uint64_t lanes_of_set[256] = {LANES_64(0u), LANES_64(64u), LANES_64(128u), LANES_64(192u)};
#endif

/* Writes the lanes of a and b that `bits` names side by side, and something behind them, a whole vector in all. Returns
 * how many there are. */
INLINE int append_lanes(int32_t *to_a, vi a, float *to_b, vf b, uint32_t bits) {
#if VL == 16
  a = (vi)_mm512_maskz_compress_epi32((__mmask16)bits, (__m512i)a);
  b = (vf)_mm512_maskz_compress_ps((__mmask16)bits, (__m512)b);
#elif VL == 8
  const __m256i lanes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(lanes_of_set + bits)));
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

/* a0 b0 a1 b1 of each four lanes of a and b, and a2 b2 a3 b3; the same with pairs of lanes. */
#if VL == 16
#define LOW32(a, b) (vi) _mm512_unpacklo_epi32((__m512i)(a), (__m512i)(b))
#define HIGH32(a, b) (vi) _mm512_unpackhi_epi32((__m512i)(a), (__m512i)(b))
#define LOW64(a, b) (vi) _mm512_unpacklo_epi64((__m512i)(a), (__m512i)(b))
#define HIGH64(a, b) (vi) _mm512_unpackhi_epi64((__m512i)(a), (__m512i)(b))
#define FOURS(a, b, which) (vi) _mm512_shuffle_i32x4((__m512i)(a), (__m512i)(b), which)
#elif VL == 8
#define LOW32(a, b) (vi) _mm256_unpacklo_epi32((__m256i)(a), (__m256i)(b))
#define HIGH32(a, b) (vi) _mm256_unpackhi_epi32((__m256i)(a), (__m256i)(b))
#define LOW64(a, b) (vi) _mm256_unpacklo_epi64((__m256i)(a), (__m256i)(b))
#define HIGH64(a, b) (vi) _mm256_unpackhi_epi64((__m256i)(a), (__m256i)(b))
#define FOURS(a, b, which) (vi) _mm256_permute2x128_si256((__m256i)(a), (__m256i)(b), which)
#else
#define LOW32(a, b) __builtin_shuffle(a, b, (vi){0, 4, 1, 5})
#define HIGH32(a, b) __builtin_shuffle(a, b, (vi){2, 6, 3, 7})
#define LOW64(a, b) __builtin_shuffle(a, b, (vi){0, 1, 4, 5})
#define HIGH64(a, b) __builtin_shuffle(a, b, (vi){2, 3, 6, 7})
#endif

/* Turns VL vectors round: lane j of vector i becomes lane i of vector j. Squares of 4 come first, then fours. */
INLINE void transpose(vi square[VL]) {
  UNROLL for (int i = 0; i < VL; i += 4) {
    const vi a = LOW32(square[i], square[i + 1]), b = HIGH32(square[i], square[i + 1]);
    const vi c = LOW32(square[i + 2], square[i + 3]), d = HIGH32(square[i + 2], square[i + 3]);
    square[i] = LOW64(a, c), square[i + 1] = HIGH64(a, c);
    square[i + 2] = LOW64(b, d), square[i + 3] = HIGH64(b, d);
  }
#if VL == 16
  UNROLL for (int i = 0; i < 4; i++) {
    const vi even = FOURS(square[i], square[4 + i], 0x88), odd = FOURS(square[i], square[4 + i], 0xDD);
    const vi even2 = FOURS(square[8 + i], square[12 + i], 0x88), odd2 = FOURS(square[8 + i], square[12 + i], 0xDD);
    square[i] = FOURS(even, even2, 0x88), square[8 + i] = FOURS(even, even2, 0xDD);
    square[4 + i] = FOURS(odd, odd2, 0x88), square[12 + i] = FOURS(odd, odd2, 0xDD);
  }
#elif VL == 8
  UNROLL for (int i = 0; i < 4; i++) {
    const vi first = FOURS(square[i], square[4 + i], 0x20), second = FOURS(square[i], square[4 + i], 0x31);
    square[i] = first, square[4 + i] = second;
  }
#endif
}

/* Turns a square of 16 pixels by 16 channels of bytes round: to[j][i] is byte j behind from + at[i], for j < n <= 16.
 * Bit i of alive[j] says whether it is another one than LUB_NO_GRADIENT. */
INLINE void turn_bytes(const uint8_t *from, const int32_t *at, int64_t n, uint8_t to[16][16], uint32_t alive[16]) {
#if VL > 4
  __m128i line[16];
  UNROLL for (int i = 0; i < 16; i++) {
    if (__builtin_expect(n == 16, 1)) {
      line[i] = _mm_loadu_si128((const __m128i *)(const void *)(from + at[i]));
    } else {
      line[i] = _mm_setzero_si128();
      memcpy(&line[i], from + at[i], (size_t)n);
    }
  }
  /* each time the first half's bytes go beside the second half's: after four times i and j have changed places */
  UNROLL for (int round = 0; round < 4; round++) {
    __m128i next[16];
    UNROLL for (int i = 0; i < 8; i++) {
      next[2 * i] = _mm_unpacklo_epi8(line[i], line[i + 8]);
      next[2 * i + 1] = _mm_unpackhi_epi8(line[i], line[i + 8]);
    }
    memcpy(line, next, sizeof line);
  }
  UNROLL for (int j = 0; j < 16; j++) {
    _mm_storeu_si128((__m128i *)(void *)to[j], line[j]);
    alive[j] = 0xFFFF ^ (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(line[j], _mm_set1_epi8((char)LUB_NO_GRADIENT)));
  }
#else
  for (int64_t j = 0; j < n; j++) {
    alive[j] = 0;
    for (int i = 0; i < 16; i++) {
      to[j][i] = from[at[i] + j];
      alive[j] |= (uint32_t)(to[j][i] != LUB_NO_GRADIENT) << i;
    }
  }
#endif
}

#endif
