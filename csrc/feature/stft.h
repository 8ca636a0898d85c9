/* stft.h - the short-time Fourier transform of a signal, one block of frames (frame.h) at a time; librosa.stft.
 *
 * A window shorter than n_fft sits in its middle. */
#ifndef LUB_FEATURE_STFT_H
#define LUB_FEATURE_STFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "feature/fft.h"
#include "feature/frame.h"

typedef struct lub_feature_kernels lub_feature_kernels;

typedef struct lub_stft {
  const lub_feature_kernels *kernels;
  lub_fft fft;
  lub_framing framing;
  /* A block of frames sees its samples as columns, hop samples apart, of `phases` samples each:
   * sample j of lane l is row (j mod hop), column l + j / hop. */
  int64_t phases, columns, stride;
  int32_t *offset; /* of sample j of lane 0 in the transposed block */
  float *window;   /* n_fft; halved where n_fft is even (fft.h) */
} lub_stft;

/* What one thread needs to run blocks. */
typedef struct lub_stft_work {
  const float **rows; /* the columns of the block at hand, in the signal or in `edge` */
  float *edge;        /* columns that touch the padding */
  float *zeros;       /* one column of silence */
  float *transposed, *fft, *frame;
  void *memory;
} lub_stft_work;

/* Frames of framing->length points; win_length is from 1 to that, and window has so many numbers. Free with
 * lub_stft_free, also after a failure. */
lub_status lub_stft_init(lub_stft *stft, const lub_framing *framing, int64_t win_length, const double *window,
                         lub_error *err);
void lub_stft_free(lub_stft *stft);

lub_status lub_stft_work_init(lub_stft_work *work, const lub_stft *stft, lub_error *err);
void lub_stft_work_free(lub_stft_work *work);

/* The block of `lanes` frames from frame `first` on (first may be any multiple of lanes; what lies after
 * the last frame is not defined but finite). out, aligned: power [bins][lane], or spectrum [bins][re, im][lane]. */
void lub_stft_power(const lub_stft *stft, lub_stft_work *work, const lub_signal *signal, int64_t first, float *out);
void lub_stft_complex(const lub_stft *stft, lub_stft_work *work, const lub_signal *signal, int64_t first,
                      float *out);

#endif
