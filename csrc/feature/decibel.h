/* decibel.h - power and amplitude in dB; librosa.power_to_db and amplitude_to_db. */
#ifndef LUB_FEATURE_DECIBEL_H
#define LUB_FEATURE_DECIBEL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lub_decibel_options {
  bool amplitude; /* x is a magnitude: |x|^2 is meant, of the squares of ref and amin */
  double ref;     /* what becomes 0 dB */
  double amin;    /* > 0: what is less counts as so much */
  double top_db;  /* >= 0: the floor lies so much below the highest value; NAN: there is none */
} lub_decibel_options;

/* out[i] = 10 log10(max(amin, x[i])) - 10 log10(max(amin, ref)) for n numbers, none of them NaN, then the
 * floor. Computed in double, rounded once. */
void lub_to_decibel(const float *x, int64_t n, const lub_decibel_options *options, float *out);

#endif
