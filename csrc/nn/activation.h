/* activation.h - element-wise functions (and softmax) behind linear layers. */
#ifndef LUB_NN_ACTIVATION_H
#define LUB_NN_ACTIVATION_H

#include <stdint.h>

/* The order is that of lub_activation_names, which options use as their choices. */
typedef enum lub_activation {
  LUB_LINEAR,
  LUB_RELU,
  LUB_SIGMOID,
  LUB_TANH,
  LUB_SOFTMAX
} lub_activation;

extern const char *const lub_activation_names[];

/* y = f(y) for rows of `width` values each (softmax works along a row), in place. */
void lub_activate(lub_activation f, float *y, int64_t rows, int64_t width);

/* out = gy * f'(.), given y = f(.); for softmax out = y * (gy - sum(gy * y)) along each row.
 * out may be gy. */
void lub_activation_gradient(lub_activation f, const float *y, const float *gy, float *out, int64_t rows,
                             int64_t width);

#endif
