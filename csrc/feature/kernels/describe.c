/* describe.c - a few numbers for each of VL magnitude spectra, lane by lane; see feature/spectral.h. */
#include <math.h>

#include "feature/kernels/block.h"

/* The sum of each lane's magnitudes; 1 where that is nothing. */
static void totals(const float *x, int64_t bins, double *total) {
  double sum[VL] = {0};
  for (int64_t k = 0; k < bins; k++)
    for (int l = 0; l < VL; l++) sum[l] += (double)x[k * VL + l];
  for (int l = 0; l < VL; l++) total[l] = sum[l] < 1.17549435e-38 ? 1 : sum[l];
}

static void centroids(const double *hz, const float *x, int64_t bins, const double *total, double *centroid) {
  double sum[VL] = {0};
  for (int64_t k = 0; k < bins; k++)
    for (int l = 0; l < VL; l++) sum[l] += hz[k] * (double)x[k * VL + l];
  for (int l = 0; l < VL; l++) centroid[l] = sum[l] / total[l];
}

void LUB_VARIANT(lub_centroid)(const double *hz, const float *x, int64_t bins, float *out) {
  double total[VL], centroid[VL];
  totals(x, bins, total);
  centroids(hz, x, bins, total, centroid);
  for (int l = 0; l < VL; l++) out[l] = (float)centroid[l];
}

void LUB_VARIANT(lub_bandwidth)(const double *hz, const float *x, int64_t bins, double p, bool norm, float *out) {
  double total[VL], centroid[VL], sum[VL] = {0};
  totals(x, bins, total);
  centroids(hz, x, bins, total, centroid);
  for (int64_t k = 0; k < bins; k++)
    if (p == 2) {
      for (int l = 0; l < VL; l++) {
        double d = hz[k] - centroid[l];
        sum[l] += (double)x[k * VL + l] * (d * d);
      }
    } else {
      for (int l = 0; l < VL; l++) sum[l] += (double)x[k * VL + l] * pow(fabs(hz[k] - centroid[l]), p);
    }
  for (int l = 0; l < VL; l++) {
    double moment = norm ? sum[l] / total[l] : sum[l];
    out[l] = (float)(p == 2 ? sqrt(moment) : pow(moment, 1 / p));
  }
}

void LUB_VARIANT(lub_rolloff)(const double *hz, const float *x, int64_t bins, double share, float *out) {
  vf sum = {0}, below = {0};
  const vf one = vf_all(1), zero = {0};
  for (int64_t k = 0; k < bins; k++) sum += vf_load(x + k * VL);
  const vf threshold = sum * vf_all((float)share);
  sum = zero;
  for (int64_t k = 0; k < bins; k++) {
    sum += vf_load(x + k * VL);
    below += vf_select((vi)(sum < threshold), one, zero);
  }
  for (int l = 0; l < VL; l++) out[l] = (float)hz[(int64_t)below[l]];
}

void LUB_VARIANT(lub_energy)(const float *x, int64_t bins, bool even, float *out) {
  double sum[VL] = {0};
  for (int64_t k = 0; k < bins; k++) {
    double weight = k == 0 || (even && k == bins - 1) ? 1 : 2;
    for (int l = 0; l < VL; l++) sum[l] += weight * ((double)x[k * VL + l] * (double)x[k * VL + l]);
  }
  for (int l = 0; l < VL; l++) out[l] = (float)sum[l];
}

/* Each new value sinks through the sorted list of the lowest ones, and rises through that of the highest. */
void LUB_VARIANT(lub_extremes)(const float *x, int64_t bins, int64_t count, float *lowest, float *highest) {
  vf low[LUB_EXTREMES], high[LUB_EXTREMES];
  for (int64_t i = 0; i < count; i++) low[i] = vf_all(__builtin_inff()), high[i] = vf_all(-1);
  for (int64_t k = 0; k < bins; k++) {
    vf falls = vf_load(x + k * VL), rises = falls;
    for (int64_t i = 0; i < count; i++) {
      vf kept = vf_min(low[i], falls);
      falls = vf_max(low[i], falls);
      low[i] = kept;
      kept = vf_max(high[i], rises);
      rises = vf_min(high[i], rises);
      high[i] = kept;
    }
  }
  for (int l = 0; l < VL; l++) {
    double bottom = 0, top = 0;
    for (int64_t i = 0; i < count; i++) bottom += (double)low[i][l], top += (double)high[count - 1 - i][l];
    lowest[l] = (float)(bottom / (double)count);
    highest[l] = (float)(top / (double)count);
  }
}

double LUB_VARIANT(lub_sum_squares)(const float *x, int64_t n) {
  double sum[16] = {0}; /* of every sixteenth sample, whatever VL is */
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; l++) sum[l] += (double)x[i + l] * (double)x[i + l];
  for (int l = 0; i < n; i++, l++) sum[l] += (double)x[i] * (double)x[i];
  for (int width = 8; width > 0; width /= 2)
    for (int l = 0; l < width; l++) sum[l] += sum[l + width];
  return sum[0];
}

int64_t LUB_VARIANT(lub_crossings)(const float *x, int64_t n, double threshold, bool zero_pos) {
  int64_t count = 0;
  if (zero_pos) {
    for (int64_t i = 1; i < n; i++) count += ((double)x[i] < -threshold) != ((double)x[i - 1] < -threshold);
    return count;
  }
  int before = ((double)x[0] > threshold) - ((double)x[0] < -threshold);
  for (int64_t i = 1; i < n; i++) {
    int sign = ((double)x[i] > threshold) - ((double)x[i] < -threshold);
    count += sign != before;
    before = sign;
  }
  return count;
}
