#include "feature/spectral.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

double *lub_bin_frequencies(double sr, int64_t n_fft, int64_t bins) {
  double *hz = lub_alloc(sizeof(double) * (size_t)bins);
  for (int64_t k = 0; hz && k < bins; k++) hz[k] = (double)k * (sr / (double)n_fft);
  return hz;
}

/* === contrast === */

lub_status lub_octaves_new(lub_octave **octaves, int64_t bands, double fmin, double quantile, double sr, int64_t n_fft,
                           lub_error *err) {
  int64_t bins = n_fft / 2 + 1;
  double *hz = lub_bin_frequencies(sr, n_fft, bins);
  lub_octave *list = *octaves = lub_calloc((size_t)bands + 1, sizeof *list);
  lub_status status = hz && list ? LUB_OK : lub_nomem(err, "SpectralContrast", 8.0 * (double)bins);
  for (int64_t b = 0; status == LUB_OK && b <= bands; b++) {
    double low = b == 0 ? 0 : fmin * pow(2, (double)(b - 1)), high = fmin * pow(2, (double)b);
    int64_t first = 0, last;
    while (first < bins && hz[first] < low) first++;
    for (last = first; last < bins && hz[last] <= high;) last++;
    bool empty = first == last;
    /* as librosa has it: each octave begins a bin early, and its last bin is the next one's */
    if (b > 0) first--;
    if (b == bands) last = bins;
    list[b] = (lub_octave){.first = first, .last = b < bands ? last - 1 : last};
    list[b].count = (int64_t)rint(quantile * (double)(last - first));
    if (list[b].count < 1) list[b].count = 1;
    if (list[b].count > list[b].last - first) list[b].count = list[b].last - first;
    if (empty || list[b].count < 1)
      status = lub_fail(err, LUB_EARG, "SpectralContrast: no bin of n_fft (%lld) lies between %g and %g Hz; %s",
                        (long long)n_fft, low, high, low >= sr / 2 ? "give fewer n_bands" : "give a larger n_fft");
  }
  free(hz);
  if (status != LUB_OK) {
    free(list);
    *octaves = NULL;
  }
  return status;
}

/* Puts the `count` lowest numbers to the front (Hoare's selection). */
static void select_lowest(float *x, int64_t n, int64_t count) {
  int64_t low = 0, high = n - 1, last = count - 1;
  while (low < high) {
    float pivot = x[low + (high - low) / 2];
    int64_t i = low, j = high;
    while (i <= j) {
      while (x[i] < pivot) i++;
      while (x[j] > pivot) j--;
      if (i > j) break;
      float other = x[i];
      x[i++] = x[j];
      x[j--] = other;
    }
    if (last <= j) high = j;
    else if (last >= i) low = i;
    else return;
  }
}

static float mean(const float *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return (float)(sum / (double)n);
}

void lub_extremes(float *x, int64_t n, int64_t count, float *lowest, float *highest) {
  select_lowest(x, n, count);
  *lowest = mean(x, count);
  select_lowest(x, n, n - count);
  *highest = mean(x + n - count, count);
}

/* === chroma === */

/* How many classes hz lies above 27.5 Hz, tuned. */
static double class_of(double hz, const lub_chroma_options *o) {
  double a440 = 440.0 * pow(2.0, o->tuning / (double)o->n_chroma);
  return (double)o->n_chroma * log2(hz / (a440 / 16));
}

/* The weights of one bin that lies at `at` and is `width` classes wide. */
static void put_column(lub_mel *filters, int64_t k, double at, double width, const lub_chroma_options *o, double *w) {
  double classes = (double)o->n_chroma, half = rint(classes / 2), length = 0;
  for (int64_t c = 0; c < o->n_chroma; c++) {
    double shifted = fmod(at - (double)c + half + 10 * classes, classes);
    if (shifted < 0) shifted += classes;
    double distance = 2 * (shifted - half) / width;
    w[c] = exp(-0.5 * distance * distance);
    length += w[c] * w[c];
  }
  length = sqrt(length);
  double factor = length < 2.2250738585072014e-308 ? 1 : 1 / length;
  if (!isnan(o->octwidth)) {
    double octaves = (at / classes - o->ctroct) / o->octwidth;
    factor *= exp(-0.5 * octaves * octaves);
  }
  int64_t turn = o->base_c ? 3 * (o->n_chroma / 12) : 0;
  for (int64_t c = 0; c < o->n_chroma; c++) {
    int64_t row = (c + o->n_chroma - turn % o->n_chroma) % o->n_chroma;
    filters->weights[row * filters->bins + k] = (float)(w[c] * factor);
  }
}

lub_status lub_chroma_init(lub_mel *filters, const lub_chroma_options *options, double sr, int64_t n_fft,
                           lub_error *err) {
  int64_t rows = options->n_chroma, bins = n_fft / 2 + 1;
  *filters = (lub_mel){.bands = rows, .bins = bins};
  filters->first = lub_calloc((size_t)rows, sizeof(int64_t));
  filters->last = lub_calloc((size_t)rows, sizeof(int64_t));
  filters->weights = lub_calloc((size_t)rows * (size_t)bins, sizeof(float));
  double *column = lub_calloc((size_t)rows, sizeof(double));
  if (!filters->first || !filters->last || !filters->weights || !column) {
    free(column);
    return lub_nomem(err, "chroma filters", 4.0 * (double)(rows * bins));
  }
  for (int64_t c = 0; c < rows; c++) filters->last[c] = bins;
  double step = sr / (double)n_fft;
  for (int64_t k = 0; k < bins; k++) {
    /* the bin at 0 Hz is put 1.5 octaves below the next one; the last of all n_fft bins is one class wide */
    double at = k > 0 ? class_of((double)k * step, options) : class_of(step, options) - 1.5 * (double)rows;
    double next = class_of((double)(k + 1) * step, options);
    double width = k < n_fft - 1 ? fmax(next - at, 1) : 1;
    put_column(filters, k, at, width, options, column);
  }
  free(column);
  return LUB_OK;
}
