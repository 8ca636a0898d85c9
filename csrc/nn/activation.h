/* activation.h - element-wise functions (and softmax) behind linear layers. */
#ifndef LUB_NN_ACTIVATION_H
#define LUB_NN_ACTIVATION_H

#include <stdbool.h>
#include <stdint.h>

/* The order is that of lub_activation_names, which options use as their choices. */
typedef enum lub_activation {
  LUB_LINEAR,
  LUB_RELU,
  LUB_SIGMOID,
  LUB_TANH,
  LUB_SOFTMAX,
  LUB_RELU6,        /* min(max(x, 0), 6) */
  LUB_LEAKY_RELU,   /* x < 0: 0.2 x */
  LUB_ELU,          /* x < 0: e^x - 1 */
  LUB_SELU,         /* 1.0507 x; x < 0: 1.0507 * 1.6733 (e^x - 1); Klambauer et al. 2017 */
  LUB_GELU,         /* x Phi(x), Phi being the normal distribution, by erf; Hendrycks and Gimpel 2016 */
  LUB_SILU,         /* x / (1 + e^-x) */
  LUB_SWISH,        /* the same by its other name */
  LUB_HARD_SIGMOID, /* min(max(x / 6 + 1/2, 0), 1) */
  LUB_SOFTPLUS,     /* log(1 + e^x) */
  LUB_SOFTSIGN,     /* x / (1 + |x|) */
  LUB_EXPONENTIAL,
  LUB_KERAS2_HARD_SIGMOID /* min(max(0.2 x + 1/2, 0), 1): what Keras 2 called hard_sigmoid */
} lub_activation;

extern const char *const lub_activation_names[];

/* y = f(y) for rows of `width` values each (softmax works along a row), in place. */
void lub_activate(lub_activation f, float *y, int64_t rows, int64_t width);

/* Whether the gradient is found from what went in (gelu, silu), and not from what came out. */
bool lub_activation_needs_input(lub_activation f);

/* out = gy * f'(.), given y = f(.), or what went in where lub_activation_needs_input(f);
 * for softmax out = y * (gy - sum(gy * y)) along each row. out may be gy. */
void lub_activation_gradient(lub_activation f, const float *y, const float *gy, float *out, int64_t rows,
                             int64_t width);

#endif
