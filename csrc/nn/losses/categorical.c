/* Categorical cross-entropy, of one-hot (or smoothed) targets and of class numbers.
 * From logits z: -sum(t * log_softmax(z)).
 * From probabilities p, one-hot: q = p / sum(p), kept within [epsilon, 1 - epsilon], and -sum(t * log(q)).
 * From probabilities p, class numbers: q = p kept within these bounds, and -log(q[t] / sum(q)). */
#include "base/math.h"
#include "nn/loss.h"

static const double epsilon = LUB_LOSS_EPSILON;

typedef struct crossentropy_options {
  double label_smoothing; /* s: targets become t (1 - s) + s / classes */
  bool from_logits;
} crossentropy_options;

static const lub_option one_hot_table[] = {
    {.name = "from_logits", .type = LUB_OPTION_BOOL, .offset = offsetof(crossentropy_options, from_logits)},
    {.name = "label_smoothing",
     .type = LUB_OPTION_NUMBER,
     .offset = offsetof(crossentropy_options, label_smoothing),
     .min = 0,
     .max = 1},
    LUB_OPTIONS_END};
static const lub_option numbers_table[] = {
    {.name = "from_logits", .type = LUB_OPTION_BOOL, .offset = offsetof(crossentropy_options, from_logits)},
    LUB_OPTIONS_END};

static double clipped(double q) { return q < epsilon ? epsilon : q > 1 - epsilon ? 1 - epsilon : q; }
static bool is_open(double q) { return q >= epsilon && q <= 1 - epsilon; }

/* log(sum(exp(z))), less the largest z, which goes to *top; NaN where a z is NaN. */
static double log_sum(const float *z, int64_t width, double *top) {
  double sum = 0;
  *top = z[0];
  for (int64_t i = 1; i < width; i++) *top = z[i] > *top || z[i] != z[i] ? z[i] : *top;
  for (int64_t i = 0; i < width; i++) sum += lub_exp(z[i] - *top);
  return sum == sum ? lub_log(sum) : sum;
}

/* A row's targets: t[i], or smoothed ones. */
typedef struct targets {
  const float *t;
  double keep, add;
} targets;

static targets targets_of(const crossentropy_options *o, const float *t, int64_t width) {
  return (targets){t, 1 - o->label_smoothing, o->label_smoothing / (double)width};
}
static double target(const targets *t, int64_t i) { return t->add > 0 ? t->t[i] * t->keep + t->add : t->t[i]; }

/* === one-hot targets === */

static double one_hot_row(const float *p, const float *z, const targets *t, int64_t width) {
  double sum = 0, loss = 0;
  if (z) {
    double top, log_total = log_sum(z, width, &top);
    for (int64_t i = 0; i < width; i++)
      if (target(t, i) != 0) loss -= target(t, i) * (z[i] - top - log_total);
    return loss;
  }
  for (int64_t i = 0; i < width; i++) sum += p[i];
  for (int64_t i = 0; i < width; i++) {
    double q = p[i] / sum;
    if (q != q) return q;
    loss -= target(t, i) * lub_log(clipped(q));
  }
  return loss;
}

static double one_hot_value(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                            int64_t width) {
  const crossentropy_options *o = options;
  double sum = 0;
  if (!logits && o->from_logits) logits = p;
  for (int64_t r = 0; r < rows; r++) {
    targets row = targets_of(o, t + r * width, width);
    sum += one_hot_row(p + r * width, logits ? logits + r * width : 0, &row, width);
  }
  return sum / (double)rows;
}

static void one_hot_gradient_row(const float *p, const float *z, const targets *t, int64_t width, double scale,
                                 float *g) {
  double sum = 0, open = 0;
  if (z) { /* softmax(z) * sum(t) - t */
    for (int64_t i = 0; i < width; i++) sum += target(t, i);
    double top = 0, log_total = p == z ? log_sum(z, width, &top) : 0;
    for (int64_t i = 0; i < width; i++) {
      double share = p == z ? lub_exp(z[i] - top - log_total) : p[i];
      g[i] = (float)(scale * (share * sum - target(t, i)));
    }
    return;
  }
  for (int64_t i = 0; i < width; i++) sum += p[i];
  /* through q = p / sum: dL/dp_i = (dL/dq_i - sum_j dL/dq_j q_j) / sum, and dL/dq_j = 0 where q_j was clipped */
  for (int64_t i = 0; i < width; i++)
    if (is_open(p[i] / sum)) open += target(t, i);
  for (int64_t i = 0; i < width; i++) {
    double q = p[i] / sum, own = is_open(q) ? target(t, i) / q : 0;
    g[i] = (float)(scale * (open - own) / sum);
  }
}

static void one_hot_gradient(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                             int64_t width, double scale, float *g) {
  const crossentropy_options *o = options;
  if (!logits && o->from_logits) logits = p;
  for (int64_t r = 0; r < rows; r++) {
    targets row = targets_of(o, t + r * width, width);
    one_hot_gradient_row(p + r * width, logits ? logits + r * width : 0, &row, width, scale / (double)rows,
                         g + r * width);
  }
}

/* === class numbers === */

static double numbers_value(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                            int64_t width) {
  double loss = 0;
  if (!logits && ((const crossentropy_options *)options)->from_logits) logits = p;
  for (int64_t r = 0; r < rows; r++) {
    const float *q = p + r * width;
    int64_t class = (int64_t)t[r] - 1;
    if (logits) {
      const float *z = logits + r * width;
      double top, log_total = log_sum(z, width, &top);
      loss -= z[class] - top - log_total;
    } else {
      double sum = 0;
      for (int64_t i = 0; i < width; i++) sum += clipped(q[i]);
      loss -= sum == sum ? lub_log(clipped(q[class]) / sum) : sum;
    }
  }
  return loss / (double)rows;
}

static void numbers_gradient(const void *options, const float *p, const float *logits, const float *t, int64_t rows,
                             int64_t width, double scale, float *g) {
  if (!logits && ((const crossentropy_options *)options)->from_logits) logits = p;
  scale /= (double)rows;
  for (int64_t r = 0; r < rows; r++, p += width, g += width, logits = logits ? logits + width : 0) {
    int64_t class = (int64_t)t[r] - 1;
    double sum = 0, top = 0, log_total = logits == p ? log_sum(p, width, &top) : 0;
    for (int64_t i = 0; i < width && !logits; i++) sum += clipped(p[i]);
    for (int64_t i = 0; i < width; i++) {
      double slope;
      if (logits) slope = (logits == p ? lub_exp(p[i] - top - log_total) : p[i]) - (i == class);
      else slope = is_open(p[i]) ? 1 / sum - (i == class ? 1 / (double)p[i] : 0) : 0;
      g[i] = (float)(scale * slope);
    }
  }
}

const lub_loss_kind lub_categorical_crossentropy = {.name = "categorical_crossentropy",
                                                    .class_name = "CategoricalCrossentropy",
                                                    .options = one_hot_table,
                                                    .behind = LUB_SOFTMAX,
                                                    .value = one_hot_value,
                                                    .gradient = one_hot_gradient};
const lub_loss_kind lub_sparse_categorical_crossentropy = {.name = "sparse_categorical_crossentropy",
                                                           .class_name = "SparseCategoricalCrossentropy",
                                                           .options = numbers_table,
                                                           .class_numbers = true,
                                                           .behind = LUB_SOFTMAX,
                                                           .value = numbers_value,
                                                           .gradient = numbers_gradient};
