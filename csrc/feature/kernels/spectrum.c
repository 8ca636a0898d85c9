/* spectrum.c - from the spectrum of VL frames to their cepstrum, lane by lane; the table of this variant. */
#include "feature/kernels/block.h"

static bool finite(const float *x, int64_t n) {
  const vi exponent = (vi)vu_all(0x7F800000u);
  vi bad = {0};
  int64_t i = 0;
  for (; i + VL <= n; i += VL) bad |= ((vi)vf_loadu(x + i) & exponent) == exponent;
  float rest[VL] = {0};
  memcpy(rest, x + i, sizeof(float) * (size_t)(n - i));
  bad |= ((vi)vf_loadu(rest) & exponent) == exponent;
  int32_t any = 0;
  for (int l = 0; l < VL; l++) any |= bad[l];
  return any == 0;
}

typedef float v4 __attribute__((vector_size(16), may_alias));
typedef int32_t i4 __attribute__((vector_size(16)));

static v4 v4_loadu(const float *p) {
  v4 v;
  memcpy(&v, p, sizeof v);
  return v;
}

static void transpose(float *t, int64_t stride, const float *const *rows, int64_t phases) {
  for (int64_t column = 0; column < stride; column += 4) {
    const float *r0 = rows[column], *r1 = rows[column + 1], *r2 = rows[column + 2], *r3 = rows[column + 3];
    float *out = t + column;
    int64_t phase = 0;
    for (; phase + 4 <= phases; phase += 4, out += 4 * stride) {
      v4 a = v4_loadu(r0 + phase), b = v4_loadu(r1 + phase), c = v4_loadu(r2 + phase), d = v4_loadu(r3 + phase);
      v4 ab_low = __builtin_shuffle(a, b, (i4){0, 4, 1, 5}), ab_high = __builtin_shuffle(a, b, (i4){2, 6, 3, 7});
      v4 cd_low = __builtin_shuffle(c, d, (i4){0, 4, 1, 5}), cd_high = __builtin_shuffle(c, d, (i4){2, 6, 3, 7});
      *(v4 *)out = __builtin_shuffle(ab_low, cd_low, (i4){0, 1, 4, 5});
      *(v4 *)(out + stride) = __builtin_shuffle(ab_low, cd_low, (i4){2, 3, 6, 7});
      *(v4 *)(out + 2 * stride) = __builtin_shuffle(ab_high, cd_high, (i4){0, 1, 4, 5});
      *(v4 *)(out + 3 * stride) = __builtin_shuffle(ab_high, cd_high, (i4){2, 3, 6, 7});
    }
    for (; phase < phases; phase++, out += stride)
      out[0] = r0[phase], out[1] = r1[phase], out[2] = r2[phase], out[3] = r3[phase];
  }
}

static void power(const float *z, int64_t bins, float *out) {
  for (int64_t k = 0; k < bins; k++) {
    vf re = vf_load(z + 2 * k * VL), im = vf_load(z + (2 * k + 1) * VL);
    vf_store(out + k * VL, vf_fma(re, re, im * im));
  }
}

static void root(float *x, int64_t bins) {
  for (int64_t i = 0; i < bins * VL; i++) x[i] = __builtin_sqrtf(x[i]);
}

static void mel_bands(const lub_mel *mel, const float *in, float *out) {
  const float *weight = mel->weights;
  for (int64_t m = 0; m < mel->bands; m++) {
    /* four sums: shorter chains of roundings, and no waiting for the sum before */
    vf sum[4] = {{0}};
    int64_t k = mel->first[m], last = mel->last[m];
    for (; k + 4 <= last; k += 4, weight += 4)
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) sum[i] = vf_fma(vf_all(weight[i]), vf_load(in + (k + i) * VL), sum[i]);
    for (; k < last; k++) sum[0] = vf_fma(vf_all(*weight++), vf_load(in + k * VL), sum[0]);
    vf_store(out + m * VL, (sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
}

/* 10 log10(x) for normal x > 0. With x = 2^e m, 1/sqrt(2) <= m < sqrt(2), and s = (m - 1) / (m + 1):
 * ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...), whose terms beyond s^9 are below 1e-9 of it. e 10 log10(2)
 * is added in two parts, the first of them exact. */
static inline vf decibel_of(vf x) {
  const vf one = vf_all(1.0f);
  vi e = ((vi)x - (vi)vu_all(0x3F3504F3u)) >> 23; /* the bits of 1/sqrt(2) */
  vf m = (vf)((vi)x - (e << 23));
  vf s = (m - one) / (m + one), z = s * s;
  vf series = vf_fma(z, vf_all(1.0f / 9), vf_all(1.0f / 7));
  series = vf_fma(series, z, vf_all(1.0f / 5));
  series = vf_fma(series, z, vf_all(1.0f / 3));
  vf log_m = s * vf_all(8.6858896380650366f); /* 20 / ln 10 */
  log_m = vf_fma(log_m * z, series, log_m);
  vf exponent = __builtin_convertvector(e, vf);
  return vf_fma(exponent, vf_all(3.010253906250f), vf_fma(exponent, vf_all(4.6050389811952e-5f), log_m));
}

static void decibel(float *x, int64_t bands, float *highest) {
  const vf least = vf_all(1e-10f);
  vf top = vf_all(-1000.0f);
  for (int64_t m = 0; m < bands; m++) {
    vf y = decibel_of(vf_max(vf_load(x + m * VL), least));
    vf_store(x + m * VL, y);
    top = vf_max(top, y);
  }
  vf_storeu(highest, top);
}

/* Bands lie around -50 dB or so, all on one side: their mean is taken out before the sums and put back, times the
 * sum of the row, behind them. That keeps the sums small, and their roundings with them; and bands that are all alike
 * (silence) give exactly 0 in every row but the first, as in scipy. */
static void dct(const lub_dct *dct, const float *x, float floor, float *work, float *out) {
  const vf least = vf_all(floor);
  int64_t n = dct->inputs, terms = dct->terms;
  float *even = work, *odd = dct->folded ? work + terms * VL : work;
  const vf first = vf_max(vf_load(x), least);
  vf mean = {0};
  for (int64_t i = 1; i < n; i++) mean += vf_max(vf_load(x + i * VL), least) - first;
  mean = vf_fma(mean, vf_all(1.0f / (float)n), first); /* exact where all are alike */
  if (dct->folded) {
    for (int64_t i = 0; i < n / 2; i++) {
      vf a = vf_max(vf_load(x + i * VL), least) - mean, b = vf_max(vf_load(x + (n - 1 - i) * VL), least) - mean;
      vf_store(even + i * VL, a + b);
      vf_store(odd + i * VL, a - b);
    }
    if (n % 2) {
      vf_store(even + n / 2 * VL, vf_max(vf_load(x + n / 2 * VL), least) - mean);
      vf_store(odd + n / 2 * VL, (vf){0});
    }
  } else {
    for (int64_t i = 0; i < n; i++) vf_store(work + i * VL, vf_max(vf_load(x + i * VL), least) - mean);
  }
  const float *basis = dct->basis;
  for (int64_t group = 0; group < dct->groups; group++) {
    const int32_t *row = dct->rows + group * LUB_DCT_GROUP;
    const float *row_sum = dct->row_sums + group * LUB_DCT_GROUP;
    const float *in = row[0] % 2 ? odd : even;
    vf sum[LUB_DCT_GROUP] = {{0}};
    for (int64_t i = 0; i < terms; i++, basis += LUB_DCT_GROUP) {
      vf value = vf_load(in + i * VL);
#pragma GCC unroll 8
      for (int r = 0; r < LUB_DCT_GROUP; r++) sum[r] = vf_fma(vf_all(basis[r]), value, sum[r]);
    }
    for (int r = 0; r < LUB_DCT_GROUP; r++)
      if (row[r] >= 0) vf_store(out + row[r] * VL, vf_fma(mean, vf_all(row_sum[r]), sum[r]));
  }
}

const lub_feature_kernels LUB_VARIANT(lub_feature) = {.lanes = VL,
                                                      .finite = finite,
                                                      .transpose = transpose,
                                                      .fft_power = LUB_VARIANT(lub_fft_power),
                                                      .fft_complex = LUB_VARIANT(lub_fft_complex),
                                                      .split_power = LUB_VARIANT(lub_split_power),
                                                      .split_complex = LUB_VARIANT(lub_split_complex),
                                                      .power = power,
                                                      .root = root,
                                                      .mel = mel_bands,
                                                      .decibel = decibel,
                                                      .dct = dct,
                                                      .wide_spectrum = LUB_VARIANT(lub_wide_spectrum),
                                                      .centroid = LUB_VARIANT(lub_centroid),
                                                      .bandwidth = LUB_VARIANT(lub_bandwidth),
                                                      .rolloff = LUB_VARIANT(lub_rolloff),
                                                      .energy = LUB_VARIANT(lub_energy),
                                                      .extremes = LUB_VARIANT(lub_extremes),
                                                      .sum_squares = LUB_VARIANT(lub_sum_squares),
                                                      .crossings = LUB_VARIANT(lub_crossings)};
