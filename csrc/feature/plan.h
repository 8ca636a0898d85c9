/* plan.h - feature plans: made once from options, run on many signals.
 *
 * A plan is immutable, so that any number of threads may share it; what a thread needs to run it is a lub_run. The
 * options are librosa's (librosa.feature.mfcc and .melspectrogram, librosa.stft), and so are the results:
 *   STFT             (n_fft / 2 + 1, frames, 2)   re, im
 *   MelSpectrogram   (n_mels, frames)             |STFT|^power through the mel filters
 *   MFCC             (n_mfcc, frames)             DCT of 10 log10(max(1e-10, mel)), floored at its maximum - top_db
 * float32 throughout; the window, filters and DCT are computed in double and rounded once. */
#ifndef LUB_FEATURE_PLAN_H
#define LUB_FEATURE_PLAN_H

#include "base/options.h"
#include "base/shape.h"
#include "feature/mel.h"
#include "feature/stft.h"
#include "feature/window.h"

typedef enum lub_plan_kind { LUB_PLAN_STFT, LUB_PLAN_MELSPECTROGRAM, LUB_PLAN_MFCC, LUB_PLAN_KINDS } lub_plan_kind;

typedef struct lub_plan_options {
  double sr; /* Hz */
  int64_t n_mfcc;
  int64_t n_fft;      /* any length >= 1; powers of two from 8 on are fastest */
  int64_t hop_length; /* LUB_NONE_INT: win_length / 4 (STFT) */
  int64_t win_length; /* LUB_NONE_INT: n_fft */
  lub_window window;
  double window_parameter;
  bool center;
  int pad_mode; /* lub_pad_mode */
  double power;
  int64_t n_mels;
  double fmin, fmax; /* fmax: NAN is sr / 2 */
  bool htk;
  lub_mel_norm mel_norm;
  double mel_norm_p;
  int64_t dct_type; /* 2 or 3 */
  int norm;         /* of the DCT: 0 "ortho", LUB_NONE_CHOICE none */
  double lifter;    /* 0: none */
  double top_db;    /* NAN: no floor */
} lub_plan_options;

/* The options that each kind takes, with librosa's defaults; window and mel_norm are not in them, because
 * they may be a name, a number or an array. */
extern const lub_option *const lub_plan_tables[LUB_PLAN_KINDS];
extern const char *const lub_plan_names[LUB_PLAN_KINDS];

typedef struct lub_plan lub_plan;

/* A new plan. `window` is NULL, or win_length numbers in place of the named window. Fails with LUB_EARG where the
 * options contradict each other. Free with lub_plan_free. */
lub_status lub_plan_new(lub_plan **out, lub_plan_kind kind, const lub_plan_options *options, const double *window,
                        lub_error *err);
void lub_plan_free(lub_plan *plan);

lub_plan_kind lub_plan_kind_of(const lub_plan *plan);
const lub_plan_options *lub_plan_options_of(const lub_plan *plan);
/* How many mel filters see no bin at all: their bands are constant. */
int64_t lub_plan_empty_filters(const lub_plan *plan);

/* The shape of the result for n samples; LUB_EARG where n is 0, or less than n_fft without centring. */
lub_status lub_plan_shape(const lub_plan *plan, int64_t n, lub_shape *shape, lub_error *err);

/* One thread's work on one plan, reusable; the plan must outlive it. */
typedef struct lub_run lub_run;
lub_status lub_run_new(lub_run **out, const lub_plan *plan, lub_error *err);
void lub_run_free(lub_run *run);

/* Begins with n samples y, which must stay until it is finished; out is row-major of lub_plan_shape's shape. Fails
 * with LUB_EARG where the shape fails or a sample is not finite. */
lub_status lub_run_begin(lub_run *run, const float *y, int64_t n, float *out, lub_error *err);
/* Works on a few hundred frames (about a millisecond); returns whether the result is complete. */
bool lub_run_advance(lub_run *run);

#endif
