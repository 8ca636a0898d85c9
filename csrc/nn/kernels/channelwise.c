/* Channelwise convolution: lanes are channels, and never meet. */
#include "nn/kernels/window_variant.h"

#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

enum { TILE = VL == 16 ? 8 : 5, TAPS = VL == 16 ? 8 : 5 };

INLINE void row_tile(const lub_channelwise_row *row, int64_t at, int64_t lane, const int P, const int V) {
  vf sum[TILE][2];
  float *out = row->out + at * row->lanes + lane;
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
    sum[p][v] = vf_load(out + p * row->lanes + v * VL);
  for (int64_t r = 0; r < row->taps; r++) {
    const float *x = row->in[r] + at * row->step + lane;
    vf w[2];
    UNROLL for (int v = 0; v < V; v++) w[v] = vf_load(row->weights + r * row->lanes + lane + v * VL);
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
      sum[p][v] = vf_fma(vf_load(x + p * row->step + v * VL), w[v], sum[p][v]);
  }
  UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
    vf_store(out + p * row->lanes + v * VL, sum[p][v]);
}

INLINE void row_block(const lub_channelwise_row *row, int64_t lane, const int V) {
  int64_t p = 0;
  for (; p + TILE <= row->pixels; p += TILE) row_tile(row, p, lane, TILE, V);
  for (; p + 2 <= row->pixels; p += 2) row_tile(row, p, lane, 2, V);
  if (p < row->pixels) row_tile(row, p, lane, 1, V);
}

void LUB_VARIANT(lub_channelwise_row)(const lub_channelwise_row *row) {
  int64_t lane = 0;
  for (; lane + 2 * VL <= row->lanes; lane += 2 * VL) row_block(row, lane, 2);
  if (lane < row->lanes) row_block(row, lane, 1);
}

INLINE void gradient_tile(const lub_channelwise_row *row, int64_t tap, int64_t lane, const int R, const int V) {
  vf sum[TAPS][2];
  const float *x[TAPS];
  float *to = row->gradient + tap * row->lanes + lane;
  UNROLL for (int r = 0; r < R; r++) {
    x[r] = row->in[tap + r] + lane;
    UNROLL for (int v = 0; v < V; v++) sum[r][v] = vf_load(to + r * row->lanes + v * VL);
  }
  const float *g = row->g + lane;
  for (int64_t p = 0, at = 0; p < row->pixels; p++, at += row->step, g += row->lanes) {
    vf spread[2];
    UNROLL for (int v = 0; v < V; v++) spread[v] = vf_load(g + v * VL);
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < V; v++)
      sum[r][v] = vf_fma(vf_load(x[r] + at + v * VL), spread[v], sum[r][v]);
  }
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < V; v++)
    vf_store(to + r * row->lanes + v * VL, sum[r][v]);
}

INLINE void gradient_block(const lub_channelwise_row *row, int64_t lane, const int V) {
  int64_t r = 0;
  for (; r + TAPS <= row->taps; r += TAPS) gradient_tile(row, r, lane, TAPS, V);
  for (; r + 3 <= row->taps; r += 3) gradient_tile(row, r, lane, 3, V);
  for (; r < row->taps; r++) gradient_tile(row, r, lane, 1, V);
}

void LUB_VARIANT(lub_channelwise_gradient)(const lub_channelwise_row *row) {
  int64_t lane = 0;
  for (; lane + 2 * VL <= row->lanes; lane += 2 * VL) gradient_block(row, lane, 2);
  if (lane < row->lanes) gradient_block(row, lane, 1);
}

void LUB_VARIANT(lub_channelwise_scatter)(const lub_channelwise_row *row) {
  for (int64_t r = 0; r < row->taps; r++)
    for (int64_t lane = 0; lane < row->lanes; lane += VL) {
      const vf w = vf_load(row->weights + r * row->lanes + lane);
      float *to = row->gin[r] + lane;
      const float *g = row->g + lane;
      for (int64_t p = 0; p < row->pixels; p++, to += row->step, g += row->lanes)
        vf_store(to, vf_fma(vf_load(g), w, vf_load(to)));
    }
}
