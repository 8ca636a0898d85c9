/* Binary cross-entropy, the mean over all outputs. From logits z: max(z, 0) - z t + log(1 + exp(-|z|)).
 * From probabilities p kept within [epsilon, 1 - epsilon]: -(t log(p) + (1 - t) log(1 - p)). */
#include "base/math.h"
#include "nn/loss.h"

static const double epsilon = LUB_LOSS_EPSILON;

typedef struct binary_options {
  double label_smoothing; /* s: targets become t (1 - s) + s / 2 */
  bool from_logits;
} binary_options;

static const lub_option table[] = {
    {.name = "from_logits", .type = LUB_OPTION_BOOL, .offset = offsetof(binary_options, from_logits)},
    {.name = "label_smoothing",
     .type = LUB_OPTION_NUMBER,
     .offset = offsetof(binary_options, label_smoothing),
     .min = 0,
     .max = 1},
    LUB_OPTIONS_END};

static double smoothed(const binary_options *o, double t) {
  return t * (1 - o->label_smoothing) + 0.5 * o->label_smoothing;
}

static double value(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                    int64_t width) {
  const binary_options *o = options;
  const int64_t n = rows * width;
  double loss = 0;
  if (!logits && o->from_logits) logits = p;
  for (int64_t i = 0; i < n; i++) {
    double y = smoothed(o, t[i]);
    if (logits) {
      double z = logits[i];
      loss += (z > 0 ? z : 0) - z * y + lub_log(1 + lub_exp(z > 0 ? -z : z));
    } else {
      double q = p[i] < epsilon ? epsilon : p[i] > 1 - epsilon ? 1 - epsilon : p[i];
      if (q != q) return q;
      loss -= y * lub_log(q) + (1 - y) * lub_log(1 - q);
    }
  }
  return loss / (double)n;
}

static void gradient(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                     int64_t width, double scale, float *g) {
  const binary_options *o = options;
  const int64_t n = rows * width;
  if (!logits && o->from_logits) logits = p;
  scale /= (double)n;
  for (int64_t i = 0; i < n; i++) {
    double y = smoothed(o, t[i]), q = p[i], slope;
    if (logits == p) slope = 1 / (1 + lub_exp(-q)) - y;
    else if (logits) slope = q - y;
    else slope = q < epsilon || q > 1 - epsilon ? 0 : (1 - y) / (1 - q) - y / q;
    g[i] = (float)(scale * slope);
  }
}

static const char *const aliases[] = {"bce", "BCE", NULL};
const lub_loss_kind lub_binary_crossentropy = {.name = "binary_crossentropy",
                                               .class_name = "BinaryCrossentropy",
                                               .aliases = aliases,
                                               .options = table,
                                               .behind = LUB_SIGMOID,
                                               .value = value,
                                               .gradient = gradient};
