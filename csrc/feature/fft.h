/* fft.h - tables for the real FFT of many frames at once.
 *
 * A real signal of even length N is packed into N/2 complex numbers, x[2i] + i x[2i+1]; their FFT Z gives
 *   X[k] = E + w O,  X[N/2 - k] = conj(E - w O),  w = exp(-2 pi i k / N),
 *   E = (Z[k] + conj Z[N/2 - k]) / 2,  O = (Z[k] - conj Z[N/2 - k]) / 2i.
 * The halves are folded into the window, which is why kernels take half of it.
 *
 * Powers of two take the batched path: Stockham passes (self-sorting, decimation in frequency) of radix up to
 * 32, each done as a product of two small transforms whose middle stays in the L1 cache; the first pass reads
 * windowed samples, the last one splits and squares. So a block travels through memory twice for n_fft up to
 * 2048, not once per radix-4 step. All other lengths go through kissfft, frame by frame: N/2 complex points where
 * N is even, N where it is odd. */
#ifndef LUB_FEATURE_FFT_H
#define LUB_FEATURE_FFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LUB_FFT_PASSES 8

/* One pass over `half` points: butterflies of `radix` points, `n` points being one transform still to do, `stride` of
 * them interleaved. twiddle[p][j] = exp(-2 pi i p j / n), p < n / radix, j < radix, as pairs; NULL in the last pass.
 * inner[b][a] = exp(-2 pi i a b / radix), b < radix / 4, a < 4, as pairs, where radix is 16 or 32. */
typedef struct lub_fft_pass {
  int radix;
  int64_t n, stride;
  const float *twiddle, *inner;
} lub_fft_pass;

typedef struct lub_fft {
  int64_t n_fft, half, bins; /* bins = n_fft / 2 + 1, rounded down */
  bool batched;
  int passes;
  lub_fft_pass pass[LUB_FFT_PASSES];
  const float *split; /* exp(-2 pi i k / n_fft), k <= half / 2, as pairs */
  void *kiss;         /* kiss_fft_cfg where not batched */
  float *tables;      /* owns twiddle, inner and split */
} lub_fft;

/* Whether the batched path serves n_fft: powers of two from 8 on. */
bool lub_fft_batched(int64_t n_fft);

/* Prepares tables for n_fft >= 1. Give them back with lub_fft_free, also after a failure. */
lub_status lub_fft_init(lub_fft *fft, int64_t n_fft, lub_error *err);
void lub_fft_free(lub_fft *fft);

/* How many floats of work lub_fft_frame needs. */
int64_t lub_fft_frame_work(const lub_fft *fft);

/* The kissfft path for the frame in one lane: `x` holds n_fft windowed samples (times one half where n_fft is even).
 * Even n_fft: puts Z into z[half][re, im][lanes] for a split kernel. Odd: puts the spectrum into z[bins][re,
 * im][lanes]. */
void lub_fft_frame(const lub_fft *fft, const float *x, float *work, float *z, int lanes, int lane);

#endif
