/* Convolution by Winograd's minimal filtering, F(MxM, KxK): tiles of MxM outputs from (M+K-1)^2 inputs, with as many
 * multiplications where the plain way takes M^2 K^2. In one dimension, with inputs d and kernel g,
 *   M = 2, K = 2:  m = (d0 - d1) g0,  d1 (g0 + g1),  (d2 - d1) g1;                       y = m0 + m1,  m1 + m2
 *   M = 2, K = 3:  m = (d0 - d2) g0,  (d1 + d2) (g0 + g1 + g2) / 2,  (d2 - d1) (g0 - g1 + g2) / 2,  (d3 - d1) g2;
 *                  y = m0 + m1 + m2,  m1 - m2 + m3
 *   M = 4, K = 2:  by the points 1, -1, 1/2, -1/2 and infinity, which round least; with a = d2 - d0 / 4, b = d3 - d1 / 4,
 *                  e = (d2 - d0) / 2, f = d3 - d1,
 *                  m = (b + a) (g0 + g1) 2/3,  (b - a) (g1 - g0) 2/3,  (f + e) (g0 + g1 / 2) -4/3,
 *                      (f - e) (g0 - g1 / 2) 4/3,  (d4 - d2 - e / 2) g1;
 *                  y = m0 + m1 + m2 + m3,  m0 - m1 + (m2 - m3) / 2,  m0 + m1 + (m2 + m3) / 4,
 *                      m0 - m1 + (m2 - m3) / 8 + m4
 * and the same over columns, then rows. Products of all channels are summed before they meet: one small matrix product
 * for each of the (M+K-1)^2. A few pixels' worth of everything stays near; where a 2x2 pool follows, a tile is its
 * window, or two by two of them, and the outputs never leave the registers. (Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", 2015; Winograd, "Arithmetic complexity of computations", 1980.)
 *
 * Equal inputs give equal outputs to the last bit, all over a tile, since their differences are 0. An input that is not
 * finite reaches all outputs of its tiles, and an infinite one becomes NaN there. */
#include "nn/kernels/behind.h"
#include "nn/kernels/tile.h"

enum { PLANE = TILE * VECTORS * VL };

/* One dimension of the way in. */
INLINE void differences(const vf *d, vf *v, const int K, const int M) {
  if (M == 4) {
    const vf a = vf_fma(d[0], vf_all(-0.25f), d[2]), b = vf_fma(d[1], vf_all(-0.25f), d[3]);
    const vf e = d[2] - d[0], f = d[3] - d[1];
    v[0] = b + a;
    v[1] = b - a;
    v[2] = vf_fma(e, vf_all(0.5f), f);
    v[3] = vf_fma(e, vf_all(-0.5f), f);
    v[4] = vf_fma(e, vf_all(-0.25f), d[4] - d[2]);
  } else if (K == 2) {
    v[0] = d[0] - d[1];
    v[1] = d[1];
    v[2] = d[2] - d[1];
  } else {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
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
      vf half[5 * 5]; /* one dimension at a time, so that few registers are in use at once */
      UNROLL for (int j = 0; j < N; j++) {
        vf d[5], e[5];
        UNROLL for (int i = 0; i < N; i++) d[i] = vf_load_part(in[i] + at + j * channels, left);
        differences(d, e, K, M);
        UNROLL for (int i = 0; i < N; i++) half[i * N + j] = e[i];
      }
      UNROLL for (int i = 0; i < N; i++) {
        vf e[5];
        differences(half + i * N, e, K, M);
        UNROLL for (int j = 0; j < N; j++) vf_store(v + (i * N + j) * plane + p * pixel + c, e[j]);
      }
    }
  }
}

#define MULTIPLY_CASE(P)                                                                                               \
  case P:                                                                                                              \
    for (int t = 0; t < products; t++, v += plane, m += PLANE, weights += channels * V * VL)                           \
      convolve_tile(m, V * VL, &v, 0, 1, channels, pixel, weights, P, V);                                              \
    break;

/* m: (products, TILE, V * VL), a plane of it PLANE floats. */
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
INLINE void sums(const vf *m, vf *y, const int K, const int M) {
  if (M == 4) {
    const vf a = m[0] + m[1], b = m[0] - m[1];
    const vf e = m[2] + m[3], f = m[2] - m[3];
    y[0] = a + e;
    y[1] = vf_fma(f, vf_all(0.5f), b);
    y[2] = vf_fma(e, vf_all(0.25f), a);
    y[3] = vf_fma(f, vf_all(0.125f), b + m[4]);
  } else if (K == 2) {
    y[0] = m[0] + m[1];
    y[1] = m[1] + m[2];
  } else {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] + m[3];
  }
}

/* The way out of one tile over columns, one vector of lanes; half: (M + K - 1, M). */
INLINE void half_outputs(const float *m, vf *half, const int K, const int M) {
  const int N = M + K - 1;
  UNROLL for (int i = 0; i < N; i++) {
    vf line[5];
    UNROLL for (int j = 0; j < N; j++) line[j] = vf_load(m + (i * N + j) * PLANE);
    sums(line, half + M * i, K, M);
  }
}

/* The M outputs of its column j. */
INLINE void column_outputs(const vf *half, int j, vf *y, const int K, const int M) {
  vf column[5];
  UNROLL for (int i = 0; i < M + K - 1; i++) column[i] = half[i * M + j];
  sums(column, y, K, M);
}

/* The way out of P tiles from number `first` on, for the block's `width` lanes from `lane` on. */
INLINE void scatter(const lub_winograd_row *row, const float *m, int64_t first, int P, int64_t lane, int64_t width,
                    const int K) {
  const int64_t lanes = row->lanes, from = 2 * first * lanes + lane;
  float *const out[2] = {row->out[0] + from, row->out[1] + from};
  for (int p = 0; p < P; p++)
    for (int64_t c = 0; c < width; c += VL) {
      vf half[4 * 2], y[2];
      half_outputs(m + p * width + c, half, K, 2);
      UNROLL for (int j = 0; j < 2; j++) {
        column_outputs(half, j, y, K, 2);
        UNROLL for (int i = 0; i < 2; i++) vf_store(out[i] + (2 * p + j) * lanes + c, y[i]);
      }
    }
}

INLINE void scatter_pooled(const lub_pool_row *given, const float *m, int64_t first, int P, int64_t lane, int64_t width,
                           const int K, const int M, const bool relu, const bool drops) {
  const lub_pool_row pool = *given;
  for (int64_t c = 0; c < width && lane + c < pool.channels; c += VL) {
    const behind rest = behind_channels(&pool, lane + c, relu, drops);
    vu hash = rest.start + hash_step(&pool, M / 2 * first);
    for (int p = 0; p < P; p++, hash += hash_step(&pool, M / 2)) {
      vf half[5 * 4];
      half_outputs(m + p * width + c, half, K, M);
      UNROLL for (int j = 0; j < M / 2; j++) {
        vf left[4], right[4];
        column_outputs(half, 2 * j, left, K, M);
        column_outputs(half, 2 * j + 1, right, K, M);
        UNROLL for (int i = 0; i < M / 2; i++) {
          const vf window[4] = {left[2 * i], right[2 * i], left[2 * i + 1], right[2 * i + 1]};
          vi place = {0};
          const vf best = largest_of_four(window, &place);
          const int64_t behind_first = i * pool.columns + j;
          put_pixel(&pool, &rest, hash + hash_step(&pool, behind_first), best, place,
                    M / 2 * (first + p) + behind_first, lane + c);
        }
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
