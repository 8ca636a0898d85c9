#include "nn/activation.h"

#include <math.h>

#include "base/math.h"
#include "nn/kernels/kernels.h"

const char *const lub_activation_names[] = {"linear",       "relu",     "sigmoid",  "tanh",        "softmax", "relu6",
                                            "leaky_relu",   "elu",      "selu",     "gelu",        "silu",    "swish",
                                            "hard_sigmoid", "softplus", "softsign", "exponential",
                                            "keras2_hard_sigmoid", 0};

static const double leak = 0.2f, selu_scale = 1.0507009873554805, selu_alpha = 1.6732632423543772;

static void softmax(float *y, int64_t width) {
  float top = y[0];
  for (int64_t i = 1; i < width; i++) top = y[i] > top || y[i] != y[i] ? y[i] : top;
  double sum = 0;
  for (int64_t i = 0; i < width; i++) sum += lub_exp((double)y[i] - (double)top);
  for (int64_t i = 0; i < width; i++) y[i] = (float)(lub_exp((double)y[i] - (double)top) / sum);
}

void lub_activate(lub_activation f, float *y, int64_t rows, int64_t width) {
  int64_t n = rows * width;
  switch (f) {
  case LUB_LINEAR: break;
  case LUB_RELU: /* written so that NaN stays NaN */
    for (int64_t i = 0; i < n; i++) y[i] = y[i] < 0 ? 0 : y[i];
    break;
  case LUB_SIGMOID:
  case LUB_TANH:
  case LUB_ELU:
  case LUB_SELU:
  case LUB_GELU:
  case LUB_SOFTPLUS: lub_nn_kernels_now()->activate(y, n, (int)f); break;
  case LUB_SILU:
  case LUB_SWISH: lub_nn_kernels_now()->activate(y, n, LUB_SILU); break;
  case LUB_SOFTMAX:
    for (int64_t row = 0; row < rows; row++) softmax(y + row * width, width);
    break;
  case LUB_RELU6:
    for (int64_t i = 0; i < n; i++) y[i] = y[i] < 0 ? 0 : y[i] > 6 ? 6 : y[i];
    break;
  case LUB_LEAKY_RELU:
    for (int64_t i = 0; i < n; i++) y[i] = y[i] < 0 ? (float)leak * y[i] : y[i];
    break;
  case LUB_HARD_SIGMOID:
  case LUB_KERAS2_HARD_SIGMOID:
    for (int64_t i = 0; i < n; i++) {
      float t = (f == LUB_HARD_SIGMOID ? y[i] / 6 : y[i] * 0.2f) + 0.5f;
      y[i] = t < 0 ? 0 : t > 1 ? 1 : t;
    }
    break;
  case LUB_SOFTSIGN:
    for (int64_t i = 0; i < n; i++) y[i] = y[i] / (1 + fabsf(y[i]));
    break;
  case LUB_EXPONENTIAL:
    for (int64_t i = 0; i < n; i++) y[i] = (float)lub_exp(y[i]);
    break;
  }
}

bool lub_activation_needs_input(lub_activation f) { return f == LUB_GELU || f == LUB_SILU || f == LUB_SWISH; }

void lub_activation_gradient(lub_activation f, const float *y, const float *gy, float *out, int64_t rows,
                             int64_t width) {
  int64_t n = rows * width;
  switch (f) {
  case LUB_LINEAR:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i];
    break;
  case LUB_RELU:
    for (int64_t i = 0; i < n; i++) {
      const float g = gy[i]; /* read in any case, so that nothing branches */
      out[i] = y[i] > 0 ? g : 0;
    }
    break;
  case LUB_SIGMOID:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i] * y[i] * (1 - y[i]);
    break;
  case LUB_TANH:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i] * (1 - y[i] * y[i]);
    break;
  case LUB_SOFTMAX:
    for (int64_t row = 0; row < rows; row++) {
      const float *yr = y + row * width, *gr = gy + row * width;
      double dot = 0;
      for (int64_t i = 0; i < width; i++) dot += (double)yr[i] * (double)gr[i];
      for (int64_t i = 0; i < width; i++) out[row * width + i] = (float)((double)yr[i] * ((double)gr[i] - dot));
    }
    break;
  case LUB_RELU6:
    for (int64_t i = 0; i < n; i++) {
      const float g = gy[i], above = y[i] > 0 ? g : 0;
      out[i] = y[i] < 6 ? above : 0;
    }
    break;
  case LUB_LEAKY_RELU:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i] * (y[i] > 0 ? 1 : (float)leak);
    break;
  case LUB_ELU:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i] * (y[i] > 0 ? 1 : y[i] + 1);
    break;
  case LUB_SELU:
    for (int64_t i = 0; i < n; i++)
      out[i] = gy[i] * (y[i] > 0 ? (float)selu_scale : y[i] + (float)(selu_scale * selu_alpha));
    break;
  case LUB_GELU: /* y is what went in, here and for silu */
  case LUB_SOFTPLUS: lub_nn_kernels_now()->activate_back(y, gy, out, n, (int)f); break;
  case LUB_SILU:
  case LUB_SWISH: lub_nn_kernels_now()->activate_back(y, gy, out, n, LUB_SILU); break;
  case LUB_HARD_SIGMOID:
  case LUB_KERAS2_HARD_SIGMOID:
    for (int64_t i = 0; i < n; i++) {
      const float g = f == LUB_HARD_SIGMOID ? gy[i] / 6 : gy[i] * 0.2f, above = y[i] > 0 ? g : 0;
      out[i] = y[i] < 1 ? above : 0;
    }
    break;
  case LUB_SOFTSIGN:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i] * (1 - fabsf(y[i])) * (1 - fabsf(y[i]));
    break;
  case LUB_EXPONENTIAL:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i] * y[i];
    break;
  }
}
