/* What stands behind a row of convolution: bias, relu, max-pool and dropout in one pass, and their way back. */
#include "nn/kernels/variant.h"

typedef uint8_t vb __attribute__((vector_size(VL)));

/* lub_hash32 of base/random.h, lane by lane. */
static inline vu hash(vu i, uint64_t key) {
  vu x = i * 0x9E3779B1u + vu_all((uint32_t)key);
  x ^= x >> 15;
  x *= 0x85EBCA77u;
  x += vu_all((uint32_t)(key >> 32));
  x ^= x >> 13;
  x *= 0xC2B2AE3Du;
  return x ^ (x >> 16);
}

static inline vu lane_numbers(void) {
  vu v;
  for (int i = 0; i < VL; i++) v[i] = (uint32_t)i;
  return v;
}

void LUB_VARIANT(lub_pool_row_forward)(const lub_pool_row *row) {
  const vu numbers = lane_numbers();
  const vf scale = vf_all(row->scale), zero = {0};
  const vu threshold = vu_all(row->threshold);
  const int64_t lanes = row->lanes, channels = row->channels;
  for (int64_t column = 0; column < row->columns; column++) {
    int64_t at = column * channels, from = column * row->pool_w * lanes;
    for (int64_t c = 0; c < channels; c += VL) {
      vf best = vf_load(row->rows[0] + from + c);
      vi place = {0};
      for (int i = 0; i < row->pool_h; i++)
        for (int j = i == 0; j < row->pool_w; j++) {
          vf v = vf_load(row->rows[i] + from + j * lanes + c);
          vi better = (vi)(v > best) | (vi)(v != v); /* NaN is never lost */
          best = vf_select(better, v, best);
          place = (place & ~better) | (better & (i * row->pool_w + j));
        }
      vf y = best + vf_load(row->bias + c);
      if (row->relu) {
        place |= ~(vi)(y > zero);
        y = vf_select((vi)(y < zero), zero, y);
      }
      if (row->threshold > 0) {
        vu element = numbers + vu_all(row->first + (uint32_t)(at + c));
        vi lives = (vi)(hash(element, row->key) >= threshold);
        y = (vf)((vi)(y * scale) & lives);
        place |= ~lives;
      }
      vb bytes = __builtin_convertvector((vu)place, vb);
      if (c + VL <= channels) {
        vf_storeu(row->y + at + c, y);
        memcpy(row->argmax + at + c, &bytes, sizeof bytes);
      } else {
        memcpy(row->y + at + c, &y, sizeof(float) * (size_t)(channels - c));
        memcpy(row->argmax + at + c, &bytes, (size_t)(channels - c));
      }
    }
  }
}

void LUB_VARIANT(lub_unpool_row)(const lub_pool_row *row, const float *gy, float *const *g, float *bias_gradient) {
  const vf scale = vf_all(row->threshold > 0 ? row->scale : 1), zero = {0};
  const int64_t lanes = row->lanes, channels = row->channels;
  for (int64_t c = 0; c < channels; c += VL) {
    vf sum = vf_load(bias_gradient + c);
    for (int64_t column = 0; column < row->columns; column++) {
      int64_t at = column * channels, to = column * row->pool_w * lanes;
      vf gradient = zero;
      vb bytes;
      if (c + VL <= channels) {
        gradient = vf_loadu(gy + at + c);
        memcpy(&bytes, row->argmax + at + c, sizeof bytes);
      } else {
        memset(&bytes, LUB_NO_GRADIENT, sizeof bytes);
        memcpy(&gradient, gy + at + c, sizeof(float) * (size_t)(channels - c));
        memcpy(&bytes, row->argmax + at + c, (size_t)(channels - c));
      }
      vi place = __builtin_convertvector(bytes, vi);
      gradient = vf_select(place == LUB_NO_GRADIENT, zero, gradient * scale);
      sum += gradient;
      for (int i = 0; i < row->pool_h; i++)
        for (int j = 0; j < row->pool_w; j++)
          vf_store(g[i] + to + j * lanes + c, vf_select(place == i * row->pool_w + j, gradient, zero));
    }
    vf_store(bias_gradient + c, sum);
  }
}
