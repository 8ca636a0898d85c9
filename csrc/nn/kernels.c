#include "base/cpu.h"
#include "base/memory.h"
#include "nn/kernels/kernels.h"

extern const lub_nn_kernels lub_nn_kernels_plain;
#ifndef LUB_ONLY_PLAIN
extern const lub_nn_kernels lub_nn_kernels_avx2, lub_nn_kernels_avx512;
#endif

const lub_nn_kernels *lub_nn_kernels_now(void) {
#ifndef LUB_ONLY_PLAIN
  if (lub_cpu_variant() == LUB_CPU_AVX512) return &lub_nn_kernels_avx512;
  if (lub_cpu_variant() == LUB_CPU_AVX2) return &lub_nn_kernels_avx2;
#endif
  return &lub_nn_kernels_plain;
}

int64_t lub_packed_at(int64_t terms, int64_t term, int64_t lanes, int64_t lane, int vector) {
  int64_t block = lane / (2 * vector), first = block * 2 * vector;
  int64_t width = lanes - first < 2 * vector ? lanes - first : 2 * vector;
  return first * terms + term * width + (lane - first);
}

int64_t lub_winograd_scratch(int kernel, int edge, int64_t channels) {
  enum { TILES = 12, WIDTH = 32, VECTOR = 16 }; /* of the widest variant */
  const int side = edge + kernel - 1;
  return side * side * (TILES * lub_round_up(channels, VECTOR) + VECTOR + TILES * WIDTH);
}
