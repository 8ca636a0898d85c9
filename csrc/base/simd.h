/* simd.h - vectors of VL floats, for files in kernels/ folders only.
 *
 * Such a file is compiled once per variant: VL = 4 (plain), 8 (avx2), 16 (avx512), and names
 * its functions with LUB_VARIANT(name). A kernel that keeps "one lane = one output" adds every output's
 * terms in an order that does not depend on VL, so AVX2 and AVX-512 give the same bits: all
 * multiply-adds are explicit and fused there, and -ffp-contract=off forbids others. The plain
 * variant multiplies and adds in two roundings. */
#ifndef LUB_BASE_SIMD_H
#define LUB_BASE_SIMD_H

#include <stdint.h>
#include <string.h>

#ifndef VL
#error "only files in kernels/ folders include simd.h"
#endif

#if VL > 4
#include <immintrin.h>
#endif

#define LUB_PASTE_(a, b) a##_##b
#define LUB_PASTE(a, b) LUB_PASTE_(a, b)
#define LUB_VARIANT(name) LUB_PASTE(name, LUB_VARIANT_NAME)

typedef float vf __attribute__((vector_size(4 * VL), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * VL), may_alias));
typedef uint32_t vu __attribute__((vector_size(4 * VL), may_alias));

static inline vf vf_load(const float *p) { return *(const vf *)p; } /* aligned to 4 * VL bytes */
static inline void vf_store(float *p, vf v) { *(vf *)p = v; }
static inline vf vf_loadu(const float *p) {
  vf v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void vf_storeu(float *p, vf v) { memcpy(p, &v, sizeof v); }
/* The first n lanes, n <= VL; the others are 0, or stay as they are in memory. */
#if VL == 8
static inline __m256i lub_first_lanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif
static inline vf vf_load_part(const float *p, int64_t n) {
  if (__builtin_expect(n >= VL, 1)) return vf_loadu(p);
#if VL == 16
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif VL == 8
  return (vf)_mm256_maskload_ps(p, lub_first_lanes(n));
#else
  vf v = {0};
  memcpy(&v, p, sizeof(float) * (size_t)n);
  return v;
#endif
}
static inline void vf_store_part(float *p, vf v, int64_t n) {
  if (__builtin_expect(n >= VL, 1)) {
    vf_storeu(p, v);
    return;
  }
#if VL == 16
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif VL == 8
  _mm256_maskstore_ps(p, lub_first_lanes(n), (__m256)v);
#else
  memcpy(p, &v, sizeof(float) * (size_t)n);
#endif
}
static inline vf vf_all(float x) { return x - (vf){0}; }
static inline vu vu_all(uint32_t x) { return x - (vu){0}; }

/* a * b + c */
static inline vf vf_fma(vf a, vf b, vf c) {
#if VL == 16
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif VL == 8
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

/* Lane by lane: mask is all ones or all zeros, as comparisons give it. */
static inline vf vf_select(vi mask, vf yes, vf no) {
#if VL == 8
  return (vf)_mm256_blendv_ps((__m256)no, (__m256)yes, (__m256)mask);
#else
  return (vf)((mask & (vi)yes) | (~mask & (vi)no));
#endif
}
static inline vf vf_max(vf a, vf b) { return vf_select((vi)(a > b), a, b); }
static inline vf vf_min(vf a, vf b) { return vf_select((vi)(a < b), a, b); }

/* 0 where x < 0; -0 and NaN stay. */
static inline vf vf_relu(vf x) {
#if VL == 16
  return (vf)_mm512_max_ps(_mm512_setzero_ps(), (__m512)x);
#elif VL == 8
  return (vf)_mm256_max_ps(_mm256_setzero_ps(), (__m256)x);
#else
  return vf_select((vi)(x < 0), (vf){0}, x);
#endif
}

/* v where v > best; else best, also where one of them is NaN. */
static inline vf vf_larger(vf v, vf best) {
#if VL == 16
  return (vf)_mm512_max_ps((__m512)v, (__m512)best);
#elif VL == 8
  return (vf)_mm256_max_ps((__m256)v, (__m256)best);
#else
  return vf_select((vi)(v > best), v, best);
#endif
}

/* === masks of lanes, in the form in which the CPU compares === */

#if VL == 16
typedef __mmask16 vm;
static inline vm vm_greater(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ); }
static inline vm vm_unordered(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_UNORD_Q); }
static inline vm vm_equal(vi a, vi b) { return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b); }
static inline vm vm_at_most(vu a, vu b) { return _mm512_cmple_epu32_mask((__m512i)a, (__m512i)b); }
static inline vm vm_not_greater(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_NGT_UQ); }
static inline vf vm_float(vm m, vf yes, vf no) { return (vf)_mm512_mask_blend_ps(m, (__m512)no, (__m512)yes); }
static inline vi vm_int(vm m, vi yes, vi no) { return (vi)_mm512_mask_blend_epi32(m, (__m512i)no, (__m512i)yes); }
static inline vf vm_nan(vm m, vf no) { return (vf)_mm512_mask_mov_epi32((__m512i)no, m, _mm512_set1_epi32(-1)); }
static inline vf vm_zero(vm m, vf no) { return (vf)_mm512_maskz_mov_ps((__mmask16)~m, (__m512)no); }
static inline vi vm_ones(vm m, vi no) { return (vi)_mm512_mask_mov_epi32((__m512i)no, m, _mm512_set1_epi32(-1)); }
static inline vi vm_add_one(vm m, vi a) {
  return (vi)_mm512_mask_add_epi32((__m512i)a, m, (__m512i)a, _mm512_set1_epi32(1));
}
static inline vm vm_or(vm a, vm b) { return a | b; }
static inline uint32_t vm_bits(vm m) { return m; } /* bit i: lane i */
#else
typedef vi vm;
static inline vm vm_greater(vf a, vf b) { return (vi)(a > b); }
static inline vm vm_unordered(vf a, vf b) {
#if VL == 8
  return (vi)_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_UNORD_Q);
#else
  return (vi)((a != a) | (b != b));
#endif
}
static inline vm vm_equal(vi a, vi b) { return (vi)(a == b); }
static inline vm vm_at_most(vu a, vu b) { return (vi)(a <= b); }
static inline vm vm_not_greater(vf a, vf b) {
#if VL == 8
  return (vi)_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_NGT_UQ);
#else
  return ~(vi)(a > b);
#endif
}
static inline vf vm_float(vm m, vf yes, vf no) { return vf_select(m, yes, no); }
static inline vi vm_int(vm m, vi yes, vi no) { return (vi)vf_select(m, (vf)yes, (vf)no); }
/* Where the mask is set: NaN, 0, all ones, a + 1; elsewhere the number itself. Of logic that says so in plain C, gcc
 * makes selections, which share ports with multiplications. */
#if VL == 8
static inline vf vm_nan(vm m, vf no) { return (vf)_mm256_or_ps((__m256)m, (__m256)no); }
static inline vf vm_zero(vm m, vf no) { return (vf)_mm256_andnot_ps((__m256)m, (__m256)no); }
static inline vi vm_ones(vm m, vi no) { return (vi)_mm256_or_ps((__m256)m, (__m256)no); }
static inline vi vm_add_one(vm m, vi a) { return (vi)_mm256_sub_epi32((__m256i)a, (__m256i)m); }
#else
static inline vf vm_nan(vm m, vf no) { return (vf)(m | (vi)no); }
static inline vf vm_zero(vm m, vf no) { return (vf)(~m & (vi)no); }
static inline vi vm_ones(vm m, vi no) { return m | no; }
static inline vi vm_add_one(vm m, vi a) { return a - m; }
#endif
static inline vm vm_or(vm a, vm b) { return a | b; }
static inline uint32_t vm_bits(vm m) {
#if VL == 8
  return (uint32_t)_mm256_movemask_ps((__m256)m);
#else
  uint32_t bits = 0;
  for (int i = 0; i < VL; i++) bits |= (uint32_t)(m[i] & 1) << i;
  return bits;
#endif
}
#endif
static inline vm vm_is_nan(vf a) { return vm_unordered(a, a); }

/* === bytes: one per lane === */

typedef uint8_t vb __attribute__((vector_size(VL)));

/* The low byte of every lane. */
static inline vb vb_from(vi v) {
#if VL == 8
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
  __m128i bytes = _mm_packus_epi16(_mm_and_si128(words, _mm_set1_epi16(255)), _mm_setzero_si128());
  return (vb)_mm_cvtsi128_si64(bytes);
#elif VL == 16
  return (vb)_mm512_cvtepi32_epi8((__m512i)v);
#else
  return __builtin_convertvector((vu)v, vb);
#endif
}

/* The first n of VL bytes in memory; the others are `rest`, or stay as they are. */
static inline vb vb_load_part(const uint8_t *p, int64_t n, uint8_t rest) {
  vb b;
  if (__builtin_expect(n >= VL, 1)) {
    memcpy(&b, p, sizeof b);
    return b;
  }
#if VL == 16
  return (vb)_mm_mask_loadu_epi8(_mm_set1_epi8((char)rest), (__mmask16)((1u << n) - 1), p);
#else
  memset(&b, rest, sizeof b);
  memcpy(&b, p, (size_t)n);
  return b;
#endif
}
static inline void vb_store_part(uint8_t *p, vb b, int64_t n) {
  if (__builtin_expect(n >= VL, 1)) memcpy(p, &b, sizeof b);
#if VL == 16
  else _mm_mask_storeu_epi8(p, (__mmask16)((1u << n) - 1), (__m128i)b);
#else
  else memcpy(p, &b, (size_t)n);
#endif
}

static inline vi vb_widen(vb b) {
#if VL == 8
  return (vi)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)b));
#elif VL == 16
  return (vi)_mm512_cvtepu8_epi32((__m128i)b);
#else
  return __builtin_convertvector(b, vi);
#endif
}

#endif
