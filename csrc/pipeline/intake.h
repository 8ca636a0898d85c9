/* intake.h - the signals of recordings, one after the other, in one buffer: one thread's part of an extraction. */
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

typedef struct lub_intake lub_intake;

/* Gives every signal room for at least `room` samples. Free with lub_intake_free. */
lub_status lub_intake_new(lub_intake **out, const lub_item *items, const lub_load_options *options, int64_t room,
                          lub_error *err);
void lub_intake_free(lub_intake *intake);

/* Opens item i, closing the one before it. */
lub_status lub_intake_open(lub_intake *intake, int64_t i, lub_error *err);
/* Works on a block of it; *finished: it is loaded. */
lub_status lub_intake_advance(lub_intake *intake, bool *finished, lub_error *err);
/* What it became: good until the next one is opened. */
const lub_load *lub_intake_load(const lub_intake *intake);
float *lub_intake_signal(const lub_intake *intake);

#endif
