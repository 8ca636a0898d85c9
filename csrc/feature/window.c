#include "feature/window.h"

#include <math.h>
#include <stddef.h>

#define PI 3.14159265358979323846

const char *const lub_window_names[LUB_WINDOW_COUNT + 1] = {
    "hann",   "hamming", "blackman", "blackmanharris", "nuttall",  "bartlett", "boxcar",
    "triang", "flattop", "cosine",   "kaiser",         "gaussian", "tukey",    NULL};

lub_window_parameter lub_window_takes(lub_window window) {
  if (window == LUB_WINDOW_KAISER || window == LUB_WINDOW_GAUSSIAN) return LUB_WINDOW_NEEDED;
  return window == LUB_WINDOW_TUKEY ? LUB_WINDOW_OPTIONAL : LUB_WINDOW_NO_PARAMETER;
}

/* sum over j of a[j] cos(j x), x from -pi to pi over the symmetric window of `size` points */
static double cosines(const double *a, int terms, int64_t i, int64_t size) {
  double x = -PI + 2 * PI * (double)i / (double)(size - 1), sum = 0;
  for (int j = 0; j < terms; j++) sum += a[j] * cos(j * x);
  return sum;
}

/* The modified Bessel function I0, by its power series: sum of ((x/2)^k / k!)^2. */
static double bessel_i0(double x) {
  double term = 1, sum = 1;
  for (int k = 1; term > sum * 1e-17; k++) {
    term *= x / (2 * k) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

static double tukey(int64_t i, int64_t size, double alpha) {
  double last = (double)(size - 1), n = (double)i, edge = floor(alpha * last / 2);
  if (alpha <= 0) return 1;
  if (alpha >= 1) return 0.5 - 0.5 * cos(2 * PI * n / last);
  if (n <= edge) return 0.5 * (1 + cos(PI * (-1 + 2 * n / alpha / last)));
  if (n < last - edge) return 1;
  return 0.5 * (1 + cos(PI * (-2 / alpha + 1 + 2 * n / alpha / last)));
}

/* Point i of the symmetric window of `size` points. */
static double point(lub_window window, int64_t i, int64_t size, double parameter) {
  static const double hann[] = {0.5, 0.5}, hamming[] = {0.54, 0.46}, blackman[] = {0.42, 0.50, 0.08},
                      harris[] = {0.35875, 0.48829, 0.14128, 0.01168},
                      nuttall[] = {0.3635819, 0.4891775, 0.1365995, 0.0106411},
                      flattop[] = {0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368};
  double last = (double)(size - 1), n = (double)i;
  switch (window) {
  case LUB_WINDOW_HANN: return cosines(hann, 2, i, size);
  case LUB_WINDOW_HAMMING: return cosines(hamming, 2, i, size);
  case LUB_WINDOW_BLACKMAN: return cosines(blackman, 3, i, size);
  case LUB_WINDOW_BLACKMANHARRIS: return cosines(harris, 4, i, size);
  case LUB_WINDOW_NUTTALL: return cosines(nuttall, 4, i, size);
  case LUB_WINDOW_FLATTOP: return cosines(flattop, 5, i, size);
  case LUB_WINDOW_BARTLETT: return 1 - fabs(2 * n / last - 1);
  case LUB_WINDOW_TRIANG: {
    double k = i < size - 1 - i ? n + 1 : last - n + 1; /* distance from the nearer end, from 1 */
    return size % 2 == 0 ? (2 * k - 1) / (double)size : 2 * k / (double)(size + 1);
  }
  case LUB_WINDOW_COSINE: return sin(PI / (double)size * (n + 0.5));
  case LUB_WINDOW_KAISER: {
    double x = 2 * n / last - 1;
    return bessel_i0(parameter * sqrt(fmax(0, 1 - x * x))) / bessel_i0(parameter);
  }
  case LUB_WINDOW_GAUSSIAN: {
    double x = n - last / 2;
    return exp(-x * x / (2 * parameter * parameter));
  }
  case LUB_WINDOW_TUKEY: return tukey(i, size, parameter);
  default: return 1;
  }
}

lub_status lub_window_fill(double *out, int64_t n, lub_window window, double parameter, lub_error *err) {
  if (window == LUB_WINDOW_KAISER && !(parameter >= 0 && parameter <= 600))
    return lub_fail(err, LUB_EARG, "window kaiser: beta must be in [0, 600], got %g", parameter);
  if (window == LUB_WINDOW_GAUSSIAN && !(parameter > 0))
    return lub_fail(err, LUB_EARG, "window gaussian: the deviation must be above 0, got %g", parameter);
  if (window == LUB_WINDOW_TUKEY && !(parameter >= 0 && parameter <= 1))
    return lub_fail(err, LUB_EARG, "window tukey: the tapered share must be in [0, 1], got %g", parameter);
  if (n == 1) {
    out[0] = 1; /* scipy: a window of one point is 1, whatever its shape */
    return LUB_OK;
  }
  for (int64_t i = 0; i < n; i++) out[i] = point(window, i, n + 1, parameter);
  return LUB_OK;
}
