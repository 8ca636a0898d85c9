/* Activations that take an exponential, there and back, a register at a time. Each element is computed alone, so that
 * the width of registers does not show. */
#include "nn/activation.h"
#include "nn/kernels/exponential.h"

INLINE vf absolute(vf x) { return (vf)((vu)x & vu_all(0x7FFFFFFFu)); }

/* e^x - 1 for x <= 0, exact also where x is small. */
INLINE vf exp_minus_one(vf x) {
  vf scale, m = exp_parts(clamp(x, -87, 0), &scale);
  return vf_fma(scale, m, scale - vf_all(1));
}

/* log(1 + e^x) = max(x, 0) + log(1 + u), u = e^-|x|; log(1 + u) = 2 artanh(u / (2 + u)), a series in at most 1/3. */
INLINE vf softplus(vf x) {
  vf scale, m = exp_parts(clamp(-absolute(x), -87, 0), &scale), u = vf_fma(scale, m, scale);
  const vf s = u / (vf_all(2) + u), z = s * s;
  vf p = vf_all(1.0f / 15);
  p = vf_fma(p, z, vf_all(1.0f / 13));
  p = vf_fma(p, z, vf_all(1.0f / 11));
  p = vf_fma(p, z, vf_all(1.0f / 9));
  p = vf_fma(p, z, vf_all(1.0f / 7));
  p = vf_fma(p, z, vf_all(1.0f / 5));
  p = vf_fma(p, z, vf_all(1.0f / 3));
  p = vf_fma(p * z, s, s);
  return vf_select((vi)(x > (vf){0}), x, (vf){0}) + (p + p);
}

/* The normal distribution: Phi(x), and its density at x. Phi(-a) = e^(-a^2/2) R(a) for a >= 0, where R is a
 * polynomial of 1 / (1 + 0.3 a), fitted to 6e-8 of itself for a <= 13.5. What rounding takes from a^2 (Dekker 1971)
 * would show in the exponential, and is given back. */
INLINE vf normal(vf x, vf *density) {
  const vf a = clamp(absolute(x), 0, 13), high = (vf)((vu)a & vu_all(0xFFFFF000u)), low = a - high;
  const vf square = a * a, lost = ((high * high - square) + vf_all(2) * high * low) + low * low;
  vf scale, m = exp_parts(square * vf_all(-0.5f), &scale);
  vf e = vf_fma(scale, m, scale);
  e = vf_fma(e, lost * vf_all(-0.5f), e);
  const vf t = vf_all(1) / vf_fma(a, vf_all(0.3f), vf_all(1));
  vf r = vf_all(0.0383324884f);
  r = vf_fma(r, t, vf_all(-0.168943986f));
  r = vf_fma(r, t, vf_all(0.228202105f));
  r = vf_fma(r, t, vf_all(-0.0759835318f));
  r = vf_fma(r, t, vf_all(0.142174795f));
  r = vf_fma(r, t, vf_all(0.0948370397f));
  r = vf_fma(r, t, vf_all(0.12188109f));
  r = vf_fma(r, t, vf_all(0.119493194f));
  r = vf_fma(r, t, vf_all(6.84592305e-06f));
  const vf below = e * r;
  *density = e * vf_all(0.398942280f);
  return vf_select((vi)(x > (vf){0}), vf_all(1) - below, below);
}

INLINE vf activated(vf x, const int f) {
  vf density;
  const vf scale = vf_all(1.05070099f), alpha = vf_all(1.67326324f);
  switch (f) {
  case LUB_TANH: return hyperbolic_tangent(x);
  case LUB_SIGMOID: return sigmoid(x);
  case LUB_ELU: return vf_select((vi)(x < (vf){0}), exp_minus_one(x), x);
  case LUB_SELU: return scale * vf_select((vi)(x < (vf){0}), alpha * exp_minus_one(x), x);
  case LUB_GELU: return x * normal(x, &density);
  case LUB_SILU: return x * sigmoid(x);
  default: return softplus(x);
  }
}

/* g * f'(.), given x for gelu and silu, and y = f(x) for softplus: f'(x) = 1 - e^-y. */
INLINE vf gone_back(vf g, vf x, const int f) {
  vf density, s;
  switch (f) {
  case LUB_GELU:
    s = normal(x, &density);
    return g * vf_fma(x, density, s);
  case LUB_SILU:
    s = sigmoid(x);
    return g * (s * vf_fma(x, vf_all(1) - s, vf_all(1)));
  default: return g * -exp_minus_one(-x);
  }
}

INLINE void activate_all(float *y, int64_t n, const int f) {
  int64_t i = 0;
  for (; i + VL <= n; i += VL) vf_storeu(y + i, activated(vf_loadu(y + i), f));
  if (i < n) vf_store_part(y + i, activated(vf_load_part(y + i, n - i), f), n - i);
}

INLINE void go_back_all(const float *x, const float *g, float *out, int64_t n, const int f) {
  int64_t i = 0;
  for (; i + VL <= n; i += VL) vf_storeu(out + i, gone_back(vf_loadu(g + i), vf_loadu(x + i), f));
  if (i < n) vf_store_part(out + i, gone_back(vf_load_part(g + i, n - i), vf_load_part(x + i, n - i), f), n - i);
}

void LUB_VARIANT(lub_activate_run)(float *y, int64_t n, int f) {
  switch (f) {
  case LUB_TANH: activate_all(y, n, LUB_TANH); break;
  case LUB_SIGMOID: activate_all(y, n, LUB_SIGMOID); break;
  case LUB_ELU: activate_all(y, n, LUB_ELU); break;
  case LUB_SELU: activate_all(y, n, LUB_SELU); break;
  case LUB_GELU: activate_all(y, n, LUB_GELU); break;
  case LUB_SILU: activate_all(y, n, LUB_SILU); break;
  default: activate_all(y, n, LUB_SOFTPLUS);
  }
}

void LUB_VARIANT(lub_activate_back)(const float *x, const float *g, float *out, int64_t n, int f) {
  switch (f) {
  case LUB_GELU: go_back_all(x, g, out, n, LUB_GELU); break;
  case LUB_SILU: go_back_all(x, g, out, n, LUB_SILU); break;
  default: go_back_all(x, g, out, n, LUB_SOFTPLUS);
  }
}
