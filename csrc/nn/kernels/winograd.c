/* Convolution by Winograd's minimal filtering, F(MxM, KxK): tiles of MxM outputs from (M+K-1)^2 inputs, with as many
 * multiplications where the plain way takes M^2 K^2. In one dimension, with inputs d and kernel g,
 *   M = 2, K = 2:  m = (d0 - d1) g0,  d1 (g0 + g1),  (d2 - d1) g1;                       y = m0 + m1,  m1 + m2
 *   M = 2, K = 3:  m = (d0 - d2) g0,  (d1 + d2) (g0 + g1 + g2) / 2,  (d2 - d1) (g0 - g1 + g2) / 2,  (d3 - d1) g2;
 *                  y = m0 + m1 + m2,  m1 - m2 + m3
 *   M = 4, K = 2:  by the points 1, -1, 1/2, -1/2 and infinity, which round least; with a = d2 - d0 / 4, b = d3 - d1 / 4,
 *                  e = (d2 - d0) / 2, f = d3 - d1,
 *                  m = (b + a) (g0 + g1) 2/3,  (b - a) (g1 - g0) 2/3,  (f + e) (g0 + g1 / 2) -4/3,
 *                      (f - e) (g0 - g1 / 2) 4/3,  (d4 - 5/4 d2 + d0 / 4) g1;
 *                  y = m0 + m1 + m2 + m3,  m0 - m1 + (m2 - m3) / 2,  m0 + m1 + (m2 + m3) / 4,
 *                      m0 - m1 + (m2 - m3) / 8 + m4
 * and the same over columns, then rows. Products of all channels are summed before they meet: one small matrix product
 * for each of the (M+K-1)^2. A few pixels' worth of everything stays near; where a 2x2 pool follows, a tile is its
 * window, or two by two of them, and the outputs never leave the registers. (Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", 2015; Winograd, "Arithmetic complexity of computations", 1980.)
 *
 * An input that is not finite reaches all outputs of its tiles, and an infinite one becomes NaN there. */
#include "nn/kernels/behind.h"
#include "nn/kernels/tile.h"

/* One dimension of the way in; `step` vectors lie between the elements of d and of v. */
INLINE void differences(const vf *d, vf *v, const int step, const int K, const int M) {
  if (M == 4) {
    const vf a = vf_fma(d[0], vf_all(-0.25f), d[2 * step]), b = vf_fma(d[step], vf_all(-0.25f), d[3 * step]);
    const vf e = d[2 * step] - d[0], f = d[3 * step] - d[step];
    v[0] = b + a;
    v[step] = b - a;
    v[2 * step] = vf_fma(e, vf_all(0.5f), f);
    v[3 * step] = vf_fma(e, vf_all(-0.5f), f);
    v[4 * step] = vf_fma(d[2 * step], vf_all(-1.25f), vf_fma(d[0], vf_all(0.25f), d[4 * step]));
  } else if (K == 2) {
    v[0] = d[0] - d[step];
    v[step] = d[step];
    v[2 * step] = d[2 * step] - d[step];
  } else {
    v[0] = d[0] - d[2 * step];
    v[step] = d[step] + d[2 * step];
    v[2 * step] = d[2 * step] - d[step];
    v[3 * step] = d[3 * step] - d[step];
  }
}

/* The way in of P tiles from number `first` on. v: (products, P, pixel), a plane of it `plane` floats. */
INLINE void gather(const lub_winograd_row *row, int64_t first, int P, float *v, int64_t plane, int64_t pixel,
                   const int K, const int M) {
  const int N = M + K - 1;
  const int64_t channels = row->channels;
  const float *in[5];
  for (int i = 0; i < N; i++) in[i] = row->in[i] + M * first * channels;
  for (int64_t c = 0; c < channels; c += VL) {
    const int64_t left = channels - c;
    for (int p = 0; p < P; p++) {
      const int64_t at = M * p * channels + c;
      vf d[5 * 5], e[5 * 5];
      UNROLL for (int i = 0; i < N; i++) UNROLL for (int j = 0; j < N; j++) d[i * N + j] =
          vf_load_part(in[i] + at + j * channels, left);
      UNROLL for (int j = 0; j < N; j++) differences(d + j, e + j, N, K, M);
      UNROLL for (int i = 0; i < N; i++) differences(e + i * N, d + i * N, 1, K, M);
      UNROLL for (int t = 0; t < N * N; t++) vf_store(v + t * plane + p * pixel + c, d[t]);
    }
  }
}

#define MULTIPLY_CASE(P)                                                                                               \
  case P:                                                                                                              \
    for (int t = 0; t < products; t++, v += plane, m += TILE * V * VL, weights += channels * V * VL)                   \
      convolve_tile(m, V * VL, &v, 0, 1, channels, pixel, weights, P, V);                                              \
    break;

/* m: (products, TILE, V * VL). */
INLINE void multiply(float *m, const float *v, int64_t plane, int64_t pixel, int64_t channels, const float *weights,
                     int products, int tiles, const int V) {
  switch (tiles) { CASES(MULTIPLY_CASE) }
}

__attribute__((noinline)) static void multiply_two(float *m, const float *v, int64_t plane, int64_t pixel,
                                                   int64_t channels, const float *weights, int products, int tiles) {
  multiply(m, v, plane, pixel, channels, weights, products, tiles, 2);
}

__attribute__((noinline)) static void multiply_one(float *m, const float *v, int64_t plane, int64_t pixel,
                                                   int64_t channels, const float *weights, int products, int tiles) {
  multiply(m, v, plane, pixel, channels, weights, products, tiles, 1);
}

/* One dimension of the way out. */
INLINE void sums(const vf *m, vf *y, const int m_step, const int y_step, const int K, const int M) {
  if (M == 4) {
    const vf a = m[0] + m[m_step], b = m[0] - m[m_step];
    const vf e = m[2 * m_step] + m[3 * m_step], f = m[2 * m_step] - m[3 * m_step];
    y[0] = a + e;
    y[y_step] = vf_fma(f, vf_all(0.5f), b);
    y[2 * y_step] = vf_fma(e, vf_all(0.25f), a);
    y[3 * y_step] = vf_fma(f, vf_all(0.125f), b + m[4 * m_step]);
  } else if (K == 2) {
    y[0] = m[0] + m[m_step];
    y[y_step] = m[m_step] + m[2 * m_step];
  } else {
    y[0] = m[0] + m[m_step] + m[2 * m_step];
    y[y_step] = m[m_step] - m[2 * m_step] + m[3 * m_step];
  }
}

/* The MxM outputs of one tile, one vector of lanes. */
INLINE void outputs(const float *m, int64_t plane, vf *y, const int K, const int M) {
  const int N = M + K - 1;
  vf half[5 * 4];
  UNROLL for (int i = 0; i < N; i++) {
    vf line[5];
    UNROLL for (int j = 0; j < N; j++) line[j] = vf_load(m + (i * N + j) * plane);
    sums(line, half + M * i, 1, 1, K, M);
  }
  UNROLL for (int j = 0; j < M; j++) sums(half + j, y + j, M, M, K, M);
}

/* The way out of P tiles from number `first` on, for the block's `width` lanes from `lane` on. */
INLINE void scatter(const lub_winograd_row *row, const float *m, int64_t first, int P, int64_t lane, int64_t width,
                    const int K) {
  const int64_t plane = TILE * width, lanes = row->lanes, from = 2 * first * lanes + lane;
  float *const out[2] = {row->out[0] + from, row->out[1] + from};
  for (int p = 0; p < P; p++)
    for (int64_t c = 0; c < width; c += VL) {
      vf y[4];
      outputs(m + p * width + c, plane, y, K, 2);
      UNROLL for (int i = 0; i < 4; i++) vf_store(out[i / 2] + (2 * p + i % 2) * lanes + c, y[i]);
    }
}

INLINE void scatter_pooled(const lub_pool_row *given, const float *m, int64_t first, int P, int64_t lane, int64_t width,
                           const int K, const int M, const bool relu, const bool drops) {
  const lub_pool_row pool = *given;
  const int64_t plane = TILE * width;
  for (int64_t c = 0; c < width && lane + c < pool.channels; c += VL) {
    const behind rest = behind_channels(&pool, lane + c, relu, drops);
    for (int p = 0; p < P; p++) {
      vf y[4 * 4];
      outputs(m + p * width + c, plane, y, K, M);
      UNROLL for (int w = 0; w < M / 2 * (M / 2); w++) {
        const int i = w / (M / 2), j = w % (M / 2), at = 2 * i * M + 2 * j;
        const vf window[4] = {y[at], y[at + 1], y[at + M], y[at + M + 1]};
        vi place = {0};
        const vf best = largest_of_four(window, &place);
        put_pixel(&pool, &rest, best, place, i * pool.columns + M / 2 * (first + p) + j, lane + c);
      }
    }
  }
}

#define SCATTER_POOLED(relu, drops) scatter_pooled(row->pool, m, first, tiles, lane, width, K, M, relu, drops)

INLINE void winograd(const lub_winograd_row *row, const int K, const int M) {
  const int products = (M + K - 1) * (M + K - 1);
  const int64_t channels = row->channels, pixel = (channels + VL - 1) / VL * VL;
  const int64_t plane = TILE * pixel + VL; /* planes that begin in one set of the cache would push each other out */
  float *v = row->scratch, *m = v + products * plane;
  for (int64_t first = 0; first < row->tiles;) {
    const int tiles = next_tile(row->tiles - first);
    gather(row, first, tiles, v, plane, pixel, K, M);
    for (int64_t lane = 0; lane < row->lanes; lane += 2 * VL) {
      const int64_t width = row->lanes - lane < 2 * VL ? VL : 2 * VL;
      const float *weights = row->weights + lane * products * channels;
      (width == VL ? multiply_one : multiply_two)(m, v, plane, pixel, channels, weights, products, tiles);
      if (row->pool) {
        BEHIND_CASES(row->pool, SCATTER_POOLED)
      } else if (M == 2) {
        scatter(row, m, first, tiles, lane, width, K);
      }
    }
    first += tiles;
  }
}

void LUB_VARIANT(lub_winograd_row)(const lub_winograd_row *row) {
  if (row->edge == 4) winograd(row, 2, 4);
  else if (row->kernel == 2) winograd(row, 2, 2);
  else winograd(row, 3, 2);
}
