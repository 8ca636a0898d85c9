#include "feature/wide.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

#define PI 3.14159265358979323846

/* exp(-2 pi i k / n), k < count; whole quarters are exact. */
static double *roots(int64_t n, int64_t count) {
  static const int8_t quarter[4][2] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
  double *at = lub_alloc(sizeof(double) * 2 * (size_t)count);
  for (int64_t k = 0; at && k < count; k++) {
    bool exact = 4 * k % n == 0;
    double angle = 2 * PI * (double)k / (double)n;
    at[2 * k] = exact ? quarter[4 * k / n][0] : cos(angle);
    at[2 * k + 1] = exact ? quarter[4 * k / n][1] : -sin(angle);
  }
  return at;
}

static void factorize(lub_wide *wide) {
  int64_t rest = wide->points;
  while (rest % 4 == 0) wide->factor[wide->factors++] = 4, rest /= 4;
  if (rest % 2 == 0) wide->factor[wide->factors++] = 2, rest /= 2;
  for (int64_t p = 3; rest > 1; p += 2) {
    if (p * p > rest) p = rest;
    for (; rest % p == 0; rest /= p) wide->factor[wide->factors++] = (int)p;
  }
}

lub_status lub_wide_init(lub_wide *wide, int64_t n, int64_t win_length, const double *window, lub_error *err) {
  bool even = n % 2 == 0;
  *wide = (lub_wide){.n = n, .points = even ? n / 2 : n, .bins = n / 2 + 1};
  factorize(wide);
  wide->window = lub_calloc((size_t)n, sizeof(double));
  wide->root = roots(wide->points, wide->points);
  if (even) wide->split = roots(n, wide->points + 1);
  if (!wide->window || !wide->root || (even && !wide->split)) return lub_nomem(err, "spectrum", 40.0 * (double)n);
  for (int64_t j = 0; j < win_length; j++) wide->window[(n - win_length) / 2 + j] = window[j];
  return LUB_OK;
}

void lub_wide_free(lub_wide *wide) {
  free(wide->window);
  free(wide->root);
  free(wide->split);
  *wide = (lub_wide){0};
}

int64_t lub_wide_work(const lub_wide *wide, int lanes) { return 4 * wide->points * lanes; }
