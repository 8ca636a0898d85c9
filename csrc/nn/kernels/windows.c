/* Pools of any window, one output pixel at a time; lanes are channels. */
#include "nn/kernels/part.h"
#include "nn/kernels/window_variant.h"

#define INLINE static inline __attribute__((always_inline))

INLINE part rest_of(int64_t n) { return part_of((n - 1) % VL + 1); }
INLINE vf load(const float *p, bool whole, part rest) { return whole ? vf_loadu(p) : part_load(p, rest); }
INLINE void store(float *p, vf v, bool whole, part rest) {
  if (whole) vf_storeu(p, v);
  else part_store(p, v, rest);
}

void LUB_VARIANT(lub_max_pixel)(const lub_pool_pixel *s) {
  const part rest = rest_of(s->channels);
  for (int64_t c = 0; c < s->channels; c += VL) {
    const bool whole = c + VL <= s->channels;
    vf top = load(s->x + s->offset[0] + c, whole, rest);
    for (int64_t t = 1; t < s->taps; t++) {
      const vf x = load(s->x + s->offset[t] + c, whole, rest);
      top = vm_float(vm_or(vm_greater(x, top), vm_is_nan(x)), x, top);
    }
    store(s->y + c, top, whole, rest);
  }
}

/* What is left of the gradient goes to the first element that is the largest. */
void LUB_VARIANT(lub_max_pixel_back)(const lub_pool_pixel *s) {
  const part rest = rest_of(s->channels);
  for (int64_t c = 0; c < s->channels; c += VL) {
    const bool whole = c + VL <= s->channels;
    const vf top = load(s->y + c, whole, rest);
    vi left = (vi){0} == (vi){0};
    const vf g = load(s->gy + c, whole, rest);
    for (int64_t t = 0; t < s->taps; t++) {
      const vf x = load(s->x + s->offset[t] + c, whole, rest);
      const vi here = left & ((vi)(x == top) | (vi)(x != x));
      float *to = s->gx + s->offset[t] + c;
      store(to, load(to, whole, rest) + (vf)(here & (vi)g), whole, rest);
      left &= ~here;
    }
  }
}

void LUB_VARIANT(lub_average_pixel)(const lub_pool_pixel *s) {
  const part rest = rest_of(s->channels);
  for (int64_t c = 0; c < s->channels; c += VL) {
    const bool whole = c + VL <= s->channels;
    vf sum = load(s->x + s->offset[0] + c, whole, rest);
    for (int64_t t = 1; t < s->taps; t++) sum += load(s->x + s->offset[t] + c, whole, rest);
    store(s->y + c, sum * vf_all(s->share), whole, rest);
  }
}

void LUB_VARIANT(lub_average_pixel_back)(const lub_pool_pixel *s) {
  const part rest = rest_of(s->channels);
  for (int64_t c = 0; c < s->channels; c += VL) {
    const bool whole = c + VL <= s->channels;
    const vf g = load(s->gy + c, whole, rest) * vf_all(s->share);
    for (int64_t t = 0; t < s->taps; t++) {
      float *to = s->gx + s->offset[t] + c;
      store(to, load(to, whole, rest) + g, whole, rest);
    }
  }
}
