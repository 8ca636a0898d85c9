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

/* The largest of a window of four, by the same rules, in two steps. */
INLINE vf largest_of_four(const vf y[4], vi *place) {
  vi late = (vi)vu_all(2);
  const vf first = larger(y[0], y[1], 1, place), last = larger(y[2], y[3], 3, &late);
  const vm better = vm_or(vm_greater(last, first), vm_is_nan(last));
  *place = vm_int(better, late, *place);
  return vm_float(better, last, first);
}

INLINE vu lane_numbers(void) {
  vu v;
  for (int i = 0; i < VL; i++) v[i] = (uint32_t)i;
  return v;
}

/* What a vector of channels needs at every pixel. */
typedef struct behind {
  vf bias, scale;
  vu start, high, threshold; /* of dropout: lub_hash32 of base/random.h, lane by lane, before element 0 of the sample */
  bool relu, drops;
} behind;

#define HASH_STEP 0x9E3779B1u

/* Of channels c .. c + VL - 1. `relu` and `drops` must be constants and true of the row, so that loops hold no
 * choice. */
INLINE behind behind_channels(const lub_pool_row *row, int64_t c, const bool relu, const bool drops) {
  behind b = {.bias = vf_load(row->bias + c), .relu = relu, .drops = drops};
  if (!drops) return b;
  b.scale = vf_all(row->scale);
  b.threshold = vu_all(row->threshold);
  b.start = (lane_numbers() + vu_all(row->first + (uint32_t)c)) * HASH_STEP + vu_all((uint32_t)row->key);
  b.high = vu_all((uint32_t)(row->key >> 32));
  return b;
}

/* Which channels of the pixel whose first element is number `at` of the row live. */
INLINE vm lives(const behind *b, int64_t at) {
  vu x = b->start + vu_all((uint32_t)at * HASH_STEP);
  x ^= x >> 15;
  x *= 0x85EBCA77u;
  x += b->high;
  x ^= x >> 13;
  x *= 0xC2B2AE3Du;
  return vm_at_least(x ^ (x >> 16), b->threshold);
}

/* Writes channels c .. c + VL - 1 of output pixel `column`, which came from `place` of its window. `row` should be the
 * caller's own copy, which stores of bytes cannot touch. */
INLINE void put_pixel(const lub_pool_row *row, const behind *b, vf best, vi place, int64_t column, int64_t c) {
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  const vf zero = {0};
  const int64_t at = column * row->channels, left = row->channels - c;
  vf y = best + b->bias;
  if (b->drops && b->relu) {
    const vm alive = lives(b, at);
    place = vm_int(vm_and(alive, vm_greater(y, zero)), place, none);
    y = vm_float(alive, vf_relu(y) * b->scale, zero);
  } else if (b->drops) {
    const vm alive = lives(b, at);
    place = vm_int(alive, place, none);
    y = vm_float(alive, y * b->scale, zero);
  } else if (b->relu) {
    place = vm_int(vm_greater(y, zero), place, none);
    y = vf_relu(y);
  }
  vf_store_part(row->y + at + c, y, left);
  if (row->argmax) vb_store_part(row->argmax + at + c, vb_from(place), left);
}

/* LOOP(relu, drops) with the row's constants. */
#define BEHIND_CASES(row, LOOP)                                                                                        \
  if ((row)->relu && (row)->threshold > 0) LOOP(true, true);                                                           \
  else if ((row)->relu) LOOP(true, false);                                                                             \
  else if ((row)->threshold > 0) LOOP(false, true);                                                                    \
  else LOOP(false, false);

/* The places of n channels from `argmax` on; NULL: all came from the only one. */
INLINE vi load_places(const uint8_t *argmax, int64_t at, int64_t n) {
  return argmax ? vb_widen(vb_load_part(argmax + at, n, LUB_NO_GRADIENT)) : (vi)vu_all(0);
}

/* Lane by lane one of four numbers, as `place` says from 0 to 3; any of them elsewhere. */
typedef float four __attribute__((vector_size(16), may_alias));
INLINE vf one_of_four(four numbers, vi place) {
#if VL == 16
  return (vf)_mm512_permutevar_ps(_mm512_broadcast_f32x4((__m128)numbers), (__m512i)place);
#elif VL == 8
  return (vf)_mm256_permutevar_ps(_mm256_set_m128((__m128)numbers, (__m128)numbers), (__m256i)place);
#else
  return __builtin_shuffle(numbers, place & 3);
#endif
}

#endif
