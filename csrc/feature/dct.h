/* dct.h - the discrete cosine transform of mel bands, with the lifter folded in.
 *
 * scipy.fft.dct's types 2 and 3, N inputs, the first `outputs` of N coefficients:
 *   2:  y[k] = 2 sum_n x[n] cos(pi k (2n + 1) / 2N);          ortho: times 1 / sqrt(4N) for k = 0, 1 / sqrt(2N) else
 *   3:  y[k] = x[0] + 2 sum_{n>0} x[n] cos(pi n (2k + 1) / 2N);  ortho: x[0] / sqrt(N) + sqrt(2 / N) sum_{n>0} ...
 * Lifter L > 0 (librosa): y[k] *= 1 + L/2 sin(pi (k + 1) / L). */
#ifndef LUB_FEATURE_DCT_H
#define LUB_FEATURE_DCT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LUB_DCT_GROUP 8 /* rows that a kernel sums at once */

typedef struct lub_dct {
  int64_t inputs, outputs;
  /* Type 2 is even or odd about the middle of the inputs: rows of even k see sums, rows of odd k differences of
   * the two halves, and `terms` is half of the inputs (rounded up). Otherwise terms == inputs. */
  bool folded;
  int64_t terms;
  int64_t groups;
  int32_t *rows; /* group g sums rows[g * LUB_DCT_GROUP + r]; -1: none. All of one parity where folded. */
  float *basis;    /* [group][term][r] */
  float *row_sums; /* [group][r]: the sum of the row over all inputs; type 2: 0 but in row 0 */
} lub_dct;

lub_status lub_dct_init(lub_dct *dct, int64_t inputs, int64_t outputs, int type, bool ortho, double lifter,
                        lub_error *err);
void lub_dct_free(lub_dct *dct);

#endif
