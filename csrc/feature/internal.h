/* internal.h - what plans, runs and streams share. */
#ifndef LUB_FEATURE_INTERNAL_H
#define LUB_FEATURE_INTERNAL_H

#include "feature/dct.h"
#include "feature/kernels/kernels.h"
#include "feature/plan.h"
#include "feature/spectral.h"
#include "feature/stft.h"
#include "feature/wide.h"

struct lub_plan {
  lub_plan_kind kind;
  lub_plan_options options;
  const lub_feature_kernels *kernels;
  lub_framing framing;
  lub_stft stft; /* of STFT, MelSpectrogram, and MFCC with a floor of dB */
  lub_wide wide; /* of the others that need a spectrum */
  lub_mel mel;   /* ChromaSTFT: its filters */
  lub_dct dct;
  double *hz;
  lub_octave *octaves;
  int64_t bins;   /* n_fft / 2 + 1 */
  int64_t rows;   /* floats of one frame's result */
  int64_t middle; /* floats of a frame between the two steps of a kind that must first see the whole clip; 0: one step */
};

/* === the work on one block of frames (block.c) === */

typedef struct lub_block_work {
  const lub_plan *plan;
  lub_stft_work stft;
  float *spectrum; /* [bin][re, im][lane] */
  float *folded;   /* of the DCT */
  float *row;      /* one lane of an octave; one frame */
  float *frames;   /* one block of frames */
  double *wide;    /* of lub_wide */
} lub_block_work;

lub_status lub_block_work_init(lub_block_work *work, const lub_plan *plan, lub_error *err);
void lub_block_work_free(lub_block_work *work);

/* Where frames come from: a signal, or a spectrogram S (row-major, `frames` columns). */
typedef struct lub_source {
  lub_signal signal;
  const float *spectrogram; /* NULL: the signal */
  int64_t frames;
} lub_source;

/* The block of `lanes` frames from `first` on, of which `used` are wanted. out: [row][lane], of plan->middle rows where
 * there is such a step (dB that are to be floored), and highest[0], [1] rise to their largest values; else the
 * result, of plan->rows. */
void lub_block_analyse(lub_block_work *work, const lub_source *source, int64_t first, int64_t used, float *out,
                       float highest[2]);

/* The second step: from the middle to the result, [row][lane], with the floors that the highest values give. */
void lub_block_conclude(lub_block_work *work, const float *middle, const float highest[2], float *out);

#endif
