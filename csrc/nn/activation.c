#include "nn/activation.h"

#include "base/math.h"

const char *const lub_activation_names[] = {"linear", "relu", "sigmoid", "tanh", "softmax", 0};

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
    for (int64_t i = 0; i < n; i++) y[i] = (float)(1 / (1 + lub_exp(-(double)y[i])));
    break;
  case LUB_TANH:
    for (int64_t i = 0; i < n; i++) y[i] = (float)lub_tanh(y[i]);
    break;
  case LUB_SOFTMAX:
    for (int64_t row = 0; row < rows; row++) softmax(y + row * width, width);
    break;
  }
}

void lub_activation_gradient(lub_activation f, const float *y, const float *gy, float *out, int64_t rows,
                             int64_t width) {
  int64_t n = rows * width;
  switch (f) {
  case LUB_LINEAR:
    for (int64_t i = 0; i < n; i++) out[i] = gy[i];
    break;
  case LUB_RELU:
    for (int64_t i = 0; i < n; i++) out[i] = y[i] > 0 ? gy[i] : 0;
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
  }
}
