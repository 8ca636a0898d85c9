/* load.h - recordings as signals: librosa.load, one block at a time, from a file or from memory.
 *
 * In librosa's order: go to int(offset * native rate), take int(duration * native rate) frames, average the channels,
 * resample (resample.h). A signal is planar: (channels, frames). A sample that is not finite is a failure. */
#ifndef LUB_AUDIO_LOAD_H
#define LUB_AUDIO_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/resample.h"
#include "base/error.h"
#include "base/options.h"

typedef struct lub_load_options {
  double sr;       /* NAN: native */
  bool mono;
  double offset;   /* seconds, >= 0 */
  double duration; /* seconds, >= 0; NAN: to the end */
  int res_type;    /* lub_quality */
  bool strict;     /* a file with less data than it promises is a failure, not only a message */
} lub_load_options;

/* sr (22050), mono (true), offset (0), duration (none), res_type ("soxr_hq"), strict (false) */
extern const lub_option lub_load_table[];

typedef struct lub_load lub_load;

/* Opens a file, or channels x frames numbers in memory (row-major, which must stay; `name` stands for the path in
 * messages). Failures of either are LUB_EWORLD, "path: reason". Close with lub_load_close. */
lub_status lub_load_file(lub_load **out, const char *path, const lub_load_options *options, lub_error *err);
lub_status lub_load_memory(lub_load **out, const char *name, const float *data, int64_t channels, int64_t frames,
                           double sr, const lub_load_options *options, lub_error *err);
void lub_load_close(lub_load *load);

/* How many frames either would give, without reading them. */
lub_status lub_load_measure_file(const char *path, const lub_load_options *options, int64_t *frames, lub_error *err);
lub_status lub_load_measure_memory(const char *name, int64_t frames, double sr, const lub_load_options *options,
                                   int64_t *result, lub_error *err);

/* The result: so many channels of at most `room` frames, at `sr` Hz. */
int lub_load_channels(const lub_load *load);
int64_t lub_load_room(const lub_load *load);
double lub_load_sr(const lub_load *load);

/* Where the result goes: channels rows of `room` floats, before the first step. */
void lub_load_into(lub_load *load, float *out);
/* Works on some 10 ms of block; *finished tells the end. */
lub_status lub_load_advance(lub_load *load, bool *finished, lub_error *err);

/* Loads of short mono results, of one rate and length, that go to a higher rate, are alike: they may go together,
 * sharing the design of one filter (to a lower one it costs next to nothing), with the same results. At most
 * LUB_LOAD_MOST of them. */
#define LUB_LOAD_MOST 16
#define LUB_LOAD_SHORT (INT64_C(1) << 20) /* samples */
bool lub_load_alike(const lub_load *a, const lub_load *b);
/* lub_load_advance for `count` loads, each alike to the first, none of which has been advanced alone. Where one of them
 * fails or breaks off, all of them must be opened again and go alone. */
lub_status lub_load_advance_together(lub_load *const *loads, int count, bool *finished, lub_error *err);

/* When finished: the frames in each row (less than `room` where a file broke off), the native frames that were
 * missing from the duration asked for, and what to warn of (NULL: nothing). */
int64_t lub_load_frames(const lub_load *load);
int64_t lub_load_missing(const lub_load *load);
const char *lub_load_warning(const lub_load *load);

#endif
