/* behind.h - what stands behind a convolution, pixel by pixel in registers, for files of this folder: the largest of a
 * window, then bias, relu and dropout. */
#ifndef LUB_NN_KERNELS_BEHIND_H
#define LUB_NN_KERNELS_BEHIND_H

#include "nn/kernels/variant.h"

/* The larger of `best` and v, which is number `number` of the window. The first one wins a tie; NaN is never lost. */
INLINE vf larger(vf best, vf v, int number, vi *place) {
  vm better = vm_or(vm_greater(v, best), vm_is_nan(v));
  *place = vm_int(better, (vi)vu_all((uint32_t)number), *place);
  return vm_float(better, v, best);
}

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

/* Writes channels c .. c + VL - 1 of output pixel `column`, which came from `place` of its window. `row` should be the
 * caller's own copy, which stores of bytes cannot touch. */
INLINE void put_pixel(const lub_pool_row *row, vf best, vi place, int64_t column, int64_t c) {
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  const vf zero = {0};
  const int64_t at = column * row->channels + c, left = row->channels - c;
  vf y = best + vf_load(row->bias + c);
  if (row->relu) {
    place = vm_int(vm_greater(y, zero), place, none);
    y = vm_float(vm_greater(zero, y), zero, y);
  }
  if (row->threshold > 0) {
    vm lives = vm_at_least(hash(lane_numbers() + vu_all(row->first + (uint32_t)at), row->key), vu_all(row->threshold));
    y = vm_float(lives, y * vf_all(row->scale), zero);
    place = vm_int(lives, place, none);
  }
  vf_store_part(row->y + at, y, left);
  if (row->argmax) vb_store_part(row->argmax + at, vb_from(place), left);
}

/* The places of n channels from `argmax` on; NULL: all came from the only one. */
INLINE vi load_places(const uint8_t *argmax, int64_t at, int64_t n) {
  return argmax ? vb_widen(vb_load_part(argmax + at, n, LUB_NO_GRADIENT)) : (vi)vu_all(0);
}

#endif
