/* plan.h - feature plans: made once from options, run on many signals (run.h) or on live sound (stream.h).
 *
 * A plan is immutable, so that any number of threads may share it. The options are librosa's, and so are the results:
 *   STFT              (n_fft / 2 + 1, frames, 2)  re, im
 *   MelSpectrogram    (n_mels, frames)            |STFT|^power through the mel filters
 *   MFCC              (n_mfcc, frames)            DCT of 10 log10(max(1e-10, mel)), floored at its maximum - top_db
 *   RMS               (1, frames)                 root of the mean square
 *   ZeroCrossingRate  (1, frames)                 share of neighbours that differ in sign
 *   SpectralCentroid, SpectralBandwidth, SpectralRolloff
 *                     (1, frames)                 Hz; spectral.h
 *   SpectralContrast  (n_bands + 1, frames)       dB, peaks and valleys each floored 80 dB below their highest; or
 *                                                 plain differences if linear
 *   ChromaSTFT        (n_chroma, frames)          |STFT|^2 through the chroma filters, each frame normalized
 * float32 throughout; windows, filters and DCT are computed in double and rounded once. Spectra are transformed in
 * double where bins of hardly any energy count: for all but STFT, MelSpectrogram and MFCC with a floor (wide.h). */
#ifndef LUB_FEATURE_PLAN_H
#define LUB_FEATURE_PLAN_H

#include "base/options.h"
#include "base/shape.h"
#include "feature/frame.h"
#include "feature/mel.h"
#include "feature/window.h"

typedef enum lub_plan_kind {
  LUB_PLAN_STFT,
  LUB_PLAN_MELSPECTROGRAM,
  LUB_PLAN_MFCC,
  LUB_PLAN_RMS,
  LUB_PLAN_ZERO_CROSSING_RATE,
  LUB_PLAN_SPECTRAL_CENTROID,
  LUB_PLAN_SPECTRAL_BANDWIDTH,
  LUB_PLAN_SPECTRAL_ROLLOFF,
  LUB_PLAN_SPECTRAL_CONTRAST,
  LUB_PLAN_CHROMA_STFT,
  LUB_PLAN_KINDS
} lub_plan_kind;

/* A p-norm: none at all, or p >= 0, which may be infinite. */
typedef struct lub_norm {
  bool none;
  double p;
} lub_norm;

typedef struct lub_plan_options {
  double sr; /* Hz */
  /* frames */
  int64_t n_fft;      /* any length >= 1; powers of two from 8 on are fastest. RMS, ZeroCrossingRate: frame_length */
  int64_t hop_length; /* LUB_NONE_INT: win_length / 4 (STFT) */
  int64_t win_length; /* LUB_NONE_INT: n_fft */
  lub_window window;
  double window_parameter;
  bool center;
  int pad_mode; /* lub_pad_mode */
  /* MelSpectrogram, MFCC */
  double power;
  int64_t n_mels;
  double fmin, fmax; /* fmax: NAN is sr / 2 */
  bool htk;
  lub_mel_norm mel_norm;
  double mel_norm_p;
  int64_t n_mfcc;
  int64_t dct_type; /* 2 or 3 */
  int norm;         /* of the DCT: 0 "ortho", LUB_NONE_CHOICE none */
  double lifter;    /* 0: none */
  double top_db;    /* NAN: no floor */
  /* ZeroCrossingRate */
  double threshold;
  bool zero_pos;
  /* SpectralBandwidth, SpectralRolloff, SpectralContrast */
  double p;
  bool spectrum_norm;
  double roll_percent;
  double contrast_fmin;
  int64_t n_bands;
  double quantile;
  bool linear;
  /* ChromaSTFT */
  int64_t n_chroma;
  double tuning, ctroct, octwidth; /* octwidth: NAN weighs all octaves alike */
  bool base_c;
  lub_norm chroma_norm;
} lub_plan_options;

/* The options that each kind takes, with librosa's defaults; not in them are window, mel_norm and ChromaSTFT's norm,
 * because these may be a name, a number or an array. */
extern const lub_option *const lub_plan_tables[LUB_PLAN_KINDS];
extern const char *const lub_plan_names[LUB_PLAN_KINDS];

/* Which of those a kind takes. */
bool lub_plan_has_window(lub_plan_kind kind);
bool lub_plan_has_mel(lub_plan_kind kind);

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

/* Floats in the result of one frame. */
int64_t lub_plan_rows(const lub_plan *plan);

/* librosa's S: most features can start from a spectrogram of (rows, frames) that is there already. The number of rows
 * that it must have; 0 for the kinds that take none. It holds |STFT|^power for MelSpectrogram, dB of mel bands for
 * MFCC, |STFT|^2 for ChromaSTFT, |STFT| for the others. */
int64_t lub_plan_spectrum_rows(const lub_plan *plan);

#endif
