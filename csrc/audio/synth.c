/* What a recording is made of: the draws for patient, stethoscope and recording, and the rhythm. Loudness is
 * relative to an ordinary S1, whose peak is about 1. */
#include "audio/synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/synth_parts.h"
#include "base/memory.h"

const char *const lub_heart_labels[] = {"artifact", "extrahls", "extrastole", "murmur", "normal", NULL};

#define FIELD(name) offsetof(lub_heart_options, name)
const lub_option lub_heart_table[] = {
    {.name = "label", .type = LUB_OPTION_CHOICE, .offset = FIELD(label), .fallback = LUB_HEART_NORMAL,
     .choices = lub_heart_labels},
    {.name = "seed", .alias = "random_state", .type = LUB_OPTION_INT, .offset = FIELD(seed)},
    {.name = "patient", .type = LUB_OPTION_INT, .offset = FIELD(patient), .fallback = 1},
    {.name = "take", .type = LUB_OPTION_INT, .offset = FIELD(take), .fallback = 1},
    {.name = "sr", .type = LUB_OPTION_INT, .offset = FIELD(sr), .fallback = 4000, .min = 1000, .max = 48000},
    {.name = "duration", .type = LUB_OPTION_NUMBER, .offset = FIELD(duration), .fallback = 5, .min = 1, .max = 30},
    {.name = "rate", .type = LUB_OPTION_NUMBER, .offset = FIELD(rate), .nullable = true, .none = true, .min = 30,
     .max = 180},
    {.name = "snr", .type = LUB_OPTION_NUMBER, .offset = FIELD(snr), .nullable = true, .none = true, .min = -40,
     .max = 80},
    LUB_OPTIONS_END};
#undef FIELD

/* === draws === */

static lub_draw stream(uint64_t key, uint64_t which) { return (lub_draw){.key = lub_mix(key, which)}; }

static lub_valve draw_valve(lub_draw *d, double lowest, double decay, double rise) {
  lub_valve v = {.rise = rise};
  double f = lub_draw_octaves(d, lowest, 0.3), loss = lub_draw_uniform(d, 0.4, 0.8), level = 1.0;
  for (int m = 0; m < LUB_HEART_MODES; m++) {
    v.frequency[m] = f;
    v.decay[m] = decay * lub_draw_uniform(d, 0.75, 1.25);
    v.level[m] = level;
    f *= lub_draw_uniform(d, 1.4, 2.0);
    decay *= 0.75;
    level *= loss;
  }
  return v;
}

static lub_voice draw_voice(uint64_t key) {
  lub_draw d = stream(key, LUB_STREAM_PATIENT);
  lub_voice v;
  v.rate = lub_draw_octaves(&d, 56.0, 0.75);
  v.arrhythmia = lub_draw_uniform(&d, 0.01, 0.06);
  v.jitter = lub_draw_uniform(&d, 0.005, 0.02);
  v.breathing = lub_draw_uniform(&d, 0.18, 0.38);
  v.split = lub_draw_uniform(&d, 0.01, 0.03);
  v.s1 = draw_valve(&d, 35.0, 0.024, 0.008);
  v.s2 = draw_valve(&d, 50.0, 0.016, 0.004);
  v.chest = lub_draw_octaves(&d, 260.0, 0.9);
  return v;
}

static lub_device draw_device(uint64_t key) {
  lub_draw d = stream(key, LUB_STREAM_DEVICE);
  lub_device v;
  v.low = lub_draw_octaves(&d, 14.0, 0.8);
  v.high = lub_draw_octaves(&d, 650.0, 0.9);
  v.peak = lub_draw_octaves(&d, 60.0, 2.0);
  v.peak_gain = lub_draw_uniform(&d, -3.0, 5.0);
  v.floor = lub_draw_uniform(&d, -80.0, -68.0);
  v.mains = lub_draw_chance(&d, 0.6) ? 50.0 : 60.0;
  return v;
}

/* What the label adds. */
static void draw_label(const lub_heart_options *o, lub_draw *d, lub_heart_plan *p) {
  static const double extra[] = {0.5, 0.25, 0.25}, artifact[] = {0.28, 0.24, 0.22, 0.12, 0.14},
                      murmur[] = {0.4, 0.35, 0.25}, run[] = {0.8, 0.2};
  p->kind = p->second_kind = -1;
  switch (o->label) {
  case LUB_HEART_ARTIFACT:
    p->kind = lub_draw_choice(d, artifact, LUB_ARTIFACT_KINDS);
    p->heart = 0.0;
    p->level = lub_draw_octaves(d, 0.8, 1.8);
    if (p->kind == LUB_ARTIFACT_SILENCE) break; /* a faint heart in silence would be a heart */
    if (lub_draw_chance(d, 0.4)) p->second_kind = lub_draw_choice(d, artifact, LUB_ARTIFACT_KINDS);
    if (lub_draw_chance(d, 0.4)) p->heart = lub_draw_octaves(d, 0.05, 1.5);
    break;
  case LUB_HEART_EXTRAHLS:
    p->kind = lub_draw_choice(d, extra, LUB_EXTRA_KINDS);
    p->level = lub_draw_octaves(d, 0.8, 0.7);
    p->delay = lub_draw_uniform(d, 0.15, 0.19);
    p->lead = lub_draw_uniform(d, 0.12, 0.16);
    break;
  case LUB_HEART_EXTRASTOLE:
    p->run = 1 + lub_draw_choice(d, run, 2);
    p->coupling = lub_draw_uniform(d, 0.44, 0.52);
    break;
  case LUB_HEART_MURMUR:
    p->kind = lub_draw_choice(d, murmur, LUB_MURMUR_KINDS);
    p->level = lub_draw_octaves(d, 0.16, 1.5);
    p->band = lub_draw_octaves(d, 150.0, 1.2);
    break;
  default: break;
  }
}

/* What happens to be so in one recording, whatever its label. */
static void draw_take(const lub_heart_options *o, lub_draw *d, lub_heart_plan *p) {
  double near = lub_draw_uniform(d, -1.0, 1.0); /* -1: base of the heart, S2 is loud; 1: apex, S1 is */
  p->heart = 1.0;
  p->s1_level = lub_synth_gain(2.5 * near);
  p->s2_level = 0.8 * lub_synth_gain(-2.5 * near);
  p->breath_phase = lub_draw_uniform(d, 0.0, 1.0);
  double snr = lub_draw_uniform(d, 33.0, 52.0);
  p->ambient = lub_synth_gain(-(isnan(o->snr) ? snr : o->snr));
  p->ambient_colour = lub_draw_octaves(d, 80.0, 3.0);
  p->breath = lub_synth_gain(lub_draw_uniform(d, -52.0, -22.0));
  p->breath_band = lub_draw_octaves(d, 110.0, 1.8);
  p->tremor = lub_synth_gain(lub_draw_uniform(d, -56.0, -32.0));
  p->hum = lub_draw_chance(d, 0.5) ? lub_synth_gain(lub_draw_uniform(d, -60.0, -40.0)) : 0.0;
  p->clicks = lub_draw_chance(d, 0.25) ? lub_draw_uniform(d, 0.3, 1.0) : 0.0;
  p->click_level = lub_draw_octaves(d, 0.1, 2.5);
  p->rubs = lub_draw_chance(d, 0.3) ? lub_draw_uniform(d, 0.2, 0.8) : 0.0;
  p->rub_level = lub_draw_octaves(d, 0.03, 2.5);
  p->gain = lub_synth_gain(lub_draw_uniform(d, -18.0, -6.0));
}

/* === rhythm === */

double lub_synth_breath(const lub_heart_plan *plan, double seconds) {
  double s = lub_synth_sin(seconds * plan->voice.breathing + plan->breath_phase);
  return s * s;
}

static double systole(double cycle) { return 0.433 - 0.0017 * fmin(60.0 / cycle, 130.0); }

static void make_rhythm(const lub_heart_options *o, lub_heart_plan *p) {
  lub_draw d = stream(p->key, LUB_STREAM_RHYTHM);
  const lub_voice *v = &p->voice;
  double mean = 60.0 / v->rate, t = -lub_draw_uniform(&d, 0.0, mean);
  /* Two premature beats or more in three seconds, however slow the heart. */
  int run = o->label == LUB_HEART_EXTRASTOLE ? (int)fmax(1.0, fmin(p->run, floor(2.4 / mean) - 1.0)) : 0;
  int left = run ? 1 + (int)lub_draw_uniform(&d, 0.0, run) : 0;
  p->beats = 0;
  if (p->heart == 0.0) return;
  while (t < o->duration && p->beats < LUB_HEART_MAX_BEATS - 1) {
    double swing = lub_synth_sin(t * v->breathing + p->breath_phase);
    double cycle = mean * (1.0 + v->arrhythmia * swing + v->jitter * lub_draw_normal(&d));
    double s2 = t + systole(cycle);
    p->beat[p->beats++] = (lub_heart_beat){.s1 = t, .s2 = s2};
    if (run && --left <= 0) {
      double early = fmax(t + p->coupling * cycle, s2 + 0.07);
      p->beat[p->beats++] = (lub_heart_beat){.s1 = early, .s2 = early + 0.85 * systole(cycle), .premature = true};
      t += cycle; /* the beat that the ventricle skips */
      left = run;
    }
    t += cycle;
  }
}

void lub_heart_plan_make(const lub_heart_options *options, lub_heart_plan *plan) {
  uint64_t set = lub_mix(0x68656172742D736F, (uint64_t)options->seed);
  uint64_t patient = lub_mix(set, (uint64_t)options->patient);
  memset(plan, 0, sizeof *plan);
  plan->key = lub_mix(patient, (uint64_t)options->take);
  plan->voice = draw_voice(patient);
  plan->device = draw_device(lub_mix(set, lub_mix(patient, LUB_STREAM_DEVICE) % LUB_HEART_DEVICES));
  if (!isnan(options->rate)) plan->voice.rate = options->rate;
  lub_draw d = stream(plan->key, LUB_STREAM_TAKE);
  draw_take(options, &d, plan);
  draw_label(options, &d, plan);
  make_rhythm(options, plan);
}

/* === the recording === */

int lub_heart_beats(const lub_heart_options *options, lub_heart_beat beats[LUB_HEART_MAX_BEATS]) {
  lub_heart_plan plan;
  lub_heart_plan_make(options, &plan);
  memcpy(beats, plan.beat, (size_t)plan.beats * sizeof *beats);
  return plan.beats;
}

int64_t lub_heart_length(const lub_heart_options *options) {
  return (int64_t)floor(options->duration * (double)options->sr + 0.5);
}

lub_status lub_heart_render(const lub_heart_options *options, float *out, lub_error *err) {
  lub_heart_plan plan;
  lub_track track = {.n = lub_heart_length(options), .sr = (double)options->sr};
  track.x = lub_calloc((size_t)track.n, sizeof *track.x);
  if (!track.x) return lub_nomem(err, "a recording", (double)track.n * sizeof *track.x);
  lub_heart_plan_make(options, &plan);
  lub_synth_heart(&plan, options->label, &track);
  if (options->label == LUB_HEART_ARTIFACT) lub_synth_artifact(&plan, &track);
  lub_synth_noise(&plan, &track);
  lub_synth_sensor(&plan, &track);
  for (int64_t i = 0; i < track.n; i++) out[i] = (float)fmax(-1.0, fmin(1.0, track.x[i]));
  free(track.x);
  return LUB_OK;
}
