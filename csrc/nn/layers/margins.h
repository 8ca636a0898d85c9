/* margins.h - what is put around a sample (zero padding) or cut off it (cropping). */
#ifndef LUB_NN_LAYERS_MARGINS_H
#define LUB_NN_LAYERS_MARGINS_H

#include "nn/layers/kinds.h"

/* {above, below}, {left, right}; for (T, C) the first pair alone: before, behind. */
typedef struct lub_margins {
  int64_t pair[2][2];
} lub_margins;

/* The shape of (H, W, C) or (T, C) with the margins added (sign 1) or taken off (-1). */
lub_status lub_margins_shape(const char *name, const lub_margins *margins, int sign, const lub_shape *in,
                             lub_shape *out, lub_error *err);

/* Where a sample lies within the wide one that has the margins around it. */
typedef struct lub_inside {
  int64_t rows, width; /* of the sample, in floats */
  int64_t first, line; /* of the wide one: where the sample begins, and from row to row */
} lub_inside;
lub_inside lub_inside_of(const lub_margins *margins, const lub_shape *sample);

/* Adds the sample to its place in the wide one, and the other way round. */
void lub_add_to_wide(const lub_inside *inside, float *wide, const float *sample);
void lub_add_from_wide(const lub_inside *inside, float *sample, const float *wide);

#endif
