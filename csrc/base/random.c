#include "base/random.h"

#include <math.h>

#include "base/math.h"

/* A uniform number in [0, 1) with 53 bits. */
static double uniform(uint64_t key, int64_t i) { return (double)(lub_mix(key, (uint64_t)i) >> 11) * 0x1p-53; }

void lub_fill_uniform(float *x, int64_t n, double low, double high, uint64_t key) {
  for (int64_t i = 0; i < n; i++) {
    float value = (float)(low + (high - low) * uniform(key, i));
    /* rounding to float may reach the open end */
    x[i] = value < high || high <= low ? value : nextafterf((float)high, (float)low);
  }
}

void lub_fill_normal(float *x, int64_t n, double mean, double deviation, uint64_t key) {
  for (int64_t i = 0; i < n; i += 2) {
    double radius = sqrt(-2.0 * lub_log(1.0 - uniform(key, i))), sine, cosine;
    lub_sin_cos(uniform(key, i + 1), &sine, &cosine);
    x[i] = (float)(mean + deviation * radius * cosine);
    if (i + 1 < n) x[i + 1] = (float)(mean + deviation * radius * sine);
  }
}
