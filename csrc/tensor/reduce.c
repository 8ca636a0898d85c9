#include "tensor/reduce.h"

#include <math.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "tensor/kernels/reduce.h"
#include "tensor/view.h"

static const lub_reduce_kernels *kernels(void) {
#ifdef LUB_ONLY_PLAIN
  return &lub_reduce_plain;
#else
  static const lub_reduce_kernels *const table[LUB_CPU_COUNT] = {&lub_reduce_plain, &lub_reduce_avx2,
                                                                 &lub_reduce_avx512};
  return table[lub_cpu_variant()];
#endif
}

/* n elements, `step` apart, for each of `lanes` outputs, `lane` apart. */
typedef struct bundle {
  const float *x;
  int64_t n, step;
  int lanes;
  int64_t lane;
} bundle;

static void start(lub_fold *fold, const bundle *b) {
  fold->first = 0;
  for (int j = 0; j < LUB_LANES; j++) {
    fold->sum[j] = 0;
    fold->index[j] = 0;
    fold->best[j] = b->n > 0 ? b->x[j < b->lanes ? j * b->lane : 0] : 0;
  }
}

/* Folds one output: its elements are dealt out to all lanes, which are then joined in order. */
static void fold_one(lub_fold_rows *rows, lub_fold *fold, const bundle *b, lub_reduction reduction) {
  int64_t full = b->n / LUB_LANES, rest = b->n % LUB_LANES;
  rows(fold, b->x, full, LUB_LANES * b->step, LUB_LANES, b->step, LUB_LANES, 1);
  fold->first = full * LUB_LANES;
  rows(fold, b->x + fold->first * b->step, 1, 0, (int)rest, b->step, 0, 1);
  for (int j = 1; j < LUB_LANES; j++) {
    fold->sum[0] += fold->sum[j];
    float best = fold->best[0], value = fold->best[j];
    bool greatest = reduction == LUB_MAX || reduction == LUB_ARGMAX;
    bool same = value == best || (isnan(value) && isnan(best));
    bool better = (greatest ? value > best : value < best) || (isnan(value) && !isnan(best));
    if (better || (same && fold->index[j] < fold->index[0])) {
      fold->best[0] = value;
      fold->index[0] = fold->index[j];
    }
  }
}

static void fold_all(lub_fold_rows *rows, lub_fold *fold, const bundle *b, lub_reduction reduction) {
  start(fold, b);
  if (b->lanes == 1) fold_one(rows, fold, b, reduction);
  else rows(fold, b->x, b->n, b->step, b->lanes, b->lane, 1, 0);
}

static void reduce_bundle(lub_reduction reduction, const bundle *b, int64_t ddof, double *result) {
  const lub_reduce_kernels *k = kernels();
  lub_fold fold;
  switch (reduction) {
  case LUB_SUM:
  case LUB_MEAN:
    fold_all(k->sum, &fold, b, reduction);
    for (int j = 0; j < b->lanes; j++) result[j] = reduction == LUB_SUM ? fold.sum[j] : fold.sum[j] / (double)b->n;
    break;
  case LUB_VAR:
  case LUB_STD: {
    fold_all(k->sum, &fold, b, reduction);
    for (int j = 0; j < LUB_LANES; j++) fold.mean[j] = fold.sum[b->lanes == 1 ? 0 : j] / (double)b->n;
    fold_all(k->squares, &fold, b, reduction);
    double count = b->n > ddof ? (double)(b->n - ddof) : 0;
    for (int j = 0; j < b->lanes; j++) {
      double variance = count > 0 ? fold.sum[j] / count : (double)NAN;
      result[j] = reduction == LUB_VAR ? variance : sqrt(variance);
    }
    break;
  }
  case LUB_MAX:
  case LUB_MIN:
    fold_all(reduction == LUB_MAX ? k->max : k->min, &fold, b, reduction);
    for (int j = 0; j < b->lanes; j++) result[j] = (double)fold.best[j];
    break;
  case LUB_ARGMAX:
  case LUB_ARGMIN:
    fold_all(reduction == LUB_ARGMAX ? k->argmax : k->argmin, &fold, b, reduction);
    for (int j = 0; j < b->lanes; j++) result[j] = (double)fold.index[j];
    break;
  }
}

lub_status lub_reduce(lub_reduction reduction, const lub_tensor *in, int axis, int64_t ddof, lub_reduced *result,
                      void *context, lub_error *err) {
  bundle b = {.n = in->shape.dim[axis], .step = in->stride[axis]};
  lub_tensor rest = lub_tensor_drop_axis(in, axis);
  int64_t outputs = lub_tensor_size(&rest), index[LUB_MAX_DIMS] = {0};
  int last = rest.shape.ndim - 1;
  if (outputs == 0) return LUB_OK;
  if (b.n == 0 && reduction >= LUB_MAX) return lub_fail(err, LUB_EARG, "there is no extreme of no elements");

  /* Outputs side by side share a pass, unless each one's own elements are closer together. */
  int64_t width = last >= 0 ? rest.shape.dim[last] : 1;
  b.lane = last >= 0 ? rest.stride[last] : 0;
  int most = llabs(b.step) < llabs(b.lane) && b.n >= LUB_LANES ? 1 : LUB_LANES;
  const float *row = in->data;
  for (int64_t at = 0; at < outputs;) {
    for (int64_t first = 0; first < width; first += b.lanes) {
      double value[LUB_LANES];
      b.x = row + first * b.lane;
      b.lanes = (int)(width - first < most ? width - first : most);
      reduce_bundle(reduction, &b, ddof, value);
      for (int j = 0; j < b.lanes; j++) result(context, at++, value[j]);
    }
    for (int i = last - 1; i >= 0; i--) {
      row += rest.stride[i];
      if (++index[i] < rest.shape.dim[i]) break;
      row -= rest.shape.dim[i] * rest.stride[i];
      index[i] = 0;
    }
  }
  return LUB_OK;
}
