/* packing.h - whole matrices into and out of the packed order of kernels.h (lub_packed_at), block by block. */
#ifndef LUB_NN_STAGES_PACKING_H
#define LUB_NN_STAGES_PACKING_H

#include <stdint.h>

/* A matrix of `terms` rows of `n` elements: (term, i) is at [term * term_step + i * lane_step]; packed, a row has
 * `lanes`, whole vectors of them. */
typedef struct lub_unpacked {
  int64_t terms, n, lanes, term_step, lane_step;
} lub_unpacked;

/* Lanes behind n are left as they are. */
void lub_pack(const lub_unpacked *m, const float *from, float *packed, int vector);

/* to += what is packed. */
void lub_add_packed(const lub_unpacked *m, const float *packed, float *to, int vector);

#endif
