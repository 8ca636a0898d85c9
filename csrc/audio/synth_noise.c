/* Everything that is not the heart: breath, room, mains, hands, voices, and the stethoscope itself. */
#include <math.h>

#include "audio/synth_parts.h"

/* === bursts === */

/* A burst of coloured noise that swells and dies (a hand or a shirt on the membrane). */
static void add_rub(lub_track *track, uint64_t key, double start, double length, double frequency, double level) {
  const double q = 0.7;
  lub_section band = lub_section_bandpass(frequency, q, track->sr);
  double gain = level * lub_section_noise_gain(frequency, q, track->sr);
  int64_t first = lub_track_at(track, start), samples = lub_track_at(track, length) + 1;
  for (int64_t i = first < 0 ? 0 : first; i < first + samples && i < track->n; i++) {
    double u = (double)(i - first) / (double)samples, arch = 4.0 * u * (1.0 - u);
    track->x[i] += gain * arch * lub_section_run(&band, lub_synth_white(key, i));
  }
}

/* A knock: noise of a few milliseconds that rings a resonance. */
static void add_knock(lub_track *track, uint64_t key, double start, double frequency, double q, double level) {
  lub_section ring = lub_section_bandpass(frequency, q, track->sr);
  int64_t first = lub_track_at(track, start), hit = lub_track_at(track, 0.5 / frequency) + 1;
  int64_t samples = lub_track_at(track, 4.0 * q / frequency) + hit;
  double gain = 3.0 * level * sqrt(q);
  for (int64_t i = first < 0 ? 0 : first; i < first + samples && i < track->n; i++) {
    double push = i < first + hit ? 1.0 + 0.3 * lub_synth_white(key, i) : 0.0;
    track->x[i] += gain * lub_section_run(&ring, push);
  }
}

/* A syllable: pulses at a gliding pitch through two formants. */
static void add_syllable(lub_track *track, lub_draw *d, double start, double length, double pitch, double level) {
  lub_section low = lub_section_bandpass(lub_draw_octaves(d, 280.0, 1.5), 4.0, track->sr);
  lub_section high = lub_section_bandpass(lub_draw_octaves(d, 800.0, 1.3), 6.0, track->sr);
  double glide = lub_draw_uniform(d, -0.25, 0.15), phase = 0.0;
  int64_t first = lub_track_at(track, start), samples = lub_track_at(track, length) + 1;
  for (int64_t i = first < 0 ? 0 : first; i < first + samples && i < track->n; i++) {
    double u = (double)(i - first) / (double)samples, arch = 4.0 * u * (1.0 - u);
    phase += pitch * (1.0 + glide * u) / track->sr;
    double pulse = 0.0;
    if (phase >= 1.0) {
      phase -= 1.0;
      pulse = track->sr / pitch;
    }
    track->x[i] += level * arch * (0.6 * lub_section_run(&low, pulse) + 0.3 * lub_section_run(&high, pulse));
  }
}

/* === artifacts === */

static void add_speech(lub_track *track, lub_draw *d, double level) {
  double pitch = lub_draw_octaves(d, 95.0, 1.3), t = lub_draw_uniform(d, -0.3, 0.4), end = (double)track->n / track->sr;
  while (t < end) {
    double length = lub_draw_uniform(d, 0.08, 0.28);
    add_syllable(track, d, t, length, pitch * lub_draw_uniform(d, 0.85, 1.2), level * lub_draw_uniform(d, 0.4, 1.0));
    t += length + (lub_draw_chance(d, 0.25) ? lub_draw_uniform(d, 0.25, 0.8) : lub_draw_uniform(d, 0.01, 0.09));
  }
}

static void add_handling(lub_track *track, lub_draw *d, double level) {
  double end = (double)track->n / track->sr, pause = lub_draw_octaves(d, 0.15, 2.0);
  for (double t = lub_draw_uniform(d, -0.2, 0.5); t < end; t += pause * lub_draw_octaves(d, 0.3, 3.0)) {
    uint64_t key = lub_mix(d->key, d->next++);
    add_knock(track, key, t, lub_draw_octaves(d, 25.0, 3.0), lub_draw_uniform(d, 0.8, 4.0),
              level * lub_draw_octaves(d, 0.3, 2.5));
    if (lub_draw_chance(d, 0.4))
      add_rub(track, lub_mix(key, 1), t, lub_draw_uniform(d, 0.03, 0.25), lub_draw_octaves(d, 60.0, 3.0),
              level * lub_draw_octaves(d, 0.1, 2.0));
  }
}

static void add_rubbing(lub_track *track, lub_draw *d, double level) {
  double end = (double)track->n / track->sr;
  for (double t = lub_draw_uniform(d, -0.5, 0.3); t < end;) {
    double length = lub_draw_octaves(d, 0.12, 2.5);
    add_rub(track, lub_mix(d->key, d->next++), t, length, lub_draw_octaves(d, 90.0, 2.5),
            level * lub_draw_octaves(d, 0.15, 1.6));
    t += length * lub_draw_uniform(d, 0.5, 1.4);
  }
}

/* A phone or a motor: a tone with overtones that comes and goes. */
static void add_buzz(lub_track *track, lub_draw *d, double level) {
  double end = (double)track->n / track->sr;
  for (double t = lub_draw_uniform(d, -0.5, 0.8); t < end; t += lub_draw_uniform(d, 0.3, 1.2)) {
    double length = lub_draw_uniform(d, 0.2, 0.9);
    add_syllable(track, d, t, length, lub_draw_octaves(d, 60.0, 2.5), level * lub_draw_uniform(d, 0.4, 1.0));
    t += length;
  }
}

void lub_synth_artifact(const lub_heart_plan *plan, lub_track *track) {
  const int kinds[] = {plan->kind, plan->second_kind};
  for (int k = 0; k < 2; k++) {
    lub_draw d = {.key = lub_mix(lub_mix(plan->key, LUB_STREAM_ARTIFACT), (uint64_t)k)};
    switch (kinds[k]) {
    case LUB_ARTIFACT_HANDLING: add_handling(track, &d, plan->level); break;
    case LUB_ARTIFACT_SPEECH: add_speech(track, &d, plan->level); break;
    case LUB_ARTIFACT_RUBBING: add_rubbing(track, &d, plan->level); break;
    case LUB_ARTIFACT_BUZZ: add_buzz(track, &d, plan->level); break;
    default: break; /* silence, or none */
    }
  }
}

/* === what every recording has === */

/* Ambient noise, breath, tremor and mains: steady parts, in one pass. */
static void add_steady(const lub_heart_plan *plan, lub_track *track) {
  const double breath_q = 0.7, tremor_q = 0.7, tremor_band = 22.0;
  double sr = track->sr;
  lub_section breath = lub_section_bandpass(plan->breath_band, breath_q, sr);
  lub_section tremor = lub_section_bandpass(tremor_band, tremor_q, sr);
  double breath_gain = plan->breath * lub_section_noise_gain(plan->breath_band, breath_q, sr);
  double tremor_gain = plan->tremor * lub_section_noise_gain(tremor_band, tremor_q, sr);
  /* y += a (x - y) lets the power a / (2 - a) through */
  double a = 1.0 - lub_synth_exp(-6.283185307179586 * fmin(plan->ambient_colour / sr, 0.4));
  double ambient_gain = plan->ambient * sqrt((2.0 - a) / a), ambient = 0.0;
  double mains = plan->device.mains / sr, c = lub_synth_cos(mains), s = lub_synth_sin(mains), re = 1.0, im = 0.0;
  uint64_t ambient_key = lub_mix(plan->key, LUB_STREAM_AMBIENT), breath_key = lub_mix(plan->key, LUB_STREAM_BREATH);
  uint64_t tremor_key = lub_mix(plan->key, LUB_STREAM_TREMOR);
  double air = 0.0, air_step = 0.0;
  const int64_t grain = 64;
  for (int64_t i = 0; i < track->n; i++) {
    if (i % grain == 0) {
      air = lub_synth_breath(plan, (double)i / sr);
      air_step = (lub_synth_breath(plan, (double)(i + grain) / sr) - air) / (double)grain;
    }
    air += air_step;
    ambient += a * (lub_synth_white(ambient_key, i) - ambient);
    double y = ambient_gain * ambient;
    y += breath_gain * air * lub_section_run(&breath, lub_synth_white(breath_key, i));
    y += tremor_gain * lub_section_run(&tremor, lub_synth_white(tremor_key, i));
    /* the third harmonic: sin 3x = 3 sin x - 4 sin^3 x */
    y += plan->hum * (im + 0.5 * (3.0 - 4.0 * im * im) * im);
    double turned = re * c - im * s;
    im = im * c + re * s;
    re = turned;
    track->x[i] += y;
  }
}

void lub_synth_noise(const lub_heart_plan *plan, lub_track *track) {
  double end = (double)track->n / track->sr;
  add_steady(plan, track);
  if (plan->clicks > 0.0) {
    lub_draw d = {.key = lub_mix(plan->key, LUB_STREAM_CLICKS)};
    for (double t = lub_draw_uniform(&d, 0.0, 1.0 / plan->clicks); t < end;
         t += lub_draw_uniform(&d, 0.2, 1.8) / plan->clicks)
      add_knock(track, lub_mix(d.key, d.next++), t, lub_draw_octaves(&d, 50.0, 3.5), lub_draw_uniform(&d, 0.7, 3.0),
                plan->click_level * lub_draw_uniform(&d, 0.4, 1.0));
  }
  if (plan->rubs > 0.0) {
    lub_draw d = {.key = lub_mix(plan->key, LUB_STREAM_RUBS)};
    for (double t = lub_draw_uniform(&d, -0.3, 1.0 / plan->rubs); t < end;
         t += lub_draw_uniform(&d, 0.2, 1.8) / plan->rubs)
      add_rub(track, lub_mix(d.key, d.next++), t, lub_draw_uniform(&d, 0.08, 0.4), lub_draw_octaves(&d, 90.0, 2.5),
              plan->rub_level * lub_draw_uniform(&d, 0.4, 1.0));
  }
}

/* === the way into the file === */

void lub_synth_sensor(const lub_heart_plan *plan, lub_track *track) {
  const lub_device *v = &plan->device;
  double sr = track->sr, floor_level = lub_synth_gain(v->floor);
  lub_section chain[] = {lub_section_lowpass(plan->voice.chest, 0.5, sr), lub_section_highpass(v->low, 0.7, sr),
                         lub_section_peak(v->peak, 1.2, v->peak_gain, sr), lub_section_lowpass(v->high, 0.7, sr)};
  uint64_t key = lub_mix(plan->key, LUB_STREAM_FLOOR);
  for (int64_t i = 0; i < track->n; i++) {
    double y = plan->gain * track->x[i];
    for (size_t k = 0; k < sizeof chain / sizeof *chain; k++) y = lub_section_run(&chain[k], y);
    track->x[i] = y + floor_level * lub_synth_white(key, i);
  }
}
