#include "nn/metric.h"

#include <math.h>

#include "base/math.h"

static int64_t largest(const float *p, int64_t width) {
  int64_t best = 0;
  for (int64_t i = 1; i < width; i++)
    if (p[i] > p[best]) best = i;
  return best;
}

static double weight_of(const lub_metric_batch *b, int64_t sample) { return b->weights ? b->weights[sample] : 1; }

static int64_t class_of(const lub_metric_batch *b, int64_t row) {
  return b->class_numbers ? (int64_t)b->y[row] - 1 : largest(b->y + row * b->width, b->width);
}

double lub_count_right(const lub_metric_batch *b) {
  double sum = 0;
  for (int64_t i = 0; i < b->n; i++) {
    int64_t right = 0;
    for (int64_t r = i * b->rows; r < (i + 1) * b->rows; r++)
      right += largest(b->p + r * b->width, b->width) == class_of(b, r);
    sum += weight_of(b, i) * (double)right / (double)b->rows;
  }
  return sum;
}

double lub_count_top_k(const lub_metric_batch *b, int64_t k) {
  double sum = 0;
  for (int64_t i = 0; i < b->n; i++) {
    int64_t right = 0;
    for (int64_t r = i * b->rows; r < (i + 1) * b->rows; r++) {
      const float *p = b->p + r * b->width, mine = p[class_of(b, r)];
      int64_t larger = 0;
      for (int64_t c = 0; c < b->width; c++) larger += p[c] > mine;
      right += larger < k && isfinite(mine);
    }
    sum += weight_of(b, i) * (double)right / (double)b->rows;
  }
  return sum;
}

double lub_count_binary(const lub_metric_batch *b, double threshold) {
  const int64_t size = b->rows * b->width;
  double sum = 0;
  for (int64_t i = 0; i < b->n; i++) {
    int64_t right = 0;
    for (int64_t j = i * size; j < (i + 1) * size; j++) right += (b->p[j] > (float)threshold) == b->y[j];
    sum += weight_of(b, i) * (double)right / (double)size;
  }
  return sum;
}

static void add_hit(lub_hits *hits, bool says, double target, double weight) {
  if (says) hits->true_positives += weight * target, hits->false_positives += weight * (1 - target);
  else hits->false_negatives += weight * target;
}

/* Whether p[i] is one of the k largest; of equal ones the first are. */
static bool among(const float *p, int64_t width, int64_t i, int64_t k) {
  int64_t before = 0;
  for (int64_t j = 0; j < width; j++) before += p[j] > p[i] || (p[j] == p[i] && j < i);
  return before < k;
}

void lub_count_hits(const lub_metric_batch *b, double threshold, int64_t k, int64_t column, lub_hits *hits) {
  const float level = (float)threshold;
  for (int64_t r = 0; r < b->n * b->rows; r++) {
    const float *p = b->p + r * b->width, *y = b->y + r * b->width;
    int64_t first = column < 0 ? 0 : column, last = column < 0 ? b->width : column + 1;
    for (int64_t c = first; c < last; c++)
      add_hit(hits, p[c] > level && (k < 1 || among(p, b->width, c, k)), y[c] != 0, weight_of(b, r / b->rows));
  }
}

void lub_count_columns(const lub_metric_batch *b, double threshold, lub_hits *hits, double *targets) {
  for (int64_t r = 0; r < b->n * b->rows; r++) {
    const float *p = b->p + r * b->width, *y = b->y + r * b->width, top = p[largest(p, b->width)];
    for (int64_t c = 0; c < b->width; c++) {
      bool says = isnan(threshold) ? p[c] >= top && fabsf(p[c]) > 1e-9f : p[c] > (float)threshold;
      add_hit(&hits[c], says, y[c], weight_of(b, r / b->rows));
      targets[c] += weight_of(b, r / b->rows) * y[c];
    }
  }
}

/* How many of n rising numbers lie below p. */
static int64_t below(const float *numbers, int64_t n, float p) {
  int64_t first = 0;
  while (n > 0) {
    const int64_t half = n / 2;
    if (numbers[first + half] < p) first += half + 1, n -= half + 1;
    else n = half;
  }
  return first;
}

void lub_count_buckets(const lub_metric_batch *b, int64_t count, const float *inner, bool sigmoid, int64_t column,
                       double *positive, double *negative) {
  for (int64_t r = 0; r < b->n * b->rows; r++) {
    int64_t first = column < 0 ? 0 : column, last = column < 0 ? b->width : column + 1;
    for (int64_t c = first; c < last; c++) {
      float p = b->p[r * b->width + c];
      if (sigmoid) p = (float)(1 / (1 + lub_exp(-(double)p)));
      p = p > 0 ? p < 1 ? p : 1 : 0;
      int64_t bucket = inner ? below(inner, count - 2, p) : (int64_t)ceilf(p * (float)(count - 1)) - 1;
      double *to = b->y[r * b->width + c] != 0 ? positive : negative;
      to[bucket > 0 ? bucket : 0] += weight_of(b, r / b->rows);
    }
  }
}
