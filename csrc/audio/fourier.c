#include "audio/fourier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define PI 3.14159265358979323846
#define LARGEST_PRIME 13
#define MOST_PASSES 64

typedef struct complex_number {
  double re, im;
} number;

struct lub_fourier {
  int64_t n;
  int passes, radix[MOST_PASSES];
  number *root, *work;          /* exp(-2 pi i k / n) */
  lub_fourier *inner;           /* Bluestein's convolution */
  number *chirp, *filter;       /* exp(-i pi k^2 / n); the transform of its conjugate */
};

static number times(number a, number b) { return (number){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
static number plus(number a, number b) { return (number){a.re + b.re, a.im + b.im}; }
static number minus(number a, number b) { return (number){a.re - b.re, a.im - b.im}; }
static number conjugate(number a) { return (number){a.re, -a.im}; }
static number minus_i(number a) { return (number){a.im, -a.re}; }

/* exp(-2 pi i k / n) */
static number unit(int64_t k, int64_t n) {
  double angle = 2 * PI * (double)k / (double)n;
  return (number){cos(angle), -sin(angle)};
}

/* === Stockham's passes: each one takes transforms of n points, `stride` of them interleaved, one radix further === */

static void pass2(const lub_fourier *f, int64_t n, int64_t stride, const number *x, number *y) {
  int64_t m = n / 2;
  for (int64_t p = 0; p < m; p++) {
    number w = f->root[p * stride];
    for (int64_t q = 0; q < stride; q++) {
      number a = x[q + stride * p], b = x[q + stride * (p + m)];
      y[q + stride * 2 * p] = plus(a, b);
      y[q + stride * (2 * p + 1)] = times(minus(a, b), w);
    }
  }
}

static void pass4(const lub_fourier *f, int64_t n, int64_t stride, const number *x, number *y) {
  int64_t m = n / 4;
  for (int64_t p = 0; p < m; p++) {
    number w1 = f->root[p * stride], w2 = f->root[2 * p * stride], w3 = f->root[3 * p * stride];
    for (int64_t q = 0; q < stride; q++) {
      const number *at = x + q + stride * p;
      number a = at[0], b = at[stride * m], c = at[stride * 2 * m], d = at[stride * 3 * m];
      number sum = plus(a, c), difference = minus(a, c), others = plus(b, d), turned = minus_i(minus(b, d));
      number *to = y + q + stride * 4 * p;
      to[0] = plus(sum, others);
      to[stride] = times(plus(difference, turned), w1);
      to[2 * stride] = times(minus(sum, others), w2);
      to[3 * stride] = times(minus(difference, turned), w3);
    }
  }
}

static number scaled(number a, double by) { return (number){a.re * by, a.im * by}; }

static void pass3(const lub_fourier *f, int64_t n, int64_t stride, const number *x, number *y) {
  const double half_root3 = 0.86602540378443864676;
  int64_t m = n / 3;
  for (int64_t p = 0; p < m; p++) {
    number w1 = f->root[p * stride], w2 = f->root[2 * p * stride];
    for (int64_t q = 0; q < stride; q++) {
      const number *at = x + q + stride * p;
      number a = at[0], b = at[stride * m], c = at[stride * 2 * m];
      number sum = plus(b, c), middle = plus(a, scaled(sum, -0.5)), turned = minus_i(scaled(minus(b, c), half_root3));
      number *to = y + q + stride * 3 * p;
      to[0] = plus(a, sum);
      to[stride] = times(plus(middle, turned), w1);
      to[2 * stride] = times(minus(middle, turned), w2);
    }
  }
}

static void pass5(const lub_fourier *f, int64_t n, int64_t stride, const number *x, number *y) {
  const double c1 = 0.30901699437494742410, c2 = -0.80901699437494742410; /* cos 72, cos 144 degrees */
  const double s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;
  int64_t m = n / 5;
  for (int64_t p = 0; p < m; p++) {
    const number *root = f->root;
    number w1 = root[p * stride], w2 = root[2 * p * stride], w3 = root[3 * p * stride], w4 = root[4 * p * stride];
    for (int64_t q = 0; q < stride; q++) {
      const number *at = x + q + stride * p;
      number a = at[0], b = at[stride * m], c = at[stride * 2 * m], d = at[stride * 3 * m], e = at[stride * 4 * m];
      number outer = plus(b, e), inner = plus(c, d), across = minus(b, e), beside = minus(c, d);
      number even1 = plus(a, plus(scaled(outer, c1), scaled(inner, c2)));
      number even2 = plus(a, plus(scaled(outer, c2), scaled(inner, c1)));
      number odd1 = minus_i(plus(scaled(across, s1), scaled(beside, s2)));
      number odd2 = minus_i(minus(scaled(across, s2), scaled(beside, s1)));
      number *to = y + q + stride * 5 * p;
      to[0] = plus(a, plus(outer, inner));
      to[stride] = times(plus(even1, odd1), w1);
      to[2 * stride] = times(plus(even2, odd2), w2);
      to[3 * stride] = times(minus(even2, odd2), w3);
      to[4 * stride] = times(minus(even1, odd1), w4);
    }
  }
}

static void pass_any(const lub_fourier *f, int radix, int64_t n, int64_t stride, const number *x, number *y) {
  int64_t m = n / radix, turn = f->n / radix;
  number own[LARGEST_PRIME], a[LARGEST_PRIME];
  for (int k = 0; k < radix; k++) own[k] = f->root[k * turn];
  for (int64_t p = 0; p < m; p++)
    for (int64_t q = 0; q < stride; q++) {
      for (int k = 0; k < radix; k++) a[k] = x[q + stride * (p + k * m)];
      for (int j = 0; j < radix; j++) {
        number sum = a[0];
        for (int k = 1, at = 0; k < radix; k++) {
          at += j;
          if (at >= radix) at -= radix;
          sum = plus(sum, times(a[k], own[at]));
        }
        y[q + stride * (radix * p + j)] = times(sum, f->root[p * j * stride]);
      }
    }
}

static void run_passes(const lub_fourier *f, number *z) {
  number *from = z, *to = f->work;
  int64_t n = f->n, stride = 1;
  for (int i = 0; i < f->passes; i++) {
    int radix = f->radix[i];
    if (radix == 4) pass4(f, n, stride, from, to);
    else if (radix == 2) pass2(f, n, stride, from, to);
    else if (radix == 3) pass3(f, n, stride, from, to);
    else if (radix == 5) pass5(f, n, stride, from, to);
    else pass_any(f, radix, n, stride, from, to);
    n /= radix;
    stride *= radix;
    number *other = from;
    from = to, to = other;
  }
  if (from != z) memcpy(z, from, sizeof(number) * (size_t)f->n);
}

/* === Bluestein: j k = (j^2 + k^2 - (k - j)^2) / 2 === */

static void run_chirp(const lub_fourier *f, number *z) {
  int64_t m = f->inner->n;
  for (int64_t i = 0; i < f->n; i++) f->work[i] = times(z[i], f->chirp[i]);
  memset(f->work + f->n, 0, sizeof(number) * (size_t)(m - f->n));
  run_passes(f->inner, f->work);
  for (int64_t i = 0; i < m; i++) f->work[i] = conjugate(times(f->work[i], f->filter[i]));
  run_passes(f->inner, f->work);
  for (int64_t i = 0; i < f->n; i++) {
    number value = times(conjugate(f->work[i]), f->chirp[i]);
    z[i] = (number){value.re / (double)m, value.im / (double)m};
  }
}

/* The least length of at least n points that has no prime above 5. */
static int64_t smooth_length(int64_t n) {
  int64_t least = INT64_MAX;
  for (int64_t five = 1; five < 5 * n; five *= 5)
    for (int64_t three = five; three < 3 * n; three *= 3) {
      int64_t m = three;
      while (m < n) m *= 2;
      if (m < least) least = m;
    }
  return least;
}

static lub_status init_chirp(lub_fourier *f, lub_error *err) {
  int64_t n = f->n, m = smooth_length(2 * n - 1), square = 0;
  if (lub_fourier_new(&f->inner, m, err) != LUB_OK) return err->status;
  f->chirp = lub_alloc(sizeof(number) * (size_t)n);
  f->filter = lub_calloc((size_t)m, sizeof(number));
  f->work = lub_alloc(sizeof(number) * (size_t)m);
  if (!f->chirp || !f->filter || !f->work) return lub_nomem(err, "Fourier transform", 32.0 * (double)m);
  for (int64_t i = 0; i < n; i++) {
    f->chirp[i] = unit(square, 2 * n);
    f->filter[i] = f->filter[i == 0 ? 0 : m - i] = conjugate(f->chirp[i]);
    square = (square + 2 * i + 1) % (2 * n); /* (i + 1)^2, which itself may be too large to be exact */
  }
  run_passes(f->inner, f->filter);
  return LUB_OK;
}

static lub_status init_passes(lub_fourier *f, lub_error *err) {
  f->root = lub_alloc(sizeof(number) * (size_t)f->n);
  f->work = lub_alloc(sizeof(number) * (size_t)f->n);
  if (!f->root || !f->work) return lub_nomem(err, "Fourier transform", 32.0 * (double)f->n);
  for (int64_t i = 0; 2 * i <= f->n; i++) f->root[i] = unit(i, f->n);
  for (int64_t i = f->n / 2 + 1; i < f->n; i++) f->root[i] = conjugate(f->root[f->n - i]);
  return LUB_OK;
}

lub_status lub_fourier_new(lub_fourier **out, int64_t n, lub_error *err) {
  static const int radices[] = {4, 2, 3, 5, 7, 11, 13};
  lub_fourier *f = *out = lub_calloc(1, sizeof *f);
  if (!f) return lub_nomem(err, "Fourier transform", sizeof *f);
  f->n = n;
  int64_t rest = n;
  for (size_t i = 0; i < sizeof radices / sizeof *radices; i++)
    for (; rest % radices[i] == 0; rest /= radices[i]) f->radix[f->passes++] = radices[i];
  lub_status status = rest == 1 ? init_passes(f, err) : init_chirp(f, err);
  if (status != LUB_OK) {
    lub_fourier_free(f);
    *out = NULL;
  }
  return status;
}

void lub_fourier_free(lub_fourier *f) {
  if (!f) return;
  lub_fourier_free(f->inner);
  free(f->root);
  free(f->work);
  free(f->chirp);
  free(f->filter);
  free(f);
}

int64_t lub_fourier_points(const lub_fourier *f) { return f->n; }

void lub_fourier_forward(lub_fourier *f, double *z) {
  if (f->inner) run_chirp(f, (number *)(void *)z);
  else run_passes(f, (number *)(void *)z);
}

void lub_fourier_inverse(lub_fourier *f, double *z) {
  for (int64_t i = 0; i < f->n; i++) z[2 * i + 1] = -z[2 * i + 1];
  lub_fourier_forward(f, z);
  for (int64_t i = 0; i < f->n; i++) z[2 * i + 1] = -z[2 * i + 1];
}
