#include "audio/treatment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/hilbert.h"
#include "audio/spikes.h"
#include "base/memory.h"

#define SLICE 65536 /* samples of one filter pass per step */
#define SPIKES 64   /* per step */

const char *const lub_treatment_names[LUB_TREATMENT_KINDS + 1] = {
    [LUB_SOSFILT] = "sosfilt", [LUB_SOSFILTFILT] = "sosfiltfilt", [LUB_REMOVE_SPIKES] = "remove_spikes",
    [LUB_NORMALIZE] = "normalize", [LUB_ENVELOPE] = "envelope"};

#define FIELD(field) .name = #field, .offset = offsetof(lub_treatment, field)
static const lub_option sosfilt_table[] = {LUB_OPTIONS_END};
static const lub_option sosfiltfilt_table[] = {
    {FIELD(padtype), .type = LUB_OPTION_CHOICE, .choices = lub_extension_names, .nullable = true},
    {FIELD(padlen), .type = LUB_OPTION_INT, .nullable = true, .none = true, .min = 0, .max = INFINITY},
    LUB_OPTIONS_END};
static const lub_option spikes_table[] = {
    {FIELD(window), .type = LUB_OPTION_NUMBER, .fallback = 0.5, .min = 1e-3, .max = 3600},
    {FIELD(threshold), .type = LUB_OPTION_NUMBER, .fallback = 3, .min = 1, .max = INFINITY},
    LUB_OPTIONS_END};
static const char *const norm_names[] = {"peak", "rms", NULL};
static const lub_option normalize_table[] = {
    {FIELD(norm), .type = LUB_OPTION_CHOICE, .choices = norm_names},
    {FIELD(level), .type = LUB_OPTION_NUMBER, .fallback = 1, .min = 1e-9, .max = 1e9},
    LUB_OPTIONS_END};
static const char *const method_names[] = {"hilbert", "homomorphic", NULL};
static const lub_option envelope_table[] = {
    {FIELD(method), .type = LUB_OPTION_CHOICE, .choices = method_names},
    {FIELD(cutoff), .type = LUB_OPTION_NUMBER, .fallback = 8, .min = 1e-3, .max = INFINITY},
    LUB_OPTIONS_END};
const lub_option *const lub_treatment_tables[LUB_TREATMENT_KINDS] = {
    [LUB_SOSFILT] = sosfilt_table, [LUB_SOSFILTFILT] = sosfiltfilt_table, [LUB_REMOVE_SPIKES] = spikes_table,
    [LUB_NORMALIZE] = normalize_table, [LUB_ENVELOPE] = envelope_table};

struct lub_treater {
  const lub_treatment *treatment;
  float *x;
  int64_t n, at; /* at: samples that the passes in hand have done */
  double *wide;  /* the signal in double; for sosfiltfilt with `edge` more at both ends */
  int64_t capacity, edge;
  bool backward;
  lub_sos sos;
  lub_sos_state state;
  lub_spikes spikes;
  lub_hilbert *hilbert; /* kept for signals of the same length */
};

lub_status lub_treater_new(lub_treater **out, lub_error *err) {
  *out = lub_calloc(1, sizeof **out);
  return *out ? LUB_OK : lub_nomem(err, "signal", sizeof **out);
}

void lub_treater_free(lub_treater *t) {
  if (!t) return;
  lub_spikes_free(&t->spikes);
  lub_hilbert_free(t->hilbert);
  free(t->wide);
  free(t);
}

static lub_status make_room(lub_treater *t, int64_t count, lub_error *err) {
  if (count <= t->capacity) return LUB_OK;
  free(t->wide);
  t->capacity = 0;
  t->wide = lub_alloc(sizeof(double) * (size_t)count);
  if (!t->wide) return lub_nomem(err, lub_treatment_names[t->treatment->kind], 8.0 * (double)count);
  t->capacity = count;
  return LUB_OK;
}

/* === filters === */

static lub_status begin_filtfilt(lub_treater *t, int padtype, int64_t padlen, lub_error *err) {
  t->edge = padtype == LUB_NONE_CHOICE ? 0 : padlen == LUB_NONE_INT ? lub_sos_padlen(&t->sos) : padlen;
  if (t->n <= t->edge)
    return lub_fail(err, LUB_EARG,
                    "sosfiltfilt: the signal must be longer than padlen, which is %lld samples, and has %lld",
                    (long long)t->edge, (long long)t->n);
  if (make_room(t, t->n + 2 * t->edge, err) != LUB_OK) return err->status;
  lub_extend(t->x, t->n, t->edge, (lub_extension)padtype, t->wide);
  lub_sos_steady(&t->sos, t->wide[0], &t->state);
  return LUB_OK;
}

static bool advance_filtfilt(lub_treater *t) {
  int64_t total = t->n + 2 * t->edge, count = total - t->at < SLICE ? total - t->at : SLICE;
  double *last = t->wide + total - 1;
  if (t->backward) lub_sos_run(&t->sos, &t->state, last - t->at, count, -1);
  else lub_sos_run(&t->sos, &t->state, t->wide + t->at, count, 1);
  t->at += count;
  if (t->at < total) return false;
  t->at = 0;
  if (!t->backward) {
    t->backward = true;
    lub_sos_steady(&t->sos, *last, &t->state);
    return false;
  }
  for (int64_t i = 0; i < t->n; i++) t->x[i] = (float)t->wide[t->edge + i];
  return true;
}

static bool advance_filt(lub_treater *t) {
  int64_t count = t->n - t->at < SLICE ? t->n - t->at : SLICE;
  float *x = t->x + t->at;
  for (int64_t i = 0; i < count; i++) t->wide[i] = x[i];
  lub_sos_run(&t->sos, &t->state, t->wide, count, 1);
  for (int64_t i = 0; i < count; i++) x[i] = (float)t->wide[i];
  t->at += count;
  return t->at == t->n;
}

/* === level === */

static void normalize(const lub_treatment *o, float *x, int64_t n) {
  double peak = 0, square = 0;
  for (int64_t i = 0; i < n; i++) peak = fmax(peak, fabs((double)x[i]));
  for (int64_t i = 0; i < n; i++) square += (double)x[i] * x[i];
  double now = o->norm == 0 ? peak : sqrt(square / (double)n);
  if (now == 0) return;
  for (int64_t i = 0; i < n; i++) x[i] = (float)(x[i] * (o->level / now));
}

/* === envelope === */

static lub_status hilbert(lub_treater *t, lub_error *err) {
  if (t->hilbert && lub_hilbert_samples(t->hilbert) != t->n) {
    lub_hilbert_free(t->hilbert);
    t->hilbert = NULL;
  }
  if (!t->hilbert && lub_hilbert_new(&t->hilbert, t->n, err) != LUB_OK) return err->status;
  lub_hilbert_envelope(t->hilbert, t->x);
  return LUB_OK;
}

/* Silence has no logarithm: nothing counts as less than 1e-10 times the largest value. */
static lub_status begin_homomorphic(lub_treater *t, lub_error *err) {
  const lub_treatment *o = t->treatment;
  if (lub_butter(&t->sos, 1, LUB_LOWPASS, o->cutoff, 0, o->sr, err) != LUB_OK) return err->status;
  float largest = 0;
  for (int64_t i = 0; i < t->n; i++) largest = fmaxf(largest, t->x[i]);
  double least = largest > 0 ? 1e-10 * (double)largest : 1e-300;
  for (int64_t i = 0; i < t->n; i++) t->x[i] = (float)log(fmax(t->x[i], least));
  return begin_filtfilt(t, LUB_EXTEND_ODD, LUB_NONE_INT, err);
}

static lub_status advance_envelope(lub_treater *t, bool *finished, lub_error *err) {
  if (t->edge < 0) { /* not begun */
    t->edge = 0;
    if (hilbert(t, err) != LUB_OK) return err->status;
    *finished = t->treatment->method == 0;
    return *finished ? LUB_OK : begin_homomorphic(t, err);
  }
  *finished = advance_filtfilt(t);
  for (int64_t i = 0; *finished && i < t->n; i++) t->x[i] = (float)exp((double)t->x[i]);
  return LUB_OK;
}

/* === runs === */

lub_status lub_treater_begin(lub_treater *t, const lub_treatment *treatment, float *x, int64_t n, lub_error *err) {
  const char *name = lub_treatment_names[treatment->kind];
  t->treatment = treatment, t->x = x, t->n = n, t->at = 0, t->backward = false;
  t->sos = treatment->sos;
  t->state = treatment->zi ? *treatment->zi : (lub_sos_state){0};
  t->edge = -1;
  if (n < 1) return lub_fail(err, LUB_EARG, "%s: the signal is empty", name);
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(x[i]))
      return lub_fail(err, LUB_EARG, "%s: sample %lld is not finite (%g)", name, (long long)i + 1, (double)x[i]);
  switch (treatment->kind) {
  case LUB_SOSFILT: return make_room(t, SLICE, err);
  case LUB_SOSFILTFILT: return begin_filtfilt(t, treatment->padtype, treatment->padlen, err);
  case LUB_REMOVE_SPIKES: {
    double window = floor(treatment->window * treatment->sr + 0.5);
    return lub_spikes_begin(&t->spikes, x, n, window < 1 ? 1 : (int64_t)window, treatment->threshold, err);
  }
  default: return LUB_OK;
  }
}

lub_status lub_treater_advance(lub_treater *t, bool *finished, lub_error *err) {
  *finished = true;
  switch (t->treatment->kind) {
  case LUB_SOSFILT: *finished = advance_filt(t); break;
  case LUB_SOSFILTFILT: *finished = advance_filtfilt(t); break;
  case LUB_REMOVE_SPIKES: *finished = lub_spikes_advance(&t->spikes, SPIKES); break;
  case LUB_NORMALIZE: normalize(t->treatment, t->x, t->n); break;
  default: return advance_envelope(t, finished, err);
  }
  return LUB_OK;
}

const lub_sos_state *lub_treater_state(const lub_treater *t) { return &t->state; }
