#include "audio/synth_parts.h"

#include <math.h>

#define PI 3.14159265358979323846

/* === numbers === */

double lub_synth_exp(double x) {
  double k = floor(x * 1.4426950408889634 + 0.5);
  double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33; /* ln 2 in two parts */
  double sum = 1.0;
  for (int i = 13; i > 0; i--) sum = 1.0 + r * sum / i;
  return ldexp(sum, (int)k);
}

double lub_synth_sin(double turns) {
  double t = turns - floor(turns + 0.5); /* [-0.5, 0.5) */
  if (t > 0.25) t = 0.5 - t;
  if (t < -0.25) t = -0.5 - t;
  double x = 2.0 * PI * t, square = x * x, sum = 1.0;
  for (int i = 20; i > 0; i -= 2) sum = 1.0 - square * sum / (i * (i + 1));
  return x * sum;
}

double lub_synth_cos(double turns) { return lub_synth_sin(turns + 0.25); }

double lub_synth_gain(double decibels) { return lub_synth_exp(decibels * 0.11512925464970229); }

double lub_draw_uniform(lub_draw *draw, double low, double high) {
  return low + (high - low) * ((double)(lub_mix(draw->key, draw->next++) >> 11) * 0x1p-53);
}

double lub_draw_octaves(lub_draw *draw, double low, double octaves) {
  return low * lub_synth_exp(lub_draw_uniform(draw, 0.0, octaves) * 0.6931471805599453);
}

/* The sum of four uniform numbers: near enough to a Gauss bell, and no logarithm. */
double lub_synth_white(uint64_t key, int64_t i) {
  uint64_t bits = lub_mix(key, (uint64_t)i);
  int32_t sum = (int32_t)(bits & 0xFFFF) + (int32_t)(bits >> 16 & 0xFFFF) + (int32_t)(bits >> 32 & 0xFFFF) +
                (int32_t)(bits >> 48);
  return (sum - 131070) * (1.0 / 37837.2);
}

double lub_draw_normal(lub_draw *draw) { return lub_synth_white(draw->key, (int64_t)draw->next++); }

bool lub_draw_chance(lub_draw *draw, double probability) { return lub_draw_uniform(draw, 0.0, 1.0) < probability; }

int lub_draw_choice(lub_draw *draw, const double *weights, int n) {
  double u = lub_draw_uniform(draw, 0.0, 1.0);
  for (int i = 0; i < n - 1; i++) {
    if (u < weights[i]) return i;
    u -= weights[i];
  }
  return n - 1;
}

/* === filters === */

int64_t lub_track_at(const lub_track *track, double seconds) { return (int64_t)floor(seconds * track->sr + 0.5); }

/* Angle of a frequency, as cosine, and sin / (2 q). */
static void angle(double frequency, double q, double sr, double *cosine, double *alpha) {
  double turns = fmin(frequency / sr, 0.4);
  *cosine = lub_synth_cos(turns);
  *alpha = lub_synth_sin(turns) / (2.0 * q);
}

static lub_section section(double b0, double b1, double b2, double a0, double a1, double a2) {
  return (lub_section){.b0 = b0 / a0, .b1 = b1 / a0, .b2 = b2 / a0, .a1 = a1 / a0, .a2 = a2 / a0};
}

lub_section lub_section_lowpass(double frequency, double q, double sr) {
  double c, alpha;
  angle(frequency, q, sr, &c, &alpha);
  return section((1.0 - c) / 2.0, 1.0 - c, (1.0 - c) / 2.0, 1.0 + alpha, -2.0 * c, 1.0 - alpha);
}

lub_section lub_section_highpass(double frequency, double q, double sr) {
  double c, alpha;
  angle(frequency, q, sr, &c, &alpha);
  return section((1.0 + c) / 2.0, -(1.0 + c), (1.0 + c) / 2.0, 1.0 + alpha, -2.0 * c, 1.0 - alpha);
}

lub_section lub_section_bandpass(double frequency, double q, double sr) {
  double c, alpha;
  angle(frequency, q, sr, &c, &alpha);
  return section(alpha, 0.0, -alpha, 1.0 + alpha, -2.0 * c, 1.0 - alpha);
}

lub_section lub_section_peak(double frequency, double q, double decibels, double sr) {
  double c, alpha, a = lub_synth_gain(decibels / 2.0);
  angle(frequency, q, sr, &c, &alpha);
  return section(1.0 + alpha * a, -2.0 * c, 1.0 - alpha * a, 1.0 + alpha / a, -2.0 * c, 1.0 - alpha / a);
}

/* The power that the section lets through is alpha / (1 + alpha): the sum of its squared impulse response. */
double lub_section_noise_gain(double frequency, double q, double sr) {
  double c, alpha;
  angle(frequency, q, sr, &c, &alpha);
  return sqrt((1.0 + alpha) / alpha);
}
