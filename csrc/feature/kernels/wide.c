/* wide.c - spectra of VL frames in double precision, lane by lane; see feature/wide.h. */
#include <math.h>

#include "feature/kernels/block.h"

#define LANES for (int l = 0; l < VL; l++)

/* VL complex numbers */
typedef struct wc {
  double re[VL], im[VL];
} wc;

static inline void times(wc *a, const double *w) {
  double re = w[0], im = w[1];
  LANES {
    double x = a->re[l], y = a->im[l];
    a->re[l] = x * re - y * im;
    a->im[l] = x * im + y * re;
  }
}

static inline void two(const wc *a, const wc *b, wc *sum, wc *difference) {
  LANES {
    double ar = a->re[l], ai = a->im[l], br = b->re[l], bi = b->im[l];
    sum->re[l] = ar + br, sum->im[l] = ai + bi;
    difference->re[l] = ar - br, difference->im[l] = ai - bi;
  }
}

/* The four-point transform of in[0], in[step], ... into out[0 .. 3 * pace]. */
static inline void four(const wc *in, int64_t step, wc *out, int64_t pace) {
  wc s, d, t, u;
  two(in, in + 2 * step, &s, &d);
  two(in + step, in + 3 * step, &t, &u);
  two(&s, &t, out, out + 2 * pace);
  LANES {
    double dr = d.re[l], di = d.im[l], ur = u.re[l], ui = u.im[l];
    out[pace].re[l] = dr + ui, out[pace].im[l] = di - ur;
    out[3 * pace].re[l] = dr - ui, out[3 * pace].im[l] = di + ur;
  }
}

/* Any number of points, by its definition; root is of order `order`, a multiple of radix. */
static void any(int64_t radix, const wc *in, int64_t step, wc *out, int64_t pace, const double *root, int64_t order) {
  for (int64_t j = 0; j < radix; j++) {
    wc sum = *in;
    for (int64_t k = 1; k < radix; k++) {
      wc term = in[k * step];
      times(&term, root + 2 * (j * k % radix * (order / radix)));
      LANES sum.re[l] += term.re[l], sum.im[l] += term.im[l];
    }
    out[j * pace] = sum;
  }
}

/* One pass: n points are one transform still to do, `stride` of them interleaved. */
static void pass(const lub_wide *wide, int64_t radix, int64_t n, int64_t stride, const wc *in, wc *out) {
  int64_t m = n / radix;
  for (int64_t p = 0; p < m; p++)
    for (int64_t q = 0; q < stride; q++) {
      const wc *from = in + q + stride * p;
      wc *to = out + q + stride * radix * p;
      if (radix == 4) four(from, stride * m, to, stride);
      else if (radix == 2) two(from, from + stride * m, to, to + stride);
      else any(radix, from, stride * m, to, stride, wide->root, wide->points);
      for (int64_t j = 1; p > 0 && j < radix; j++)
        times(to + j * stride, wide->root + 2 * (j * p * (wide->points / n)));
    }
}

static inline void put(const wc *x, bool squared, float *out) {
  LANES {
    double power = x->re[l] * x->re[l] + x->im[l] * x->im[l];
    out[l] = (float)(squared ? power : sqrt(power));
  }
}

/* From the transform z of samples (2i) + i (2i + 1) to the spectrum (feature/fft.h). */
static void split(const lub_wide *wide, const wc *z, bool squared, float *out) {
  for (int64_t k = 0; k <= wide->points; k++) {
    const wc *a = z + k % wide->points, *b = z + (wide->points - k) % wide->points;
    wc even, odd;
    LANES {
      even.re[l] = 0.5 * (a->re[l] + b->re[l]), even.im[l] = 0.5 * (a->im[l] - b->im[l]);
      odd.re[l] = 0.5 * (a->im[l] + b->im[l]), odd.im[l] = 0.5 * (b->re[l] - a->re[l]);
    }
    times(&odd, wide->split + 2 * k);
    LANES even.re[l] += odd.re[l], even.im[l] += odd.im[l];
    put(&even, squared, out + k * VL);
  }
}

void LUB_VARIANT(lub_wide_spectrum)(const lub_wide *wide, const float *const *frame, bool squared, double *work,
                                    float *out) {
  wc *from = (wc *)(void *)work, *to = from + wide->points;
  const double *window = wide->window;
  bool even = wide->split;
  for (int64_t i = 0; i < wide->points; i++) {
    int64_t j = even ? 2 * i : i;
    for (int l = 0; l < VL; l++) from[i].re[l] = (double)frame[l][j] * window[j];
    for (int l = 0; l < VL; l++) from[i].im[l] = even ? (double)frame[l][j + 1] * window[j + 1] : 0;
  }
  int64_t n = wide->points, stride = 1;
  for (int f = 0; f < wide->factors; f++) {
    int64_t radix = wide->factor[f];
    pass(wide, radix, n, stride, from, to);
    wc *other = from;
    from = to, to = other;
    n /= radix;
    stride *= radix;
  }
  if (even) split(wide, from, squared, out);
  else
    for (int64_t k = 0; k < wide->bins; k++) put(from + k, squared, out + k * VL);
}
