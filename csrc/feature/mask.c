#include "feature/mask.h"

#include <math.h>

#include "base/random.h"

static double uniform(uint64_t key, int64_t draw) { return (double)(lub_mix(key, (uint64_t)draw) >> 11) * 0x1p-53; }

void lub_mask_apply(const lub_mask *mask, float *x, int64_t coefficients, int64_t frames, int64_t depth, uint64_t key) {
  int64_t length = mask->frequency ? coefficients : frames, most = mask->most < length ? mask->most : length;
  float value = (float)mask->value;
  if (uniform(key, 0) >= mask->p) return;
  if (isnan(mask->value)) {
    double sum = 0;
    int64_t size = coefficients * frames * depth;
    for (int64_t i = 0; i < size; i++) sum += x[i];
    value = (float)(sum / (double)size);
  }
  for (int64_t m = 0; m < mask->count; m++) {
    int64_t width = (int64_t)(uniform(key, 1 + 2 * m) * (double)(most + 1));
    int64_t first = (int64_t)(uniform(key, 2 + 2 * m) * (double)(length - width + 1));
    int64_t rows = mask->frequency ? width : coefficients, run = (mask->frequency ? frames : width) * depth;
    float *at = x + (mask->frequency ? first * frames : first) * depth;
    for (int64_t r = 0; r < rows; r++, at += frames * depth)
      for (int64_t i = 0; i < run; i++) at[i] = value;
  }
}
