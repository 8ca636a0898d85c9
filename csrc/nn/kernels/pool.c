/* What stands behind a row of convolution: bias, relu, max-pool and dropout in one pass, and their way back. */
#include "nn/kernels/variant.h"

#define INLINE static inline __attribute__((always_inline))

/* lub_hash32 of base/random.h, lane by lane. */
INLINE vu hash(vu i, uint64_t key) {
  vu x = i * 0x9E3779B1u + vu_all((uint32_t)key);
  x ^= x >> 15;
  x *= 0x85EBCA77u;
  x += vu_all((uint32_t)(key >> 32));
  x ^= x >> 13;
  x *= 0xC2B2AE3Du;
  return x ^ (x >> 16);
}

INLINE vu lane_numbers(void) {
  vu v;
  for (int i = 0; i < VL; i++) v[i] = (uint32_t)i;
  return v;
}

/* One vector of channels of one window. */
INLINE vf largest(const lub_pool_row *row, int64_t at, const int pool_h, const int pool_w, vi *place) {
  vf best = vf_load(row->rows[0] + at);
  *place = (vi){0};
  for (int i = 0; i < pool_h; i++)
    for (int j = i == 0; j < pool_w; j++) {
      vf v = vf_load(row->rows[i] + at + j * row->lanes);
      vm better = vm_or(vm_greater(v, best), vm_is_nan(v)); /* NaN is never lost */
      best = vm_float(better, v, best);
      *place = vm_int(better, (vi)vu_all((uint32_t)(i * pool_w + j)), *place);
    }
  return best;
}

INLINE void pool(const lub_pool_row *row, const int pool_h, const int pool_w, const bool relu, const bool drop) {
  const vu numbers = lane_numbers(), threshold = vu_all(row->threshold);
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  const vf scale = vf_all(row->scale), zero = {0};
  const int64_t channels = row->channels;
  for (int64_t column = 0; column < row->columns; column++) {
    int64_t at = column * channels, from = column * pool_w * row->lanes;
    for (int64_t c = 0; c < channels; c += VL) {
      vi place;
      vf y = largest(row, from + c, pool_h, pool_w, &place) + vf_load(row->bias + c);
      if (relu) {
        place = vm_int(vm_greater(y, zero), place, none);
        y = vm_float(vm_greater(zero, y), zero, y);
      }
      if (drop) {
        vm lives = vm_at_least(hash(numbers + vu_all(row->first + (uint32_t)(at + c)), row->key), threshold);
        y = vm_float(lives, y * scale, zero);
        place = vm_int(lives, place, none);
      }
      vb bytes = vb_from(place);
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

INLINE void pool_of(const lub_pool_row *row, const int pool_h, const int pool_w) {
  if (row->relu && row->threshold > 0) pool(row, pool_h, pool_w, true, true);
  else if (row->relu) pool(row, pool_h, pool_w, true, false);
  else pool(row, pool_h, pool_w, false, row->threshold > 0);
}

void LUB_VARIANT(lub_pool_row_forward)(const lub_pool_row *row) {
  if (row->pool_h == 2 && row->pool_w == 2) pool_of(row, 2, 2);
  else if (row->pool_h == 1 && row->pool_w == 1) pool_of(row, 1, 1);
  else pool_of(row, row->pool_h, row->pool_w);
}

void LUB_VARIANT(lub_unpool_row)(const lub_pool_row *row, const float *gy, float *const *g, float *bias_gradient) {
  const vf scale = vf_all(row->threshold > 0 ? row->scale : 1), zero = {0};
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  const int64_t lanes = row->lanes, channels = row->channels;
  for (int64_t c = 0; c < channels; c += VL) {
    vf sum = bias_gradient ? vf_load(bias_gradient + c) : zero;
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
      vi place = vb_widen(bytes);
      gradient = vm_float(vm_equal(place, none), zero, gradient * scale);
      sum += gradient;
      for (int i = 0; i < row->pool_h; i++)
        for (int j = 0; j < row->pool_w; j++) {
          vi here = (vi)vu_all((uint32_t)(i * row->pool_w + j));
          vf_store(g[i] + to + j * lanes + c, vm_float(vm_equal(place, here), gradient, zero));
        }
    }
    if (bias_gradient) vf_store(bias_gradient + c, sum);
  }
}
