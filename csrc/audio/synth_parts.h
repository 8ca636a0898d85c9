/* synth_parts.h - what the files of the synthesizer share; nobody else includes it.
 *
 * Everything is computed in double precision by additions, multiplications, divisions and square roots
 * alone, because libm's functions differ in their last bits from CPU to CPU. */
#ifndef LUB_AUDIO_SYNTH_PARTS_H
#define LUB_AUDIO_SYNTH_PARTS_H

#include "audio/synth.h"
#include "base/random.h"

/* === numbers === */

double lub_synth_exp(double x);         /* e^x, for |x| < 700 */
double lub_synth_sin(double turns);     /* sin(2 pi turns), for |turns| < 2^31 */
double lub_synth_cos(double turns);
double lub_synth_gain(double decibels); /* 10^(decibels / 20) */

/* A stream of random numbers. */
typedef struct lub_draw {
  uint64_t key, next;
} lub_draw;

double lub_draw_uniform(lub_draw *draw, double low, double high);
double lub_draw_octaves(lub_draw *draw, double low, double octaves); /* low * 2^(uniform in [0, octaves)) */
double lub_draw_normal(lub_draw *draw);                              /* mean 0, deviation 1, within +-3.5 */
bool lub_draw_chance(lub_draw *draw, double probability);
int lub_draw_choice(lub_draw *draw, const double *weights, int n); /* index, weights add up to 1 */

/* Sample i of white noise with deviation 1. */
double lub_synth_white(uint64_t key, int64_t i);

/* === the recording while it is made === */

typedef struct lub_track {
  double *x;
  int64_t n;
  double sr;
} lub_track;

/* Sample of time `seconds`, not bounded to the track. */
int64_t lub_track_at(const lub_track *track, double seconds);

/* Second-order section, transposed direct form II (R. Bristow-Johnson's cookbook). Frequencies above 0.4 sr are
 * taken as 0.4 sr. */
typedef struct lub_section {
  double b0, b1, b2, a1, a2, s1, s2;
} lub_section;

lub_section lub_section_lowpass(double frequency, double q, double sr);
lub_section lub_section_highpass(double frequency, double q, double sr);
lub_section lub_section_bandpass(double frequency, double q, double sr); /* gain 1 in the middle */
lub_section lub_section_peak(double frequency, double q, double decibels, double sr);
/* What brings white noise of deviation 1 back to 1 after lub_section_bandpass. */
double lub_section_noise_gain(double frequency, double q, double sr);

static inline double lub_section_run(lub_section *s, double x) {
  double y = s->b0 * x + s->s1;
  s->s1 = s->b1 * x - s->a1 * y + s->s2;
  s->s2 = s->b2 * x - s->a2 * y;
  return y;
}

/* === the plan of a recording === */

#define LUB_HEART_MODES 3

/* A sound of a valve: damped oscillations that rise within `rise` seconds. */
typedef struct lub_valve {
  double frequency[LUB_HEART_MODES], decay[LUB_HEART_MODES], level[LUB_HEART_MODES]; /* Hz, s, 1 */
  double rise;
} lub_valve;

/* What a patient keeps. */
typedef struct lub_voice {
  double rate, arrhythmia, jitter;  /* beats a minute; swing and jitter of the cycle, relative */
  double breathing;                 /* breaths a second */
  double split;                     /* s, A2 to P2 */
  lub_valve s1, s2;
  double chest;                     /* Hz: the body's low pass */
} lub_voice;

/* What a stethoscope keeps. */
typedef struct lub_device {
  double low, high, peak, peak_gain; /* Hz, Hz, Hz, dB */
  double floor;                      /* electronic noise, dB below full scale */
  double mains;                      /* 50 or 60 Hz */
} lub_device;

enum { LUB_MURMUR_EJECTION, LUB_MURMUR_HOLOSYSTOLIC, LUB_MURMUR_DIASTOLIC, LUB_MURMUR_KINDS };
enum { LUB_EXTRA_S3, LUB_EXTRA_S4, LUB_EXTRA_BOTH, LUB_EXTRA_KINDS };
enum {
  LUB_ARTIFACT_HANDLING,
  LUB_ARTIFACT_SPEECH,
  LUB_ARTIFACT_RUBBING,
  LUB_ARTIFACT_BUZZ,
  LUB_ARTIFACT_SILENCE,
  LUB_ARTIFACT_KINDS
};

typedef struct lub_heart_plan {
  lub_voice voice;
  lub_device device;
  uint64_t key;              /* of the recording's own streams: lub_mix(key, LUB_STREAM_...) */
  double heart;              /* loudness of the beats */
  double s1_level, s2_level; /* which valve is near */
  double breath_phase;
  double ambient, ambient_colour; /* RMS; Hz, corner of its low pass */
  double breath, breath_band;     /* RMS at its loudest; Hz */
  double tremor;                  /* RMS of muscle noise below 40 Hz */
  double hum;                     /* amplitude of the mains */
  double clicks, click_level;     /* a second; 1 */
  double rubs, rub_level;
  double gain;
  int kind;                  /* what kind of murmur, extra sound or artifact; -1: none */
  int second_kind;           /* artifact: another kind, or -1 */
  double level;              /* of murmur, extra sound or artifact */
  double band;               /* Hz: middle of a murmur */
  double delay, lead;        /* s: S3 after S2, S4 before S1 */
  int run;                   /* extrastole: beats between two premature ones */
  double coupling;           /* extrastole: the premature beat's distance, part of the cycle */
  int beats;
  lub_heart_beat beat[LUB_HEART_MAX_BEATS];
} lub_heart_plan;

enum {
  LUB_STREAM_PATIENT = 1,
  LUB_STREAM_DEVICE,
  LUB_STREAM_TAKE,
  LUB_STREAM_RHYTHM,
  LUB_STREAM_VALVES,
  LUB_STREAM_MURMUR,
  LUB_STREAM_AMBIENT,
  LUB_STREAM_BREATH,
  LUB_STREAM_TREMOR,
  LUB_STREAM_CLICKS,
  LUB_STREAM_RUBS,
  LUB_STREAM_ARTIFACT,
  LUB_STREAM_FLOOR
};

/* Draws everything above. */
void lub_heart_plan_make(const lub_heart_options *options, lub_heart_plan *plan);

/* The loudness of the breath's movement at a time, 0 (rest) to 1. */
double lub_synth_breath(const lub_heart_plan *plan, double seconds);

/* Each adds its part to the track. */
void lub_synth_heart(const lub_heart_plan *plan, int label, lub_track *track); /* synth_heart.c */
void lub_synth_artifact(const lub_heart_plan *plan, lub_track *track);         /* synth_noise.c */
void lub_synth_noise(const lub_heart_plan *plan, lub_track *track);            /* synth_noise.c */
/* Passes the track through chest and stethoscope, in place. */
void lub_synth_sensor(const lub_heart_plan *plan, lub_track *track);           /* synth_noise.c */

#endif
