#include "feature/dct.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

#define PI 3.14159265358979323846

static double basis_value(int64_t k, int64_t n, int64_t inputs, int type, bool ortho) {
  double size = (double)inputs;
  if (type == 2) {
    double value = 2 * cos(PI * (double)k * (double)(2 * n + 1) / (2 * size));
    return ortho ? value / sqrt(k == 0 ? 4 * size : 2 * size) : value;
  }
  if (n == 0) return ortho ? 1 / sqrt(size) : 1;
  return (ortho ? sqrt(2 / size) : 2) * cos(PI * (double)n * (double)(2 * k + 1) / (2 * size));
}

lub_status lub_dct_init(lub_dct *dct, int64_t inputs, int64_t outputs, int type, bool ortho, double lifter,
                        lub_error *err) {
  enum { GROUP = LUB_DCT_GROUP };
  bool folded = type == 2;
  int64_t step = folded ? 2 : 1, groups = 0;
  for (int64_t parity = 0; parity < step; parity++)
    groups += ((outputs - parity + step - 1) / step + GROUP - 1) / GROUP;
  *dct = (lub_dct){.inputs = inputs, .outputs = outputs, .folded = folded, .groups = groups};
  dct->terms = folded ? (inputs + 1) / 2 : inputs;
  dct->rows = lub_calloc((size_t)groups * GROUP, sizeof(int32_t));
  dct->basis = lub_calloc((size_t)(groups * dct->terms) * GROUP, sizeof(float));
  dct->row_sums = lub_calloc((size_t)groups * GROUP, sizeof(float));
  if (!dct->rows || !dct->basis || !dct->row_sums)
    return lub_nomem(err, "DCT", 4.0 * (double)(groups * dct->terms * GROUP));
  int64_t group = 0;
  for (int64_t parity = 0; parity < step; parity++)
    for (int64_t start = parity; start < outputs; start += step * GROUP, group++)
      for (int r = 0; r < GROUP; r++) {
        int64_t k = start + step * r;
        dct->rows[group * GROUP + r] = k < outputs ? (int32_t)k : -1;
        if (k >= outputs) continue;
        double lift = lifter > 0 ? 1 + lifter / 2 * sin(PI * (double)(k + 1) / lifter) : 1;
        double sum = 0;
        for (int64_t n = 0; n < inputs; n++) {
          double value = lift * basis_value(k, n, inputs, type, ortho);
          if (n < dct->terms) dct->basis[(group * dct->terms + n) * GROUP + r] = (float)value;
          sum += value;
        }
        dct->row_sums[group * GROUP + r] = folded && k > 0 ? 0 : (float)sum; /* cosines over whole half periods */
      }
  return LUB_OK;
}

void lub_dct_free(lub_dct *dct) {
  free(dct->rows);
  free(dct->basis);
  free(dct->row_sums);
  *dct = (lub_dct){0};
}
