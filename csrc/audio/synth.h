/* synth.h - a toy heart: labelled recordings of heart sounds, made from a seed.
 *
 * It serves tests, examples and first steps on a machine without data. Results on it say that software
 * works, never how good a method is. A recording is a function of its options alone: the same bits on every CPU
 * variant, with any number of threads, beside any other recording.
 *
 * What is in it:
 *
 *   the heart    A rate of 56 to 94 beats a minute per patient, swinging with the breath (sinus arrhythmia) and
 *                jittering a little. S1 to S2 lasts 0.433 - 0.0017 * rate seconds: Weissler's regression of the
 *                ejection time, 413 - 1.7 * rate ms (Weissler, Harris, Schoenfeld 1968), and 20 ms of isovolumic
 *                contraction. S1 and S2 are sums of damped oscillations, two valves each, the second one late
 *                by the split, which widens with inspiration; S1 lies lower and lasts longer than S2.
 *   murmur       Band-passed noise: systolic crescendo-decrescendo, holosystolic, or early diastolic decrescendo.
 *   extrahls     S3 (low, 0.15 to 0.19 s after S2), S4 (0.12 to 0.16 s before S1), or both, in most beats.
 *   extrastole   After each beat, or each second one, a premature beat with a loud, high S1 and a weak, early S2,
 *                then a full compensatory pause: the next beat comes where it would have come anyway.
 *   artifact     Handling thumps, rubbing, speech-like syllables, buzz or near silence, at most a faint heart beside them.
 *   normal       None of these; like the others it may hold breath, hum, clicks, noise of any colour.
 *   the sensor   Chest and stethoscope (band edges, a resonance), electronic noise, gain, clipping.
 *
 * A patient keeps rate, timbre, breath and stethoscope (one of LUB_HEART_DEVICES per seed) over all recordings;
 * the place on the chest, the loudness of each noise and what the label adds are drawn for each recording.
 * No nuisance knows the label: noise level, colour, gain and stethoscope are drawn alike for all five. */
#ifndef LUB_AUDIO_SYNTH_H
#define LUB_AUDIO_SYNTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/options.h"

/* In the order of their names, which are lub_heart_labels[0 .. LUB_HEART_COUNT - 1], then NULL. */
enum {
  LUB_HEART_ARTIFACT,
  LUB_HEART_EXTRAHLS,
  LUB_HEART_EXTRASTOLE,
  LUB_HEART_MURMUR,
  LUB_HEART_NORMAL,
  LUB_HEART_COUNT
};
extern const char *const lub_heart_labels[];

#define LUB_HEART_DEVICES 8

typedef struct lub_heart_options {
  int label;       /* LUB_HEART_... */
  int64_t seed;    /* of the whole set */
  int64_t patient; /* number of the patient within the set */
  int64_t take;    /* number of the recording */
  int64_t sr;      /* samples per second, 1000 to 48000 */
  double duration; /* seconds, 1 to 30 */
  double rate;     /* beats a minute, 30 to 180; NAN: the patient's own */
  double snr;      /* dB, peak of an S1 over the RMS of the ambient noise, at the chest; NAN: drawn */
} lub_heart_options;

extern const lub_option lub_heart_table[];

/* Times in seconds from the start of the recording, of the onsets; a beat may begin before it or end after it. */
typedef struct lub_heart_beat {
  double s1, s2;
  bool premature;
} lub_heart_beat;

#define LUB_HEART_MAX_BEATS 192

/* Writes the beats of a recording in order and returns how many (0 where no heart is heard). */
int lub_heart_beats(const lub_heart_options *options, lub_heart_beat beats[LUB_HEART_MAX_BEATS]);

/* The number of samples of a recording: round(duration * sr). */
int64_t lub_heart_length(const lub_heart_options *options);

/* Writes lub_heart_length samples in [-1, 1] into out. Fails with LUB_ENOMEM only. About 30 ns a sample. */
lub_status lub_heart_render(const lub_heart_options *options, float *out, lub_error *err);

#endif
