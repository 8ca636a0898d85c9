/* metric.h - counting how often outputs agree with targets, for the metrics that training reports
 * (lua/lubdub/fit_metrics). A batch has n samples of rows * width outputs p; weights are per sample, NULL: all 1.
 * The rules are Keras'. */
#ifndef LUB_NN_METRIC_H
#define LUB_NN_METRIC_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lub_metric_batch {
  const float *y, *p, *weights;
  int64_t n, rows, width;
  bool class_numbers; /* y holds class numbers counted from 1, one per row; otherwise it is like p */
} lub_metric_batch;

/* Sums over samples of weight * the share of rows where the largest output is the target's class (the first of equal
 * ones), or where fewer than k outputs are larger than the target's. */
double lub_count_right(const lub_metric_batch *batch);
double lub_count_top_k(const lub_metric_batch *batch, int64_t k);

/* The same of outputs that say yes (above the threshold: 1, else 0) like the target. */
double lub_count_binary(const lub_metric_batch *batch, double threshold);

typedef struct lub_hits {
  double true_positives, false_positives, false_negatives;
} lub_hits;

/* Adds weights to what outputs above the threshold hit: a target is positive unless 0. Only the k largest outputs of
 * each row can be above it (k < 1: all); only those of column `column` count (below 0: all). */
void lub_count_hits(const lub_metric_batch *batch, double threshold, int64_t k, int64_t column, lub_hits *hits);

/* Adds weights to one lub_hits per column, and to targets[width] the weighted targets: outputs above the threshold are
 * positive; where it is NaN, those that no other of the row exceeds and that are not 0. */
void lub_count_columns(const lub_metric_batch *batch, double threshold, lub_hits *hits, double *targets);

/* Adds weights to buckets: positive[b] and negative[b] of `count` thresholds, where an output lies above threshold b
 * and not above b + 1. They are evenly spaced from 0 to 1; or, where `inner` is given, 0, the count - 2 of it, which
 * rise, and 1. `sigmoid`: outputs are logits. column: as above. */
void lub_count_buckets(const lub_metric_batch *batch, int64_t count, const float *inner, bool sigmoid, int64_t column,
                       double *positive, double *negative);

#endif
