/* mask.h - SpecAugment's masks (Park et al. 2019): a few neighbouring frames, or coefficients, of a feature are
 * blotted out. */
#ifndef LUB_FEATURE_MASK_H
#define LUB_FEATURE_MASK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lub_mask {
  bool frequency; /* coefficients; else frames */
  int64_t most;   /* a mask is 0 .. most of them wide, each width equally likely, at a uniform place */
  int64_t count;  /* masks */
  double value;   /* what they hold then; NAN: the mean of the feature before */
  double p;       /* with this probability all masks are drawn, else none */
} lub_mask;

/* Masks a feature of (coefficients, frames, depth), row-major, in place: a function of it and the key alone. */
void lub_mask_apply(const lub_mask *mask, float *x, int64_t coefficients, int64_t frames, int64_t depth, uint64_t key);

#endif
