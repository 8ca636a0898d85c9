/* math.h - exp, log and tanh of our own, in double precision and plain arithmetic: libm picks
 * its code by CPU, and its last bits with it. Results rounded to float are right in all but
 * the rarest halfway cases. Not for files in kernels/ folders. */
#ifndef LUB_BASE_MATH_H
#define LUB_BASE_MATH_H

#include <stdint.h>
#include <string.h>

/* e^x: range reduction by ln 2 in two parts, then a Taylor polynomial for |r| <= ln(2)/2. */
static inline double lub_exp(double x) {
  if (x != x) return x;
  if (x < -708) return 0;
  if (x > 709) return (double)__builtin_inff();
  int64_t k = (int64_t)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  double r = (x - (double)k * 0.693147180369123816490) - (double)k * 1.90821492927058770002e-10;
  double p = 1.0 / 6227020800.0;
  static const double inverse[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
                                   1.0 / 5040,      1.0 / 720,      1.0 / 120,     1.0 / 24,     1.0 / 6,
                                   1.0 / 2,         1.0,            1.0};
  for (int i = 0; i < 13; i++) p = p * r + inverse[i];
  uint64_t bits = (uint64_t)(k + 1023) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

/* Natural logarithm of a normal x > 0: x = 2^e * m, then the series of atanh((m-1)/(m+1)). */
static inline double lub_log(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t e = (int64_t)(bits >> 52) - 1023;
  bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) m *= 0.5, e++;
  double s = (m - 1) / (m + 1), s2 = s * s, p = 1.0 / 23;
  for (int i = 21; i >= 1; i -= 2) p = p * s2 + 1.0 / i;
  return (double)e * 0.6931471805599453 + 2 * s * p;
}

static inline double lub_tanh(double x) {
  double a = x < 0 ? -x : x;
  if (a < 1e-3) return x - x * x * x / 3;
  double t = a > 20 ? 1 : 1 - 2 / (lub_exp(2 * a) + 1);
  return x < 0 ? -t : t;
}

#endif
