#include "feature/fft.h"

#include <kiss_fft.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define PI 3.14159265358979323846

bool lub_fft_batched(int64_t n_fft) { return n_fft >= 8 && (n_fft & (n_fft - 1)) == 0; }

/* exp(-2 pi i k / n) at `at`, rounded from double; whole quarters are exact. */
static float *put_root(float *at, int64_t k, int64_t n) {
  k %= n;
  double c = 0, s = 0;
  if (4 * k % n == 0) {
    static const int8_t quarter[4][2] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
    c = quarter[4 * k / n][0], s = quarter[4 * k / n][1];
  } else {
    double angle = 2 * PI * (double)k / (double)n;
    c = cos(angle), s = -sin(angle);
  }
  at[0] = (float)c;
  at[1] = (float)s;
  return at + 2;
}

/* Cuts log2(half) bits into passes of at most 5, at least two of them, the larger ones first. */
static int cut_passes(int bits, int cut[LUB_FFT_PASSES]) {
  int passes = bits <= 10 ? 2 : (bits + 4) / 5;
  for (int i = 0; i < passes; i++) {
    cut[i] = (bits + passes - i - 1) / (passes - i);
    bits -= cut[i];
  }
  return passes;
}

static lub_status init_batched(lub_fft *fft, lub_error *err) {
  int bits = 0, cut[LUB_FFT_PASSES];
  while (INT64_C(1) << bits < fft->half) bits++;
  fft->passes = cut_passes(bits, cut);
  /* twiddles of the first pass: half points; of later ones less; inner ones 32 points each */
  size_t bytes = sizeof(float) * 2 * (size_t)(2 * fft->half + 40 * LUB_FFT_PASSES + fft->half / 2 + 1);
  float *at = fft->tables = lub_alloc(bytes);
  if (!at) return lub_nomem(err, "FFT", (double)bytes);
  int64_t n = fft->half, stride = 1;
  for (int i = 0; i < fft->passes; i++) {
    lub_fft_pass *pass = &fft->pass[i];
    int radix = 1 << cut[i];
    *pass = (lub_fft_pass){.radix = radix, .n = n, .stride = stride};
    if (radix >= 16) {
      pass->inner = at;
      for (int b = 0; b < radix / 4; b++)
        for (int a = 0; a < 4; a++) at = put_root(at, a * b, radix);
    }
    if (i < fft->passes - 1) {
      pass->twiddle = at;
      for (int64_t p = 0; p < n / radix; p++)
        for (int j = 0; j < radix; j++) at = put_root(at, p * j, n);
    }
    n /= radix;
    stride *= radix;
  }
  fft->split = at;
  for (int64_t k = 0; k <= fft->half / 2; k++) at = put_root(at, k, fft->n_fft);
  return LUB_OK;
}

static lub_status init_kiss(lub_fft *fft, lub_error *err) {
  bool even = fft->n_fft % 2 == 0;
  fft->kiss = kiss_fft_alloc((int)(even ? fft->half : fft->n_fft), 0, NULL, NULL);
  if (!fft->kiss) return lub_nomem(err, "FFT", 8.0 * (double)fft->n_fft);
  if (!even) return LUB_OK;
  size_t bytes = sizeof(float) * 2 * (size_t)(fft->half / 2 + 1);
  float *at = fft->tables = lub_alloc(bytes);
  if (!at) return lub_nomem(err, "FFT", (double)bytes);
  fft->split = at;
  for (int64_t k = 0; k <= fft->half / 2; k++) at = put_root(at, k, fft->n_fft);
  return LUB_OK;
}

lub_status lub_fft_init(lub_fft *fft, int64_t n_fft, lub_error *err) {
  *fft = (lub_fft){.n_fft = n_fft, .half = n_fft / 2, .bins = n_fft / 2 + 1, .batched = lub_fft_batched(n_fft)};
  return fft->batched ? init_batched(fft, err) : init_kiss(fft, err);
}

void lub_fft_free(lub_fft *fft) {
  free(fft->tables);
  kiss_fft_free(fft->kiss);
  *fft = (lub_fft){0};
}

int64_t lub_fft_frame_work(const lub_fft *fft) { return fft->batched ? 0 : 4 * fft->n_fft; }

void lub_fft_frame(const lub_fft *fft, const float *x, float *work, float *z, int lanes, int lane) {
  int64_t n = fft->n_fft, points = n % 2 == 0 ? fft->half : fft->bins;
  kiss_fft_cpx *out = (kiss_fft_cpx *)(void *)work;
  if (n % 2 == 0) {
    kiss_fft(fft->kiss, (const kiss_fft_cpx *)(const void *)x, out); /* pairs of samples are the complex numbers */
  } else {
    kiss_fft_cpx *in = out + n;
    for (int64_t i = 0; i < n; i++) in[i] = (kiss_fft_cpx){x[i], 0};
    kiss_fft(fft->kiss, in, out);
  }
  for (int64_t k = 0; k < points; k++) {
    z[2 * k * lanes + lane] = out[k].r;
    z[(2 * k + 1) * lanes + lane] = out[k].i;
  }
}
