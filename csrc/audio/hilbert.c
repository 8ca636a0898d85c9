#include "audio/hilbert.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "audio/fourier.h"
#include "base/memory.h"

#define PI 3.14159265358979323846

struct lub_hilbert {
  int64_t n;
  lub_fourier *fourier; /* of n / 2 points, or n where that is odd */
  double *z;            /* those points */
  double *turn;         /* exp(-2 pi i k / n), k <= n / 4, as pairs; NULL where n is odd */
};

lub_status lub_hilbert_new(lub_hilbert **out, int64_t n, lub_error *err) {
  lub_hilbert *h = *out = lub_calloc(1, sizeof *h);
  if (!h) return lub_nomem(err, "envelope", sizeof *h);
  bool even = n % 2 == 0;
  int64_t points = even ? n / 2 : n, turns = even ? n / 4 + 1 : 0;
  h->n = n;
  h->z = lub_alloc(2 * sizeof(double) * (size_t)points);
  h->turn = even ? lub_alloc(2 * sizeof(double) * (size_t)turns) : NULL;
  lub_status status = h->z && (h->turn || !even) ? lub_fourier_new(&h->fourier, points, err)
                                                 : lub_nomem(err, "envelope", 16.0 * (double)(points + turns));
  if (status != LUB_OK) {
    lub_hilbert_free(h);
    *out = NULL;
    return status;
  }
  for (int64_t k = 0; k < turns; k++) {
    double angle = 2 * PI * (double)k / (double)n;
    h->turn[2 * k] = cos(angle), h->turn[2 * k + 1] = -sin(angle);
  }
  return LUB_OK;
}

void lub_hilbert_free(lub_hilbert *h) {
  if (!h) return;
  lub_fourier_free(h->fourier);
  free(h->z);
  free(h->turn);
  free(h);
}

int64_t lub_hilbert_samples(const lub_hilbert *h) { return h->n; }

/* Two numbers of Z whose places add up to n / 2, and w at the first: w at the second is -conj(w), and E and O are
 * conjugates there. */
static void turn_pair(double *a, double *b, const double *w) {
  double er = 0.5 * (a[0] + b[0]), ei = 0.5 * (a[1] - b[1]);
  double fr = 0.5 * (a[1] + b[1]), fi = 0.5 * (b[0] - a[0]);
  double pr = w[0] * er + w[1] * ei, pi = w[0] * ei - w[1] * er; /* conj(w) E */
  double qr = w[0] * fi + w[1] * fr, qi = w[1] * fi - w[0] * fr; /* -i w O */
  a[0] = pr + qr, a[1] = pi + qi;
  b[0] = qr - pr, b[1] = pi - qi;
}

static void even_envelope(lub_hilbert *h, float *x) {
  int64_t points = h->n / 2;
  double *z = h->z, scale = 1 / (double)points;
  for (int64_t i = 0; i < h->n; i++) z[i] = x[i];
  lub_fourier_forward(h->fourier, z);
  z[0] = z[1] = 0;
  for (int64_t k = 1; 2 * k <= points; k++) turn_pair(z + 2 * k, z + 2 * (points - k), h->turn + 2 * k);
  lub_fourier_inverse(h->fourier, z);
  for (int64_t i = 0; i < h->n; i++) {
    double turned = scale * z[i];
    x[i] = (float)sqrt((double)x[i] * x[i] + turned * turned);
  }
}

/* Negative frequencies away, positive ones doubled. */
static void odd_envelope(lub_hilbert *h, float *x) {
  int64_t n = h->n;
  double *z = h->z, scale = 1 / (double)n;
  for (int64_t i = 0; i < n; i++) z[2 * i] = x[i], z[2 * i + 1] = 0;
  lub_fourier_forward(h->fourier, z);
  for (int64_t k = 0; k < n; k++) {
    double factor = scale * (k == 0 ? 1 : 2 * k < n ? 2 : 0);
    z[2 * k] *= factor;
    z[2 * k + 1] *= factor;
  }
  lub_fourier_inverse(h->fourier, z);
  for (int64_t i = 0; i < n; i++) x[i] = (float)sqrt(z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
}

void lub_hilbert_envelope(lub_hilbert *h, float *x) {
  if (h->turn) even_envelope(h, x);
  else odd_envelope(h, x);
}
