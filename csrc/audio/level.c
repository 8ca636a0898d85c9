#include "audio/level.h"

int64_t lub_level_frames(int64_t n, int64_t frame_length, int64_t hop_length) {
  int64_t rest = n + 2 * (frame_length / 2) - frame_length;
  return rest < 0 ? 0 : 1 + rest / hop_length;
}

void lub_level_power(const float *x, int64_t n, int64_t frame_length, int64_t hop_length, int64_t first, int64_t count,
                     double *power) {
  for (int64_t f = 0; f < count; f++) {
    int64_t start = (first + f) * hop_length - frame_length / 2, end = start + frame_length;
    double sum = 0;
    if (start < 0) start = 0;
    if (end > n) end = n;
    for (int64_t i = start; i < end; i++) sum += (double)x[i] * x[i];
    power[f] = sum / (double)frame_length;
  }
}
