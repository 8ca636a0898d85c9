/* intake.h - the signals of recordings, a few at a time: one thread's part of an extraction.
 *
 * To design soxr's filter takes as long as some seconds of sound. So recordings are opened by the handful, and those
 * that are alike (audio/load.h) are loaded together. What each of them becomes does not depend on the others. */
#ifndef LUB_PIPELINE_INTAKE_H
#define LUB_PIPELINE_INTAKE_H

#include "audio/load.h"

/* A recording: a file, or channels x frames numbers in memory at sr Hz. All pointers must stay. `offset` seconds
 * of it are passed over, beside those of the load options: a window of a longer recording. */
typedef struct lub_item {
  const char *path; /* NULL: memory */
  const float *data;
  int64_t channels, frames;
  double sr, offset;
} lub_item;

/* What messages call it: its path, or "clip 3". */
const char *lub_item_name(const lub_item *item, int64_t i, char text[32]);
/* How it is read: the options, with its own offset. */
lub_load_options lub_item_options(const lub_item *item, const lub_load_options *options);

#define LUB_INTAKE_MOST 8

typedef struct lub_intake lub_intake;

/* Gives every signal room for at least `room` samples. Free with lub_intake_free. */
lub_status lub_intake_new(lub_intake **out, const lub_item *items, const lub_load_options *options, int64_t room,
                          lub_error *err);
void lub_intake_free(lub_intake *intake);

/* Opens item i; at most LUB_INTAKE_MOST between two times of being empty. A failure concerns this item alone. */
lub_status lub_intake_add(lub_intake *intake, int64_t i, lub_error *err);
bool lub_intake_empty(const lub_intake *intake);

/* What came of an item. */
typedef struct lub_signal_taken {
  int64_t item; /* -1: none yet */
  lub_load *load; /* finished; it belongs to the intake, as the signal does, until the next step */
  float *signal;
} lub_signal_taken;

/* Works on a block of each of the recordings that go together, or gives one that is loaded. A failure concerns
 * taken->item alone. Not when empty. */
lub_status lub_intake_step(lub_intake *intake, lub_signal_taken *taken, lub_error *err);

#endif
