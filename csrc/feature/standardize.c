#include "feature/standardize.h"

#include <math.h>
#include <stddef.h>

void lub_standardize(float *x, int64_t groups, int64_t size) {
  for (int64_t g = 0; g < groups; g++, x += size) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < size; i++) sum += x[i];
    double mean = sum / (double)size;
    for (int64_t i = 0; i < size; i++) squares += (x[i] - mean) * (x[i] - mean);
    double deviation = sqrt(squares / (double)size);
    bool constant = deviation <= 1e-12 * fabs(mean) || deviation == 0;
    for (int64_t i = 0; i < size; i++) x[i] = constant ? 0 : (float)((x[i] - mean) / deviation);
  }
}

int64_t lub_moment_groups(const lub_shape *shape, const bool *kept) {
  int64_t groups = 1;
  for (int i = 0; i < shape->ndim; i++) groups *= kept[i] ? shape->dim[i] : 1;
  return groups;
}

/* Neighbouring axes of one sort are one axis; `step` of a kept one is how far its next element's group is. */
typedef struct axes {
  int count;
  int64_t size[LUB_MAX_DIMS + 1], step[LUB_MAX_DIMS + 1];
} axes;

static axes merged(const lub_shape *shape, const bool *kept) {
  axes a = {0};
  bool last = false;
  for (int i = 0; i < shape->ndim; i++) {
    if (shape->dim[i] == 1) continue;
    if (a.count > 0 && last == kept[i]) {
      a.size[a.count - 1] *= shape->dim[i];
    } else {
      a.size[a.count] = shape->dim[i];
      a.step[a.count++] = kept[i];
    }
    last = kept[i];
  }
  if (a.count == 0) a.count = 1, a.size[0] = 1;
  int64_t step = 1;
  for (int i = a.count - 1; i >= 0; i--)
    if (a.step[i]) a.step[i] = step, step *= a.size[i];
  return a;
}

/* Walks all runs along the last axis. into[group] += x, or += (x - mean[group])^2. */
static void walk(const float *x, const axes *a, const double *mean, double *into) {
  int64_t at[LUB_MAX_DIMS + 1] = {0}, group = 0, step = a->step[a->count - 1], n = a->size[a->count - 1];
  for (;;) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
      int64_t g = group + i * step;
      double value = mean ? (x[i] - mean[g]) * (x[i] - mean[g]) : x[i];
      if (step) into[g] += value;
      else sum += value;
    }
    if (!step) into[group] += sum;
    x += n;
    int axis = a->count - 2;
    for (; axis >= 0; axis--) {
      group += a->step[axis];
      if (++at[axis] < a->size[axis]) break;
      group -= a->step[axis] * a->size[axis];
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

void lub_moments(const float *x, const lub_shape *shape, const bool *kept, double *mean, double *squares) {
  int64_t size = lub_shape_size(shape), groups = lub_moment_groups(shape, kept);
  axes a = merged(shape, kept);
  for (int64_t g = 0; g < groups; g++) mean[g] = squares[g] = 0;
  if (size == 0) return;
  walk(x, &a, NULL, mean);
  for (int64_t g = 0; g < groups; g++) mean[g] /= (double)(size / groups);
  walk(x, &a, mean, squares);
}

void lub_scale_rows(float *x, int64_t rows, int64_t size, const float *mean, const float *scale) {
  for (int64_t r = 0; r < rows; r++, x += size)
    for (int64_t i = 0; i < size; i++) x[i] = (x[i] - mean[i]) / scale[i];
}
