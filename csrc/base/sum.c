#include "base/sum.h"

int lub_shards(int64_t n, int most) {
  int shards = n < most ? (int)n : most;
  return shards < 1 ? 1 : shards;
}

void lub_shard_range(int64_t n, int shards, int shard, int64_t *first, int64_t *last) {
  *first = n * shard / shards;
  *last = n * (shard + 1) / shards;
}

void lub_sum_shards(float *out, const float *partials, int shards, int64_t stride, int64_t first, int64_t last) {
  enum { BLOCK = 16 }; /* side by side, in registers */
  int64_t i = first;
  for (; i + BLOCK <= last; i += BLOCK) {
    float sum[BLOCK];
    for (int k = 0; k < BLOCK; k++) sum[k] = partials[i + k];
    for (int s = 1; s < shards; s++)
      for (int k = 0; k < BLOCK; k++) sum[k] += partials[s * stride + i + k];
    for (int k = 0; k < BLOCK; k++) out[i + k] = sum[k];
  }
  for (; i < last; i++) {
    float sum = partials[i];
    for (int s = 1; s < shards; s++) sum += partials[s * stride + i];
    out[i] = sum;
  }
}

double lub_sum_doubles(const double *partials, int shards) {
  double sum = 0;
  for (int s = 0; s < shards; s++) sum += partials[s];
  return sum;
}
