/* part.h - the first n lanes of a vector, 1 <= n <= VL, for channels that do not fill their last one: nothing behind
 * them is read or written. */
#ifndef LUB_NN_KERNELS_PART_H
#define LUB_NN_KERNELS_PART_H

#include "base/simd.h"

#if VL == 16
typedef __mmask16 part;
static inline part part_of(int64_t n) { return (__mmask16)((1u << n) - 1); }
static inline vf part_load(const float *p, part n) { return (vf)_mm512_maskz_loadu_ps(n, p); }
static inline void part_store(float *p, vf v, part n) { _mm512_mask_storeu_ps(p, n, (__m512)v); }
#elif VL == 8
typedef __m256i part;
static inline part part_of(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf part_load(const float *p, part n) { return (vf)_mm256_maskload_ps(p, n); }
static inline void part_store(float *p, vf v, part n) { _mm256_maskstore_ps(p, n, (__m256)v); }
#else
typedef int64_t part;
static inline part part_of(int64_t n) { return n; }
static inline vf part_load(const float *p, part n) { return vf_load_part(p, n); }
static inline void part_store(float *p, vf v, part n) { vf_store_part(p, v, n); }
#endif

#endif
