/* exponential.h - e^x and what is made of it, a register at a time. It is a polynomial of our own: Taylor's series
 * around the nearest multiple of ln 2, to the 7th power, which float32 cannot tell from e^x. */
#ifndef LUB_NN_KERNELS_EXPONENTIAL_H
#define LUB_NN_KERNELS_EXPONENTIAL_H

#include "nn/kernels/variant.h"

/* Comparisons with NaN are false, and leave it as it is. */
INLINE vf clamp(vf x, float low, float high) {
  x = vf_select((vi)(x > vf_all(high)), vf_all(high), x);
  return vf_select((vi)(x < vf_all(low)), vf_all(low), x);
}

/* e^x = scale * (1 + m), |x| <= 88. Adding 1.5 * 2^23 rounds to a whole number, which the low bits then hold. */
INLINE vf exp_parts(vf x, vf *scale) {
  const vf round = vf_all(12582912.0f);
  vf shifted = vf_fma(x, vf_all(1.44269504f), round), n = shifted - round;
  vf r = vf_fma(n, vf_all(-0.693145752f), x);
  r = vf_fma(n, vf_all(-1.42860677e-6f), r);
  *scale = (vf)(((vu)shifted << 23) + vu_all(0x3F800000u));
  vf p = vf_all(1.0f / 5040);
  p = vf_fma(p, r, vf_all(1.0f / 720));
  p = vf_fma(p, r, vf_all(1.0f / 120));
  p = vf_fma(p, r, vf_all(1.0f / 24));
  p = vf_fma(p, r, vf_all(1.0f / 6));
  p = vf_fma(p, r, vf_all(0.5f));
  return vf_fma(p * r, r, r);
}

INLINE vf sigmoid(vf x) {
  vf scale, m = exp_parts(clamp(-x, -87, 88), &scale);
  return vf_all(1) / (vf_fma(scale, m, scale) + vf_all(1));
}

/* (e^2a - 1) / (e^2a + 1) with a = |x|; e^2a - 1 = scale * m + (scale - 1) loses nothing where x is small. */
INLINE vf hyperbolic_tangent(vf x) {
  const vu sign = (vu)x & vu_all(0x80000000u);
  vf a = (vf)((vu)x ^ sign), scale, m = exp_parts(clamp(a + a, 0, 20), &scale);
  vf e = vf_fma(scale, m, scale - vf_all(1));
  return (vf)((vu)(e / (e + vf_all(2))) | sign);
}

#endif
