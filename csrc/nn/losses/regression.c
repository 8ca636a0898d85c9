/* Mean squared error, mean absolute error, and Huber's: e^2 / 2 up to |e| = delta, then delta |e| - delta^2 / 2; each
 * the mean over all outputs, with e = p - t. */
#include "nn/loss.h"

typedef struct huber_options {
  double delta;
} huber_options;

static const lub_option no_options[] = {LUB_OPTIONS_END};
static const lub_option huber_table[] = {{.name = "delta",
                                          .type = LUB_OPTION_NUMBER,
                                          .offset = offsetof(huber_options, delta),
                                          .fallback = 1,
                                          .min = 0,
                                          .max = INFINITY},
                                         LUB_OPTIONS_END};

static double squared_value(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                            int64_t width) {
  double sum = 0;
  (void)options, (void)logits;
  for (int64_t i = 0; i < rows * width; i++) sum += ((double)p[i] - t[i]) * ((double)p[i] - t[i]);
  return sum / (double)(rows * width);
}

static void squared_gradient(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                             int64_t width, double scale, float *g) {
  (void)options, (void)logits;
  scale *= 2 / (double)(rows * width);
  for (int64_t i = 0; i < rows * width; i++) g[i] = (float)(scale * ((double)p[i] - t[i]));
}

static double absolute_value(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                             int64_t width) {
  double sum = 0;
  (void)options, (void)logits;
  for (int64_t i = 0; i < rows * width; i++) sum += fabs((double)p[i] - t[i]);
  return sum / (double)(rows * width);
}

/* The sign of e; 0 for 0, NaN for NaN. */
static double sign(double e) { return e > 0 ? 1 : e < 0 ? -1 : e; }

static void absolute_gradient(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                              int64_t width, double scale, float *g) {
  (void)options, (void)logits;
  scale /= (double)(rows * width);
  for (int64_t i = 0; i < rows * width; i++) g[i] = (float)(scale * sign((double)p[i] - t[i]));
}

static double huber_value(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                          int64_t width) {
  const double delta = ((const huber_options *)options)->delta;
  double sum = 0;
  (void)logits;
  for (int64_t i = 0; i < rows * width; i++) {
    double e = fabs((double)p[i] - t[i]);
    sum += e <= delta ? 0.5 * e * e : delta * e - 0.5 * delta * delta;
  }
  return sum / (double)(rows * width);
}

static void huber_gradient(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                           int64_t width, double scale, float *g) {
  const double delta = ((const huber_options *)options)->delta;
  (void)logits;
  scale /= (double)(rows * width);
  for (int64_t i = 0; i < rows * width; i++) {
    double e = (double)p[i] - t[i];
    g[i] = (float)(scale * (fabs(e) <= delta ? e : delta * sign(e)));
  }
}

static const char *const squared_aliases[] = {"mse", "MSE", NULL};
static const char *const absolute_aliases[] = {"mae", "MAE", NULL};

const lub_loss_kind lub_mean_squared_error = {.name = "mean_squared_error",
                                              .class_name = "MeanSquaredError",
                                              .aliases = squared_aliases,
                                              .options = no_options,
                                              .value = squared_value,
                                              .gradient = squared_gradient};
const lub_loss_kind lub_mean_absolute_error = {.name = "mean_absolute_error",
                                               .class_name = "MeanAbsoluteError",
                                               .aliases = absolute_aliases,
                                               .options = no_options,
                                               .value = absolute_value,
                                               .gradient = absolute_gradient};
const lub_loss_kind lub_huber = {
    .name = "huber", .class_name = "Huber", .options = huber_table, .value = huber_value, .gradient = huber_gradient};
