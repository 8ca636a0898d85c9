#include "feature/mel.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static const double log_start = 1000.0; /* Hz, where Slaney's scale turns logarithmic */

static double hz_to_mel(double hz, bool htk) {
  if (htk) return 2595.0 * log10(1.0 + hz / 700.0);
  double linear = 200.0 / 3, step = log(6.4) / 27.0;
  return hz >= log_start ? log_start / linear + log(hz / log_start) / step : hz / linear;
}

static double mel_to_hz(double mel, bool htk) {
  if (htk) return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
  double linear = 200.0 / 3, step = log(6.4) / 27.0;
  return mel >= log_start / linear ? log_start * exp(step * (mel - log_start / linear)) : linear * mel;
}

/* The factor that brings the p-norm of one filter to 1; 1 for a filter without weights. */
static double norm_factor(const float *w, int64_t n, double p) {
  double length = 0;
  if (isinf(p)) {
    for (int64_t i = 0; i < n; i++) length = fmax(length, w[i]);
  } else if (p == 0) {
    for (int64_t i = 0; i < n; i++) length += w[i] > 0;
  } else {
    for (int64_t i = 0; i < n; i++) length += pow(w[i], p);
    length = pow(length, 1 / p);
  }
  return length < 1.17549435e-38 ? 1 : 1 / length;
}

lub_status lub_mel_init(lub_mel *mel, const lub_mel_options *options, double sr, int64_t n_fft, lub_error *err) {
  int64_t bands = options->n_mels, bins = n_fft / 2 + 1, used = 0;
  *mel = (lub_mel){.bands = bands, .bins = bins};
  mel->first = lub_calloc((size_t)bands, sizeof(int64_t));
  mel->last = lub_calloc((size_t)bands, sizeof(int64_t));
  double *corner = lub_calloc((size_t)bands + 2, sizeof(double));
  /* triangles overlap by half, so that no bin is in more than two; the corners' own bins weigh nothing */
  mel->weights = lub_calloc((size_t)(2 * bins), sizeof(float));
  if (!mel->first || !mel->last || !mel->weights || !corner) {
    free(corner);
    return lub_nomem(err, "mel filters", 8.0 * (double)(2 * bands + bins));
  }
  double low = hz_to_mel(options->fmin, options->htk), high = hz_to_mel(options->fmax, options->htk);
  for (int64_t m = 0; m < bands + 2; m++)
    corner[m] = mel_to_hz(m == bands + 1 ? high : low + (double)m * ((high - low) / (double)(bands + 1)), options->htk);
  for (int64_t m = 0; m < bands; m++) {
    double rise = corner[m + 1] - corner[m], fall = corner[m + 2] - corner[m + 1];
    float *weight = mel->weights + used;
    int64_t n = 0;
    for (int64_t k = 0; k < bins; k++) {
      double hz = (double)k * sr / (double)n_fft;
      float w = (float)fmin((hz - corner[m]) / rise, (corner[m + 2] - hz) / fall);
      if (w > 0) {
        if (n == 0) mel->first[m] = k;
        mel->last[m] = k + 1;
        weight[n++] = w;
      } else if (n > 0) {
        break;
      }
    }
    double factor = options->norm == LUB_MEL_NORM_SLANEY ? 2.0 / (corner[m + 2] - corner[m])
                    : options->norm == LUB_MEL_NORM_P    ? norm_factor(weight, n, options->p)
                                                         : 1;
    for (int64_t i = 0; i < n; i++) weight[i] = (float)(weight[i] * factor);
    if (n == 0 && corner[m] != 0) mel->empty++;
    used += n;
  }
  free(corner);
  return LUB_OK;
}

void lub_mel_free(lub_mel *mel) {
  free(mel->first);
  free(mel->last);
  free(mel->weights);
  *mel = (lub_mel){0};
}
