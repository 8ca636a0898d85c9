/* The sounds of the heart itself: valves, extra sounds, murmurs. */
#include <math.h>

#include "audio/synth_parts.h"

/* Adds level * (e^(-t / decay) - e^(-t / rise)) * cos(2 pi frequency t), scaled so that its envelope's peak is `level`;
 * both oscillations are turned by one complex multiplication a sample. */
static void add_oscillation(lub_track *track, double start, double frequency, double decay, double rise,
                            double level) {
  int64_t first = lub_track_at(track, start), length = lub_track_at(track, 7.0 * decay);
  if (frequency > 0.45 * track->sr || first >= track->n) return;
  rise = fmin(rise, 0.9 * decay);
  double fall1 = lub_synth_exp(-1.0 / (decay * track->sr)), fall2 = lub_synth_exp(-1.0 / (rise * track->sr));
  double c = lub_synth_cos(frequency / track->sr), s = lub_synth_sin(frequency / track->sr);
  double peak = 0.0; /* of the envelope; found by walking there */
  for (double e1 = 1.0, e2 = 1.0; peak <= e1 - e2; e1 *= fall1, e2 *= fall2) peak = e1 - e2;
  double re = 0.0, im = 1.0, e1 = level / peak, e2 = e1; /* a cosine: e1 - e2 starts at 0, so it does not jump */
  for (int64_t i = first; i < first + length && i < track->n; i++) {
    if (i >= 0) track->x[i] += (e1 - e2) * im;
    double turned = re * c - im * s;
    im = im * c + re * s;
    re = turned;
    e1 *= fall1;
    e2 *= fall2;
  }
}

static void add_valve(lub_track *track, const lub_valve *valve, double start, double pitch, double level) {
  double sum = 0.0;
  for (int m = 0; m < LUB_HEART_MODES; m++) sum += valve->level[m];
  for (int m = 0; m < LUB_HEART_MODES; m++)
    add_oscillation(track, start, pitch * valve->frequency[m], valve->decay[m], valve->rise,
                    1.4 * level * valve->level[m] / sum);
}

/* A height in [0, 1] along a murmur, u in [0, 1). */
static double murmur_shape(int kind, double u) {
  double ends = fmin(1.0, fmin(u, 1.0 - u) * 12.0); /* no clicks where it starts and stops */
  switch (kind) {
  case LUB_MURMUR_EJECTION: return lub_synth_sin(u / 2.0) * lub_synth_sin(u / 2.0);
  case LUB_MURMUR_HOLOSYSTOLIC: return 0.8 * ends;
  default: return ends * (1.0 - u);
  }
}

static void add_murmur(lub_track *track, const lub_heart_plan *plan, double start, double stop, double level) {
  const double q = 0.8;
  lub_section band = lub_section_bandpass(plan->band, q, track->sr);
  double gain = level * lub_section_noise_gain(plan->band, q, track->sr), height = 0.0, step = 0.0;
  uint64_t key = lub_mix(plan->key, LUB_STREAM_MURMUR);
  int64_t first = lub_track_at(track, start), last = lub_track_at(track, stop);
  int64_t grain = lub_track_at(track, 0.004) + 1; /* the shape is a chain of straight lines */
  for (int64_t i = first; i < last && i < track->n; i++) {
    if ((i - first) % grain == 0) {
      double u = fmin((double)(i - first + grain) / (double)(last - first), 1.0);
      step = (murmur_shape(plan->kind, u) - height) / (double)grain;
    }
    height += step;
    double noise = lub_section_run(&band, lub_synth_white(key, i));
    if (i >= 0) track->x[i] += gain * height * noise;
  }
}

/* The label's sounds around one beat; `next` is the S1 after it. */
static void add_label(lub_track *track, const lub_heart_plan *plan, int label, const lub_heart_beat *beat, double next,
                      double level) {
  double length = beat->s2 - beat->s1;
  static const lub_valve gallop = {.frequency = {28.0, 47.0, 74.0}, .decay = {0.025, 0.019, 0.013},
                                   .level = {1.0, 0.7, 0.4}, .rise = 0.006};
  level *= plan->level;
  if (label == LUB_HEART_EXTRAHLS) {
    if (plan->kind != LUB_EXTRA_S4) add_valve(track, &gallop, beat->s2 + plan->delay, 1.0, level);
    if (plan->kind != LUB_EXTRA_S3) add_valve(track, &gallop, next - plan->lead, 1.1, level);
  } else if (label == LUB_HEART_MURMUR) {
    if (plan->kind == LUB_MURMUR_DIASTOLIC)
      add_murmur(track, plan, beat->s2 + 0.02, fmin(beat->s2 + 0.4, next - 0.03), level);
    else if (plan->kind == LUB_MURMUR_EJECTION)
      add_murmur(track, plan, beat->s1 + 0.04, beat->s1 + 0.97 * length, level);
    else add_murmur(track, plan, beat->s1 + 0.02, beat->s2 + 0.02, level);
  }
}

void lub_synth_heart(const lub_heart_plan *plan, int label, lub_track *track) {
  lub_draw d = {.key = lub_mix(plan->key, LUB_STREAM_VALVES)};
  const lub_voice *v = &plan->voice;
  bool after_pause = false;
  for (int b = 0; b < plan->beats; b++) {
    const lub_heart_beat *beat = &plan->beat[b];
    double next = b + 1 < plan->beats ? plan->beat[b + 1].s1 : beat->s1 + 60.0 / v->rate;
    double breath = lub_synth_breath(plan, beat->s1);
    double level = plan->heart * (1.0 - 0.25 * breath) * (1.0 + 0.08 * lub_draw_normal(&d));
    double s1 = level * plan->s1_level, s2 = level * plan->s2_level;
    if (beat->premature) {
      s1 *= lub_draw_uniform(&d, 1.4, 2.0);
      s2 *= lub_draw_uniform(&d, 0.2, 0.5);
    } else if (after_pause) {
      s1 *= 1.15;
      s2 *= 1.15;
    }
    after_pause = beat->premature;
    /* the valves stand wide open when a premature beat strikes: its S1 is louder and higher */
    double pitch = (beat->premature ? 2.0 : 1.0) * (1.0 + 0.02 * lub_draw_normal(&d));
    double split = v->split * (0.5 + 1.5 * breath);
    add_valve(track, &v->s1, beat->s1, pitch, 0.7 * s1);
    add_valve(track, &v->s1, beat->s1 + 0.022, 1.12 * pitch, 0.45 * s1);
    add_valve(track, &v->s2, beat->s2, pitch, 0.75 * s2);
    add_valve(track, &v->s2, beat->s2 + split, 0.9 * pitch, 0.45 * s2);
    /* some beats lack the extra sound, as breath and heart move */
    bool heard = label != LUB_HEART_EXTRAHLS || !lub_draw_chance(&d, 0.03);
    if (heard) add_label(track, plan, label, beat, next, level);
  }
}
