#include <complex.h>
#include <math.h>
#include <stddef.h>

#include "audio/filter.h"

#define PI 3.14159265358979323846

const char *const lub_band_names[] = {"lowpass", "highpass", "bandpass", "bandstop", NULL};

/* Zeros or poles: of a complex pair, the one above the real axis alone. */
typedef struct roots {
  int count;
  double complex at[2 * LUB_MAX_ORDER];
} roots;

static bool is_real(double complex z) { return cimag(z) == 0; }

static void add(roots *list, double complex z) { list->at[list->count++] = cimag(z) < 0 ? conj(z) : z; }

static double complex take(roots *list, int i) {
  double complex z = list->at[i];
  list->count--;
  for (; i < list->count; i++) list->at[i] = list->at[i + 1];
  return z;
}

static int count_real(const roots *list) {
  int n = 0;
  for (int i = 0; i < list->count; i++) n += is_real(list->at[i]);
  return n;
}

/* === from the prototype to the band: poles and zeros on the s plane === */

/* The two poles (or two of four, the others being their conjugates) that p becomes in a band around w0. */
static void add_band_poles(roots *poles, double complex p, double w0) {
  double complex root = csqrt(p * p - w0 * w0);
  if (is_real(p) && creal(p * p) < w0 * w0) { /* a pair */
    add(poles, CMPLX(creal(p), sqrt(w0 * w0 - creal(p) * creal(p))));
    return;
  }
  if (is_real(p)) root = CMPLX(sqrt(creal(p) * creal(p) - w0 * w0), 0);
  add(poles, p + root);
  add(poles, p - root);
}

static void place(roots *zeros, roots *poles, int order, lub_band band, double low, double high) {
  double w0 = band < LUB_BANDPASS ? low : sqrt(low * high), width = high - low;
  for (int m = order % 2 ? 0 : 1; m < order; m += 2) {
    double complex p = m == 0 ? CMPLX(-1, 0) : CMPLX(-cos(PI * m / (2 * order)), sin(PI * m / (2 * order)));
    switch (band) {
    case LUB_LOWPASS: add(poles, p * w0); break;
    case LUB_HIGHPASS: add(poles, m == 0 ? CMPLX(-w0, 0) : w0 / p); break;
    case LUB_BANDPASS: add_band_poles(poles, p * (width / 2), w0); break;
    case LUB_BANDSTOP: add_band_poles(poles, m == 0 ? CMPLX(-width / 2, 0) : width / 2 / p, w0); break;
    }
  }
  for (int i = 0; i < order && band != LUB_LOWPASS; i++) add(zeros, CMPLX(0, band == LUB_BANDSTOP ? w0 : 0));
}

/* The product of (4 - z) over all roots, the conjugates included: it is real. */
static double distance(const roots *list) {
  double product = 1;
  for (int i = 0; i < list->count; i++) {
    double complex d = 4 - list->at[i];
    product *= is_real(d) ? creal(d) : creal(d) * creal(d) + cimag(d) * cimag(d);
  }
  return product;
}

static int degree(const roots *list) { return 2 * list->count - count_real(list); }

static double complex bilinear(double complex s) {
  return is_real(s) ? CMPLX((4 + creal(s)) / (4 - creal(s)), 0) : (4 + s) / (4 - s);
}

/* === from roots to sections: each pole, the one nearest to the unit circle first, with the zeros nearest to it === */

static int nearest_pole(const roots *poles, bool real_only) {
  int best = -1;
  for (int i = 0; i < poles->count; i++) {
    if (real_only && !is_real(poles->at[i])) continue;
    if (best < 0 || fabs(1 - cabs(poles->at[i])) < fabs(1 - cabs(poles->at[best]))) best = i;
  }
  return best;
}

typedef enum choice { ANY, REAL, COMPLEX } choice;

static int nearest_zero(const roots *zeros, double complex pole, choice which) {
  int best = -1;
  for (int i = 0; i < zeros->count; i++) {
    if (which != ANY && is_real(zeros->at[i]) != (which == REAL)) continue;
    if (best < 0 || cabs(zeros->at[i] - pole) < cabs(zeros->at[best] - pole)) best = i;
  }
  return best;
}

/* Coefficients of (1 - u / z) (1 - v / z). */
static void expand(double complex u, double complex v, double *c1, double *c2) {
  *c1 = -creal(u + v);
  *c2 = creal(u * v);
}

static void pair_up(lub_sos *sos, roots *zeros, roots *poles, double gain) {
  if (degree(poles) % 2) {
    add(poles, 0);
    add(zeros, 0);
  }
  sos->count = degree(poles) / 2;
  for (int i = sos->count - 1; i >= 0; i--) {
    lub_section *s = &sos->section[i];
    double complex p1 = take(poles, nearest_pole(poles, false)), p2 = conj(p1), z1, z2;
    int real_poles = count_real(poles);
    bool last_real = !is_real(p1) && poles->count + 1 == zeros->count && real_poles == 1 && count_real(zeros) == 1;
    if (is_real(p1)) p2 = take(poles, nearest_pole(poles, true));
    z1 = take(zeros, nearest_zero(zeros, p1, last_real ? COMPLEX : ANY));
    z2 = is_real(z1) ? take(zeros, nearest_zero(zeros, p1, REAL)) : conj(z1);
    s->b0 = 1;
    expand(z1, z2, &s->b1, &s->b2);
    expand(p1, p2, &s->a1, &s->a2);
  }
  sos->section[0].b0 *= gain;
  sos->section[0].b1 *= gain;
  sos->section[0].b2 *= gain;
}

static lub_status check(int64_t order, lub_band band, double low, double high, double sr, lub_error *err) {
  if (order < 1 || order > LUB_MAX_ORDER)
    return lub_fail(err, LUB_EARG, "butter: order must be 1 to %d, got %lld", LUB_MAX_ORDER, (long long)order);
  if (!(sr > 0 && isfinite(sr))) return lub_fail(err, LUB_EARG, "butter: sr must be above 0 Hz, got %g", sr);
  double top = band < LUB_BANDPASS ? low : high;
  if (!(low > 0)) return lub_fail(err, LUB_EARG, "butter: cutoff must be above 0 Hz, got %g", low);
  if (!(top < sr / 2))
    return lub_fail(err, LUB_EARG, "butter: cutoff must be below half the sample rate (%g Hz), got %g", sr / 2, top);
  if (band >= LUB_BANDPASS && !(low < high))
    return lub_fail(err, LUB_EARG, "butter: cutoff must be { low, high } with low < high, got { %g, %g }", low, high);
  return LUB_OK;
}

lub_status lub_butter(lub_sos *sos, int64_t order, lub_band band, double low, double high, double sr, lub_error *err) {
  if (check(order, band, low, high, sr, err) != LUB_OK) return err->status;
  roots zeros = {0}, poles = {0};
  double warped_low = 4 * tan(PI * low / sr), warped_high = band < LUB_BANDPASS ? 0 : 4 * tan(PI * high / sr);
  place(&zeros, &poles, (int)order, band, warped_low, warped_high);
  double gain = distance(&zeros) / distance(&poles);
  for (int i = 0; i < order; i++) {
    if (band == LUB_LOWPASS) gain *= warped_low;
    if (band == LUB_BANDPASS) gain *= warped_high - warped_low;
  }
  for (int i = 0; i < zeros.count; i++) zeros.at[i] = bilinear(zeros.at[i]);
  for (int i = 0; i < poles.count; i++) poles.at[i] = bilinear(poles.at[i]);
  while (degree(&zeros) < degree(&poles)) add(&zeros, -1); /* those at infinity */
  pair_up(sos, &zeros, &poles, gain);
  return LUB_OK;
}
