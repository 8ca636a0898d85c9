/* kernels.h - the hot loops of features, compiled once per variant (base/simd.h).
 *
 * One lane is one frame: `lanes` neighbouring frames go through every step together, as a block.
 * A block's spectrum is [bin][lane] (power) or [bin][re, im][lane]; its mel bands are [band][lane].
 * What a lane computes does not depend on the other lanes or on how many there are. All block
 * pointers are aligned to LUB_ALIGN. */
#ifndef LUB_FEATURE_KERNELS_H
#define LUB_FEATURE_KERNELS_H

#include "base/cpu.h"
#include "feature/dct.h"
#include "feature/fft.h"
#include "feature/mel.h"
#include "feature/wide.h"

#define LUB_MAX_LANES 16
#define LUB_EXTREMES 32

typedef struct lub_feature_kernels {
  int lanes;

  /* Whether all n numbers are finite. */
  bool (*finite)(const float *x, int64_t n);

  /* t[phase * stride + column] = rows[column][phase]; stride is a multiple of 4, and rows has as many
   * pointers, each to `phases` numbers. */
  void (*transpose)(float *t, int64_t stride, const float *const *rows, int64_t phases);

  /* The real FFT of a block of frames (fft.h; sizes that lub_fft_batched accepts). Sample j of the frame in lane l
   * is t[offset[j] + l] * window[j]. `window` holds half of the true window. work: 2 * n_fft * lanes floats. */
  void (*fft_power)(const lub_fft *fft, const float *t, const int32_t *offset, const float *window, float *work,
                    float *power);
  void (*fft_complex)(const lub_fft *fft, const float *t, const int32_t *offset, const float *window, float *work,
                      float *spectrum);

  /* From the complex FFT z, [n_fft / 2][re, im][lane], of samples (2i) + i (2i + 1), halved, to the spectrum. */
  void (*split_power)(const lub_fft *fft, const float *z, float *power);
  void (*split_complex)(const lub_fft *fft, const float *z, float *spectrum);

  /* power[i] = z[2 i]^2 + z[2 i + 1]^2, lane by lane, for `bins` bins. */
  void (*power)(const float *z, int64_t bins, float *power);
  /* x = sqrt(x) */
  void (*root)(float *x, int64_t bins);

  /* out[band] = sum over the band's bins of weight * power[bin], in an order that depends on the band alone. */
  void (*mel)(const lub_mel *mel, const float *power, float *out);

  /* x = 10 log10(max(x, 1e-10)) for `bands` bands; highest[lane] = the largest. */
  void (*decibel)(float *x, int64_t bands, float *highest);

  /* out[k][lane] = sum over bands of basis[k][band] * max(x[band][lane], floor); work: (2 * terms + 1) * lanes. */
  void (*dct)(const lub_dct *dct, const float *x, float floor, float *work, float *out);

  /* |X|, or |X|^2 if squared, [bin][lane], of one frame of wide->n samples per lane; double work[lub_wide_work]. */
  void (*wide_spectrum)(const lub_wide *wide, const float *const *frame, bool squared, double *work, float *out);

  /* One number per lane from the magnitudes x, [bin][lane], of bins at hz: spectral.h. */
  void (*centroid)(const double *hz, const float *x, int64_t bins, float *out);
  void (*bandwidth)(const double *hz, const float *x, int64_t bins, double p, bool norm, float *out);
  void (*rolloff)(const double *hz, const float *x, int64_t bins, double share, float *out);
  /* The energy of both halves of the spectrum, of even or odd n_fft: the sum of squares, all bins but the first (and,
   * if even, the last) counted twice. */
  void (*energy)(const float *x, int64_t bins, bool even, float *out);

  /* The means of the `count` lowest and highest of the magnitudes x, count <= LUB_EXTREMES and <= bins. */
  void (*extremes)(const float *x, int64_t bins, int64_t count, float *lowest, float *highest);

  /* Of n samples: the sum of their squares; how often neighbours differ in sign, where what is within the
   * threshold counts as zero, and zero as positive if zero_pos, else as a sign of its own. */
  double (*sum_squares)(const float *x, int64_t n);
  int64_t (*crossings)(const float *x, int64_t n, double threshold, bool zero_pos);
} lub_feature_kernels;

extern const lub_feature_kernels lub_feature_plain, lub_feature_avx2, lub_feature_avx512;

/* The kernels of the chosen variant. */
const lub_feature_kernels *lub_feature_table(void);

#endif
