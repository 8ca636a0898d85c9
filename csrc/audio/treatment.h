/* treatment.h - what is done to a whole signal before its features: one kind of step, its options, and its run in
 * slices.
 *
 *   sosfilt        second-order sections, from rest                          scipy.signal.sosfilt
 *   sosfiltfilt    the same forth and back, without a shift in time          scipy.signal.sosfiltfilt
 *   remove_spikes  spikes.h
 *   normalize      a signal whose peak (largest absolute value), or root mean square, is `level`; silence stays as it
 *                  is
 *   envelope       "hilbert": the absolute value of the analytic signal (abs of scipy.signal.hilbert);
 *                  "homomorphic": exp of the logarithm of that, low-passed forth and back by a Butterworth filter of
 *                  order 1 at `cutoff` Hz (Gupta et al. 2007, as used for heart sounds by Springer et al. 2016)
 *
 * None changes the number of samples. Signals are float, everything in between is double. */
#ifndef LUB_AUDIO_TREATMENT_H
#define LUB_AUDIO_TREATMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/filter.h"
#include "base/options.h"

typedef enum lub_treatment_kind {
  LUB_SOSFILT,
  LUB_SOSFILTFILT,
  LUB_REMOVE_SPIKES,
  LUB_NORMALIZE,
  LUB_ENVELOPE,
  LUB_TREATMENT_KINDS
} lub_treatment_kind;

/* The names above; NULL at the end. */
extern const char *const lub_treatment_names[LUB_TREATMENT_KINDS + 1];

typedef struct lub_treatment {
  int kind;
  double sr;        /* of the signal; 0: not known, where no option is in seconds or Hz */
  lub_sos sos;      /* sosfilt, sosfiltfilt */
  const lub_sos_state *zi; /* sosfilt: where it begins; NULL: at rest */
  int padtype;      /* lub_extension; LUB_NONE_CHOICE: no extension */
  int64_t padlen;   /* LUB_NONE_INT: lub_sos_padlen */
  double window;    /* remove_spikes: seconds */
  double threshold;
  int norm;         /* normalize: 0 peak, 1 rms */
  double level;
  int method;       /* envelope: 0 hilbert, 1 homomorphic */
  double cutoff;    /* Hz */
} lub_treatment;

/* The options of each kind, with their defaults; `sos` and `sr` are not in them. */
extern const lub_option *const lub_treatment_tables[LUB_TREATMENT_KINDS];

/* One thread's work, reusable. Free with lub_treater_free. */
typedef struct lub_treater lub_treater;
lub_status lub_treater_new(lub_treater **out, lub_error *err);
void lub_treater_free(lub_treater *treater);

/* Begins with n samples x, which will be changed in place; `treatment` must stay until it is finished. Fails with
 * LUB_EARG on an empty signal, a sample that is not finite, or where sosfiltfilt has not more samples than padlen. */
lub_status lub_treater_begin(lub_treater *treater, const lub_treatment *treatment, float *x, int64_t n, lub_error *err);
/* Works for some 10 ms (an envelope: on the whole signal at once, about a second for ten million samples); *finished
 * tells the end. */
lub_status lub_treater_advance(lub_treater *treater, bool *finished, lub_error *err);
/* Where sosfilt has left its sections: `zi` of the samples that follow. */
const lub_sos_state *lub_treater_state(const lub_treater *treater);

#endif
