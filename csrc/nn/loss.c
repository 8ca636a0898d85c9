#include "nn/loss.h"

#include <string.h>

#include "base/math.h"

const char *const lub_loss_names[] = {"categorical_crossentropy", 0};

/* === categorical cross-entropy, as Keras on TensorFlow ===
 * Behind a softmax it is computed from the logits z: -sum(t * log_softmax(z)). Otherwise p is scaled to
 * a sum of 1 and kept within [1e-7, 1 - 1e-7], and the loss is -sum(t * log(p)). */

static const double epsilon = 1e-7;

static double crossentropy_row(const float *p, const float *z, const float *t, int64_t width) {
  double sum = 0, loss = 0;
  if (z) {
    double top = z[0];
    for (int64_t i = 1; i < width; i++) top = z[i] > top || z[i] != z[i] ? z[i] : top;
    for (int64_t i = 0; i < width; i++) sum += lub_exp(z[i] - top);
    double log_sum = sum == sum ? lub_log(sum) : sum;
    for (int64_t i = 0; i < width; i++)
      if (t[i] != 0) loss -= t[i] * (z[i] - top - log_sum);
    return loss;
  }
  for (int64_t i = 0; i < width; i++) sum += p[i];
  for (int64_t i = 0; i < width; i++) {
    double q = p[i] / sum;
    if (q != q) return q;
    q = q < epsilon ? epsilon : q > 1 - epsilon ? 1 - epsilon : q;
    loss -= t[i] * lub_log(q);
  }
  return loss;
}

static double crossentropy(const float *p, const float *logits, const float *t, int64_t rows, int64_t width) {
  double sum = 0;
  for (int64_t r = 0; r < rows; r++)
    sum += crossentropy_row(p + r * width, logits ? logits + r * width : 0, t + r * width, width);
  return sum / (double)rows;
}

static void crossentropy_gradient_row(const float *p, const float *z, const float *t, int64_t width, double scale,
                                      float *g) {
  double sum = 0, open = 0;
  if (z) { /* softmax(z) * sum(t) - t */
    for (int64_t i = 0; i < width; i++) sum += t[i];
    for (int64_t i = 0; i < width; i++) g[i] = (float)(scale * (p[i] * sum - t[i]));
    return;
  }
  for (int64_t i = 0; i < width; i++) sum += p[i];
  /* through q = p / sum: dL/dp_i = (dL/dq_i - sum_j dL/dq_j q_j) / sum, and dL/dq_j = 0 where q_j was clipped */
  for (int64_t i = 0; i < width; i++) {
    double q = p[i] / sum;
    if (q >= epsilon && q <= 1 - epsilon) open += t[i];
  }
  for (int64_t i = 0; i < width; i++) {
    double q = p[i] / sum, own = q >= epsilon && q <= 1 - epsilon ? t[i] / q : 0;
    g[i] = (float)(scale * (open - own) / sum);
  }
}

static void crossentropy_gradient(const float *p, const float *logits, const float *t, int64_t rows, int64_t width,
                                  float scale, float *g) {
  for (int64_t r = 0; r < rows; r++)
    crossentropy_gradient_row(p + r * width, logits ? logits + r * width : 0, t + r * width, width,
                              (double)scale / (double)rows, g + r * width);
}

static const lub_loss_kind kinds[] = {
    {.name = "categorical_crossentropy", .value = crossentropy, .gradient = crossentropy_gradient}};

const lub_loss_kind *lub_loss_named(const char *name) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
  return 0;
}
