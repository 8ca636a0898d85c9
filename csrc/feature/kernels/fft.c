/* fft.c - the real FFT of VL frames at once, lane by lane; see feature/fft.h. */
#include "base/simd.h"

#include "feature/kernels/block.h"

#define INLINE static inline __attribute__((always_inline))

typedef struct vc {
  vf re, im;
} vc;

INLINE vc vc_load(const float *p) { return (vc){vf_load(p), vf_load(p + VL)}; }
INLINE void vc_store(float *p, vc a) { vf_store(p, a.re), vf_store(p + VL, a.im); }
INLINE vc vc_add(vc a, vc b) { return (vc){a.re + b.re, a.im + b.im}; }
INLINE vc vc_sub(vc a, vc b) { return (vc){a.re - b.re, a.im - b.im}; }
INLINE vc vc_minus_i(vc a) { return (vc){a.im, -a.re}; }
INLINE vc vc_times(vc a, const float *w) {
  vf re = vf_all(w[0]), im = vf_all(w[1]);
  return (vc){vf_fma(a.re, re, -(a.im * im)), vf_fma(a.re, im, a.im * re)};
}

/* === small transforms, in registers, natural order === */

INLINE void dft2(vc *a) {
  vc sum = vc_add(a[0], a[1]);
  a[1] = vc_sub(a[0], a[1]);
  a[0] = sum;
}

INLINE void dft4(vc *a) {
  vc t0 = vc_add(a[0], a[2]), t1 = vc_sub(a[0], a[2]);
  vc t2 = vc_add(a[1], a[3]), t3 = vc_minus_i(vc_sub(a[1], a[3]));
  a[0] = vc_add(t0, t2), a[1] = vc_add(t1, t3);
  a[2] = vc_sub(t0, t2), a[3] = vc_sub(t1, t3);
}

INLINE void dft8(vc *a) {
  const vf half_root = vf_all(0.70710678118654752f);
  vc even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
  dft4(even);
  dft4(odd);
  odd[1] = (vc){(odd[1].re + odd[1].im) * half_root, (odd[1].im - odd[1].re) * half_root};
  odd[2] = vc_minus_i(odd[2]);
  odd[3] = (vc){(odd[3].im - odd[3].re) * half_root, -((odd[3].re + odd[3].im) * half_root)};
  for (int k = 0; k < 4; k++) a[k] = vc_add(even[k], odd[k]), a[k + 4] = vc_sub(even[k], odd[k]);
}

INLINE void dft(vc *a, int points) {
  if (points == 2) dft2(a);
  else if (points == 4) dft4(a);
  else dft8(a);
}

/* === butterflies of 2 .. 32 points === */

/* Where a butterfly's points come from: complex numbers at z, or pairs of windowed samples; `step` floats or
 * samples apart. */
typedef struct source {
  bool sampled;
  int64_t step;
  const float *z;
  const float *t, *window;
  const int32_t *offset;
} source;

INLINE vc fetch(const source *from, int k) {
  if (!from->sampled) return vc_load(from->z + k * from->step);
  const int32_t *offset = from->offset + k * from->step;
  const float *window = from->window + k * from->step;
  return (vc){vf_loadu(from->t + offset[0]) * vf_all(window[0]), vf_loadu(from->t + offset[1]) * vf_all(window[1])};
}

/* Point k of the result goes to out + k * step, times twiddle[k] where there are twiddles. */
INLINE void butterfly(int radix, const source *from, const float *inner, const float *twiddle, float *out,
                      int64_t step) {
  const int first = radix >= 16 ? 4 : 1, second = radix / first; /* radix = first * second */
  float middle[2 * 32 * VL] __attribute__((aligned(64)));
  if (first > 1)
    for (int b = 0; b < second; b++) {
      vc a[4];
      for (int i = 0; i < 4; i++) a[i] = fetch(from, i * second + b);
      dft4(a);
      vc_store(middle + 2 * VL * b, a[0]);
      for (int i = 1; i < 4; i++) vc_store(middle + 2 * VL * (i * second + b), vc_times(a[i], inner + 2 * (4 * b + i)));
    }
  for (int i = 0; i < first; i++) {
    vc a[8];
    for (int b = 0; b < second; b++) a[b] = first > 1 ? vc_load(middle + 2 * VL * (i * second + b)) : fetch(from, b);
    dft(a, second);
    for (int b = 0; b < second; b++) {
      int k = i + first * b;
      vc_store(out + k * step, twiddle ? vc_times(a[b], twiddle + 2 * k) : a[b]);
    }
  }
}

/* The pass that reads samples: stride 1, point p + k * (n / radix) of butterfly p. */
INLINE void first_pass(int radix, const lub_fft_pass *pass, const float *t, const int32_t *offset, const float *window,
                       float *out) {
  int64_t m = pass->n / radix;
  for (int64_t p = 0; p < m; p++) {
    source from = {.sampled = true, .t = t, .offset = offset + 2 * p, .window = window + 2 * p, .step = 2 * m};
    butterfly(radix, &from, pass->inner, pass->twiddle + 2 * radix * p, out + 2 * VL * radix * p, 2 * VL);
  }
}

INLINE void middle_pass(int radix, const lub_fft_pass *pass, const float *in, float *out) {
  int64_t m = pass->n / radix, s = pass->stride;
  for (int64_t p = 0; p < m; p++)
    for (int64_t q = 0; q < s; q++) {
      source from = {.z = in + 2 * VL * (q + s * p), .step = 2 * VL * s * m};
      butterfly(radix, &from, pass->inner, pass->twiddle + 2 * radix * p, out + 2 * VL * (q + s * radix * p),
                2 * VL * s);
    }
}

/* === from Z to the spectrum of the real signal === */

INLINE void put(vc x, float *out, int64_t k, bool power) {
  if (power) vf_store(out + k * VL, vf_fma(x.re, x.re, x.im * x.im));
  else vc_store(out + 2 * k * VL, x);
}

/* Bins k and half - k, from Z there. */
INLINE void split(const lub_fft *fft, int64_t k, vc zk, vc zm, float *out, bool power) {
  vc e = {zk.re + zm.re, zk.im - zm.im}, o = {zk.im + zm.im, zm.re - zk.re};
  vc wo = vc_times(o, fft->split + 2 * k);
  vc high = vc_sub(e, wo);
  put(vc_add(e, wo), out, k, power);
  put((vc){high.re, -high.im}, out, fft->half - k, power);
}

/* Bins 0 and half, from Z[0]. */
INLINE void split_ends(const lub_fft *fft, vc z0, float *out, bool power) {
  vf sum = z0.re + z0.im, difference = z0.re - z0.im, zero = {0};
  put((vc){sum + sum, zero}, out, 0, power);
  put((vc){difference + difference, zero}, out, fft->half, power);
}

/* The last pass, n == radix: butterflies q and stride - q hold each other's mirror images. */
INLINE void last_pass(int radix, const lub_fft *fft, const lub_fft_pass *pass, const float *in, float *out,
                      bool power) {
  int64_t s = pass->stride;
  float a[2 * 32 * VL] __attribute__((aligned(64))), b[2 * 32 * VL] __attribute__((aligned(64)));
  source from = {.z = in, .step = 2 * VL * s};
  butterfly(radix, &from, pass->inner, NULL, a, 2 * VL);
  split_ends(fft, vc_load(a), out, power);
  for (int j = 1; j <= radix / 2; j++)
    split(fft, s * j, vc_load(a + 2 * VL * j), vc_load(a + 2 * VL * (radix - j)), out, power);
  for (int64_t q = 1; 2 * q < s; q++) {
    from.z = in + 2 * VL * q;
    butterfly(radix, &from, pass->inner, NULL, a, 2 * VL);
    from.z = in + 2 * VL * (s - q);
    butterfly(radix, &from, pass->inner, NULL, b, 2 * VL);
    for (int j = 0; j < radix; j++) {
      int64_t k = q + s * j;
      vc za = vc_load(a + 2 * VL * j), zb = vc_load(b + 2 * VL * (radix - 1 - j));
      if (j < radix / 2) split(fft, k, za, zb, out, power);
      else split(fft, fft->half - k, zb, za, out, power);
    }
  }
  from.z = in + 2 * VL * (s / 2);
  butterfly(radix, &from, pass->inner, NULL, a, 2 * VL);
  for (int j = 0; j < radix / 2; j++)
    split(fft, s / 2 + s * j, vc_load(a + 2 * VL * j), vc_load(a + 2 * VL * (radix - 1 - j)), out, power);
}

/* Calls `pass` with the radix as a constant. */
#define WITH_RADIX(pass, radix, ...)                                                                                   \
  do {                                                                                                                 \
    switch (radix) {                                                                                                   \
    case 2: pass(2, __VA_ARGS__); break;                                                                               \
    case 4: pass(4, __VA_ARGS__); break;                                                                               \
    case 8: pass(8, __VA_ARGS__); break;                                                                               \
    case 16: pass(16, __VA_ARGS__); break;                                                                             \
    default: pass(32, __VA_ARGS__); break;                                                                             \
    }                                                                                                                  \
  } while (0)

/* All passes but the last; returns where their result lies in work. */
static const float *first_passes(const lub_fft *fft, const float *t, const int32_t *offset, const float *window,
                                 float *work) {
  float *from = work, *to = work + 2 * VL * fft->half;
  WITH_RADIX(first_pass, fft->pass[0].radix, &fft->pass[0], t, offset, window, from);
  for (int i = 1; i < fft->passes - 1; i++) {
    WITH_RADIX(middle_pass, fft->pass[i].radix, &fft->pass[i], from, to);
    float *other = from;
    from = to, to = other;
  }
  return from;
}

void LUB_VARIANT(lub_fft_power)(const lub_fft *fft, const float *t, const int32_t *offset, const float *window,
                                float *work, float *power) {
  const float *z = first_passes(fft, t, offset, window, work);
  const lub_fft_pass *last = &fft->pass[fft->passes - 1];
  WITH_RADIX(last_pass, last->radix, fft, last, z, power, true);
}

void LUB_VARIANT(lub_fft_complex)(const lub_fft *fft, const float *t, const int32_t *offset, const float *window,
                                  float *work, float *spectrum) {
  const float *z = first_passes(fft, t, offset, window, work);
  const lub_fft_pass *last = &fft->pass[fft->passes - 1];
  WITH_RADIX(last_pass, last->radix, fft, last, z, spectrum, false);
}

INLINE void split_all(const lub_fft *fft, const float *z, float *out, bool power) {
  split_ends(fft, vc_load(z), out, power);
  for (int64_t k = 1; 2 * k <= fft->half; k++)
    split(fft, k, vc_load(z + 2 * VL * k), vc_load(z + 2 * VL * (fft->half - k)), out, power);
}

void LUB_VARIANT(lub_split_power)(const lub_fft *fft, const float *z, float *power) { split_all(fft, z, power, true); }

void LUB_VARIANT(lub_split_complex)(const lub_fft *fft, const float *z, float *spectrum) {
  split_all(fft, z, spectrum, false);
}
