/* polyphase.c - a group of outputs of several frames at once: each weight that is loaded serves all of them. So many
 * frames that their sums fill the registers. Every sum adds from the first tap to the last, whatever VL is. */
#include "audio/kernels/kernels.h"
#include "base/simd.h"

#define VECTORS (LUB_POLYPHASE_GROUP / VL)
#if VL == 16
#define FRAMES 12
#define FEW 4 /* of the frames that are left over */
#elif VL == 8
#define FRAMES 3
#define FEW 1
#else
#define FRAMES 1
#define FEW 1
#endif

static inline __attribute__((always_inline)) void group(const lub_polyphase *table, const float *weight, const float *x,
                                                        int64_t used, float *y, const int frames) {
  vf sum[FRAMES][VECTORS] = {0};
  for (int64_t j = 0; j < table->taps; j++, weight += LUB_POLYPHASE_GROUP) {
    vf w[VECTORS];
    for (int v = 0; v < VECTORS; v++) w[v] = vf_load(weight + v * VL);
    for (int f = 0; f < frames; f++) {
      const vf at = vf_all(x[f * table->from + j]);
      for (int v = 0; v < VECTORS; v++) sum[f][v] = vf_fma(at, w[v], sum[f][v]);
    }
  }
  for (int f = 0; f < frames; f++)
    for (int v = 0; v < VECTORS && v * VL < used; v++)
      vf_store_part(y + f * table->to + v * VL, sum[f][v], used - v * VL);
}

void LUB_VARIANT(lub_polyphase)(const lub_polyphase *table, const float *x, int64_t frames, float *y) {
  for (int64_t g = 0; g < table->groups; g++) {
    const float *weight = table->weight + g * table->taps * LUB_POLYPHASE_GROUP;
    const float *from = x + table->start[g] - table->start[0];
    float *to = y + g * LUB_POLYPHASE_GROUP;
    const int64_t left = table->to - g * LUB_POLYPHASE_GROUP;
    const int64_t used = left < LUB_POLYPHASE_GROUP ? left : LUB_POLYPHASE_GROUP;
    int64_t f = 0;
    for (; f + FRAMES <= frames; f += FRAMES)
      group(table, weight, from + f * table->from, used, to + f * table->to, FRAMES);
    for (; f + FEW <= frames; f += FEW)
      group(table, weight, from + f * table->from, used, to + f * table->to, FEW);
    for (; f < frames; f++) group(table, weight, from + f * table->from, used, to + f * table->to, 1);
  }
}
