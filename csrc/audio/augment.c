#include "audio/augment.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "audio/stretch.h"
#include "base/memory.h"
#include "base/random.h"

const char *const lub_augmentation_names[LUB_AUGMENTATION_KINDS + 1] = {
    [LUB_ADD_NOISE] = "add_noise", [LUB_GAIN] = "gain", [LUB_TIME_SHIFT] = "time_shift",
    [LUB_TIME_STRETCH] = "time_stretch", [LUB_PITCH_SHIFT] = "pitch_shift"};

/* The draws of one augmentation of one signal. */
enum { DRAW_WHETHER, DRAW_AMOUNT, DRAW_NOISE };

struct lub_augmenter {
  lub_stretch stretch;
  float *work;
  int64_t capacity;
};

lub_status lub_augmenter_new(lub_augmenter **out, lub_error *err) {
  *out = lub_calloc(1, sizeof **out);
  return *out ? LUB_OK : lub_nomem(err, "augment", sizeof **out);
}

void lub_augmenter_free(lub_augmenter *a) {
  if (!a) return;
  lub_stretch_free(&a->stretch);
  free(a->work);
  free(a);
}

static lub_status make_room(lub_augmenter *a, int64_t count, lub_error *err) {
  if (count <= a->capacity) return LUB_OK;
  free(a->work);
  a->capacity = 0;
  a->work = lub_alloc(sizeof(float) * (size_t)count);
  if (!a->work) return lub_nomem(err, "augment", 4.0 * (double)count);
  a->capacity = count;
  return LUB_OK;
}

static double uniform(uint64_t key, int draw) { return (double)(lub_mix(key, (uint64_t)draw) >> 11) * 0x1p-53; }

static lub_status add_noise(lub_augmenter *a, double snr_db, float *y, int64_t n, uint64_t key, lub_error *err) {
  double power = 0;
  for (int64_t i = 0; i < n; i++) power += (double)y[i] * y[i];
  double deviation = sqrt(power / (double)n) * pow(10, -snr_db / 20);
  if (make_room(a, n, err) != LUB_OK) return err->status;
  lub_fill_normal(a->work, n, 0, deviation, lub_mix(key, DRAW_NOISE));
  for (int64_t i = 0; i < n; i++) y[i] += a->work[i];
  return LUB_OK;
}

/* Later by `shift` samples, -n < shift < n. */
static lub_status move(lub_augmenter *a, int64_t shift, bool wrap, float *y, int64_t n, lub_error *err) {
  int64_t gap = shift < 0 ? -shift : shift, rest = n - gap;
  if (gap == 0) return LUB_OK;
  size_t lost = sizeof(float) * (size_t)gap, kept = sizeof(float) * (size_t)rest;
  if (make_room(a, gap, err) != LUB_OK) return err->status;
  if (wrap) memcpy(a->work, shift > 0 ? y + rest : y, lost);
  else memset(a->work, 0, lost);
  memmove(shift > 0 ? y + gap : y, shift > 0 ? y : y + gap, kept);
  memcpy(shift > 0 ? y : y + rest, a->work, lost);
  return LUB_OK;
}

static lub_status stretch(lub_augmenter *a, const lub_augmentation *o, double amount, float *y, int64_t n, double sr,
                          lub_error *err) {
  bool shift = o->kind == LUB_PITCH_SHIFT;
  double rate = shift ? pow(2, -amount / 12) : amount;
  int64_t length = lub_stretched_length(n, rate), kept = length < n ? length : n;
  if (a->stretch.n_fft != o->n_fft) {
    lub_stretch_free(&a->stretch);
    if (lub_stretch_init(&a->stretch, o->n_fft, o->n_fft / 4, err) != LUB_OK) {
      lub_stretch_free(&a->stretch);
      return err->status;
    }
  }
  if (make_room(a, length, err) != LUB_OK) return err->status;
  lub_stretch_begin(&a->stretch, y, n, rate, a->work);
  while (!lub_stretch_advance(&a->stretch)) {}
  if (shift) return lub_unstretch(a->work, length, rate, sr, y, n, err);
  memcpy(y, a->work, sizeof(float) * (size_t)kept);
  memset(y + kept, 0, sizeof(float) * (size_t)(n - kept));
  return LUB_OK;
}

lub_status lub_augment(lub_augmenter *a, const lub_augmentation *o, float *y, int64_t n, double sr, uint64_t key,
                       lub_error *err) {
  if (uniform(key, DRAW_WHETHER) >= o->p) return LUB_OK;
  double amount = o->low + (o->high - o->low) * uniform(key, DRAW_AMOUNT);
  switch (o->kind) {
  case LUB_ADD_NOISE: return add_noise(a, amount, y, n, key, err);
  case LUB_GAIN: {
    float factor = (float)pow(10, amount / 20);
    for (int64_t i = 0; i < n; i++) y[i] *= factor;
    return LUB_OK;
  }
  case LUB_TIME_SHIFT: {
    double samples = rint(amount * sr), most = (double)(n - 1);
    return move(a, (int64_t)fmax(-most, fmin(most, samples)), o->wrap, y, n, err);
  }
  default: return stretch(a, o, amount, y, n, sr, err);
  }
}
