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
static inline vf vf_select(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }
static inline vf vf_max(vf a, vf b) { return vf_select((vi)(a > b), a, b); }
static inline vf vf_min(vf a, vf b) { return vf_select((vi)(a < b), a, b); }

#endif
