/* Patches in and out of images, dot products over them, and what stands between rows of vectors and dense ones. */
#include "nn/kernels/part.h"
#include "nn/kernels/window_variant.h"

#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

/* === gather and scatter === */

/* n floats, of which the last `rest` (1 .. VL) are a part of a vector. */
INLINE void copy_run(float *to, const float *from, int64_t n, part rest) {
  int64_t i = 0;
  for (; i + VL < n; i += VL) vf_storeu(to + i, vf_loadu(from + i));
  part_store(to + i, part_load(from + i, rest), rest);
}

INLINE void add_run(float *to, const float *from, int64_t n, part rest) {
  int64_t i = 0;
  for (; i + VL < n; i += VL) vf_storeu(to + i, vf_loadu(to + i) + vf_loadu(from + i));
  part_store(to + i, part_load(to + i, rest) + part_load(from + i, rest), rest);
}

INLINE part rest_of(int64_t n) { return part_of((n - 1) % VL + 1); }

void LUB_VARIANT(lub_gather_patches)(const lub_patches *p, const float *image, int64_t first, int64_t pixels,
                                     float *patches) {
  const part rest = rest_of(p->length);
  const int64_t filled = p->runs * p->length;
  int64_t column = first % p->columns;
  const float *line = image + first / p->columns * p->line;
  for (int64_t i = 0; i < pixels; i++, patches += p->stride) {
    const float *from = line + column * p->step;
    for (int64_t r = 0; r < p->runs; r++) copy_run(patches + r * p->length, from + p->offset[r], p->length, rest);
    for (int64_t k = filled; k < p->stride; k++) patches[k] = 0;
    if (++column == p->columns) column = 0, line += p->line;
  }
}

void LUB_VARIANT(lub_scatter_patches)(const lub_patches *p, float *image, int64_t first, int64_t pixels,
                                      const float *patches) {
  const part rest = rest_of(p->length);
  int64_t column = first % p->columns;
  float *line = image + first / p->columns * p->line;
  for (int64_t i = 0; i < pixels; i++, patches += p->stride) {
    float *to = line + column * p->step;
    for (int64_t r = 0; r < p->runs; r++) add_run(to + p->offset[r], patches + r * p->length, p->length, rest);
    if (++column == p->columns) column = 0, line += p->line;
  }
}

/* === dot products: always in 16 sums, which are added in one order === */

enum { SUMS = 16, VECTORS = SUMS / VL };

INLINE float total(const vf *sum) {
  float lane[SUMS];
  UNROLL for (int v = 0; v < VECTORS; v++) vf_storeu(lane + v * VL, sum[v]);
  UNROLL for (int half = SUMS / 2; half > 0; half /= 2) UNROLL for (int i = 0; i < half; i++) lane[i] += lane[i + half];
  return lane[0];
}

INLINE void dot_tile(float *out, int64_t filters, const float *patches, const float *weights, int64_t length,
    const int P,
                     const int F) {
  enum { MOST = 4 };
  vf sum[MOST][MOST][VECTORS];
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int f = 0; f < F; f++) UNROLL for (int v = 0; v < VECTORS; v++)
    sum[p][f][v] = (vf){0};
  for (int64_t k = 0; k < length; k += SUMS) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      vf w[MOST];
      UNROLL for (int f = 0; f < F; f++) w[f] = vf_loadu(weights + f * length + k + v * VL);
      UNROLL for (int p = 0; p < P; p++) {
        const vf x = vf_loadu(patches + p * length + k + v * VL);
        UNROLL for (int f = 0; f < F; f++) sum[p][f][v] = vf_fma(x, w[f], sum[p][f][v]);
      }
    }
  }
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int f = 0; f < F; f++) out[p * filters + f] = total(sum[p][f]);
}

INLINE void dot_rows(float *out, int64_t pixels, int64_t filters, const float *patches, const float *weights,
                     int64_t length, const int F) {
  enum { TALL = VL == 16 ? 4 : 2 };
  int64_t p = 0;
  for (; p + TALL <= pixels; p += TALL)
    dot_tile(out + p * filters, filters, patches + p * length, weights, length, TALL, F);
  for (; p < pixels; p++) dot_tile(out + p * filters, filters, patches + p * length, weights, length, 1, F);
}

void LUB_VARIANT(lub_dot_rows)(float *out, int64_t pixels, int64_t filters, const float *patches, const float *weights,
                               int64_t length) {
  int64_t f = 0;
  for (; VL == 16 && f + 4 <= filters; f += 4)
    dot_rows(out + f, pixels, filters, patches, weights + f * length, length, VL == 16 ? 4 : 1);
  for (; f + 2 <= filters; f += 2) dot_rows(out + f, pixels, filters, patches, weights + f * length, length, 2);
  if (f < filters) dot_rows(out + f, pixels, filters, patches, weights + f * length, length, 1);
}

/* === between rows of vectors and dense rows === */

void LUB_VARIANT(lub_finish_rows)(const float *in, int64_t pixels, int64_t lanes, int64_t channels, const float *bias,
                                  bool relu, float *y, int64_t step) {
  const part rest = rest_of(channels);
  for (int64_t p = 0; p < pixels; p++, in += lanes, y += step) {
    int64_t c = 0;
    for (; c < channels; c += VL) {
      vf v = vf_loadu(in + c) + vf_loadu(bias + c);
      if (relu) v = vf_select((vi)(v < (vf){0}), (vf){0}, v); /* NaN stays */
      if (c + VL < channels) vf_storeu(y + c, v);
      else part_store(y + c, v, rest);
    }
  }
}

void LUB_VARIANT(lub_spread_gradient)(const float *gy, const float *y, int64_t pixels, int64_t channels, int64_t step,
                                      float *g, int64_t lanes) {
  const part rest = rest_of(channels);
  for (int64_t p = 0; p < pixels; p++, gy += step, g += lanes) {
    int64_t c = 0;
    for (; c < channels; c += VL) {
      const bool whole = c + VL <= channels;
      vf v = whole ? vf_loadu(gy + c) : part_load(gy + c, rest);
      if (y) v = vf_select((vi)((whole ? vf_loadu(y + c) : part_load(y + c, rest)) > (vf){0}), v, (vf){0});
      if (whole) vf_storeu(g + c, v);
      else part_store(g + c, v, lanes > channels ? part_of(VL) : rest);
    }
    if (y) y += step;
  }
}
