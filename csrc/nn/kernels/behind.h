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

/* The largest of a window of four; the first one wins a tie. NaN is never lost, but not told from where it came. Maxima
 * and logic leave the ports of multiplications free, which selections of floats share. */
INLINE vf largest_of_four(const vf y[4], vi *place) {
  const vf above = vf_larger(y[1], y[0]), below = vf_larger(y[3], y[2]);
  const vi in_first = vm_add_one(vm_greater(y[1], y[0]), (vi){0});
  const vi in_second = vm_add_one(vm_greater(y[3], y[2]), (vi)vu_all(2));
  *place = vm_int(vm_greater(below, above), in_second, in_first);
  return vm_nan(vm_or(vm_unordered(y[1], y[2]), vm_is_nan(y[3])), vf_larger(below, above));
}

INLINE vu lane_numbers(void) {
  vu v;
  for (int i = 0; i < VL; i++) v[i] = (uint32_t)i;
  return v;
}

/* What a vector of channels needs at every pixel. */
typedef struct behind {
  vf bias, scale;
  vu start, high, last; /* of dropout: lub_hash32 of base/random.h, lane by lane, before element 0 of the sample; the
                         * largest hash that drops */
  bool relu, drops;
} behind;

#define HASH_STEP 0x9E3779B1u

/* Of channels c .. c + VL - 1. `relu` and `drops` must be constants and true of the row, so that loops hold no
 * choice. */
INLINE behind behind_channels(const lub_pool_row *row, int64_t c, const bool relu, const bool drops) {
  behind b = {.bias = vf_load(row->bias + c), .relu = relu, .drops = drops};
  if (!drops) return b;
  b.scale = vf_all(row->scale);
  b.last = vu_all(row->threshold - 1);
  b.start = (lane_numbers() + vu_all(row->first + (uint32_t)c)) * HASH_STEP + vu_all((uint32_t)row->key);
  b.high = vu_all((uint32_t)(row->key >> 32));
  return b;
}

/* What the hash begins with, from one output pixel to another that lies so many pixels behind it. */
INLINE vu hash_step(const lub_pool_row *row, int64_t pixels) {
  return vu_all((uint32_t)(pixels * row->channels) * HASH_STEP);
}

/* Which channels dropout stops, of a pixel whose hash begins with x. */
INLINE vm dropped(const behind *b, vu x) {
  x ^= x >> 15;
  x *= 0x85EBCA77u;
  x += b->high;
  x ^= x >> 13;
  x *= 0xC2B2AE3Du;
  return vm_at_most(x ^ (x >> 16), b->last);
}

/* Writes channels c .. c + VL - 1 of output pixel `column`, which came from `place` of its window; `hash`: what its
 * hash begins with. `row` should be the caller's own copy, which stores of bytes cannot touch. */
INLINE void put_pixel(const lub_pool_row *row, const behind *b, vu hash, vf best, vi place, int64_t column, int64_t c) {
  const vf zero = {0};
  const int64_t at = column * row->channels, left = row->channels - c;
  vf y = best + b->bias;
  if (b->relu) {
    place = vm_ones(vm_not_greater(y, zero), place);
    y = vf_relu(y);
  }
  if (b->drops) {
    const vm stopped = dropped(b, hash);
    place = vm_ones(stopped, place);
    y = vm_zero(stopped, y * b->scale);
  }
  vf_store_part(row->y + at + c, y, left);
  if (__builtin_expect(row->argmax != NULL, b->drops)) vb_store_part(row->argmax + at + c, vb_from(place), left);
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
