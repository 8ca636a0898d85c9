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

/* Zero padding puts the input into a wide output; cropping takes the output out of a wide input. */
void lub_pad_forward(const lub_pass *pass);
void lub_pad_backward(const lub_pass *pass);
void lub_crop_forward(const lub_pass *pass);
void lub_crop_backward(const lub_pass *pass);

#endif
