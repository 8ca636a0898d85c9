/* Sums and affine maps by channel, for batch normalization. Sums run over CHUNK pixels in float, then in double: so
 * they are exact enough for a variance, and quick. */
#include "nn/kernels/variant.h"

enum { CHUNK = 32 };

static inline void add_to(double *sum, vf v, int64_t n) {
  for (int64_t i = 0; i < VL && i < n; i++) sum[i] += v[i];
}

void LUB_VARIANT(lub_channel_sums)(const lub_channel_run *run, const float *shift, double *sum, double *squares) {
  for (int64_t first = 0; first < run->pixels; first += CHUNK) {
    const int64_t last = first + CHUNK < run->pixels ? first + CHUNK : run->pixels;
    for (int64_t c = 0; c < run->channels; c += VL) {
      const int64_t n = run->channels - c;
      const vf from = vf_load(shift + c);
      vf s = {0}, q = {0};
      for (int64_t p = first; p < last; p++) {
        vf d = vf_load_part(run->x + p * run->channels + c, n) - from;
        s += d;
        q = vf_fma(d, d, q);
      }
      add_to(sum + c, s, n);
      add_to(squares + c, q, n);
    }
  }
}

void LUB_VARIANT(lub_channel_affine)(const lub_channel_run *run, const float *scale, const float *offset, float *out) {
  for (int64_t c = 0; c < run->channels; c += VL) {
    const vf a = vf_load(scale + c), b = vf_load(offset + c);
    for (int64_t p = 0; p < run->pixels; p++)
      vf_store(out + p * run->lanes + c, vf_fma(vf_load_part(run->x + p * run->channels + c, run->channels - c), a, b));
  }
}

void LUB_VARIANT(lub_channel_gradient_sums)(const lub_channel_run *run, const float *g, const float *scale,
                                            const float *offset, double *sum, double *products) {
  for (int64_t first = 0; first < run->pixels; first += CHUNK) {
    const int64_t last = first + CHUNK < run->pixels ? first + CHUNK : run->pixels;
    for (int64_t c = 0; c < run->channels; c += VL) {
      const int64_t n = run->channels - c;
      const vf a = vf_load(scale + c), b = vf_load(offset + c);
      vf s = {0}, q = {0};
      for (int64_t p = first; p < last; p++) {
        vf gradient = vf_load(g + p * run->lanes + c);
        s += gradient;
        q = vf_fma(gradient, vf_fma(vf_load_part(run->x + p * run->channels + c, n), a, b), q);
      }
      add_to(sum + c, s, n);
      add_to(products + c, q, n);
    }
  }
}

void LUB_VARIANT(lub_channel_gradient)(const lub_channel_run *run, const float *g, const float *a, const float *b,
                                       const float *d, float *gx, bool adds) {
  const vf zero = {0};
  for (int64_t c = 0; c < run->channels; c += VL) {
    const int64_t n = run->channels - c;
    const vf va = vf_load(a + c), vb_ = vf_load(b + c), vd = vf_load(d + c);
    for (int64_t p = 0; p < run->pixels; p++) {
      const int64_t at = p * run->channels + c;
      const vf before = adds ? vf_load_part(gx + at, n) : zero, x = vf_load_part(run->x + at, n);
      const vf v = vf_fma(va, vf_load(g + p * run->lanes + c), vf_fma(vb_, x, vd));
      vf_store_part(gx + at, before + v, n);
    }
  }
}
