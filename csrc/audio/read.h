/* read.h - recordings in files: what they are, and their samples; through libsndfile.
 *
 * All failures name the file: "path: reason" (LUB_EWORLD). */
#ifndef LUB_AUDIO_READ_H
#define LUB_AUDIO_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lub_audio_info {
  int64_t frames;   /* there are, as far as the header and the length of the file tell */
  int64_t promised; /* frames that the header promises; more than `frames` where a wav file is cut */
  int samplerate, channels;
  const char *format, *subtype; /* "WAV", "PCM_16": libsndfile's short names without prefix */
} lub_audio_info;

typedef struct lub_reader lub_reader;

/* Opens a recording. Fails for what is missing, a folder, empty, or in no known format. Close with lub_reader_close. */
lub_status lub_reader_open(lub_reader **out, const char *path, lub_error *err);
void lub_reader_close(lub_reader *reader);
const lub_audio_info *lub_reader_info(const lub_reader *reader);
/* Whether all samples are known to be finite, whatever the file holds. */
bool lub_reader_finite(const lub_reader *reader);

/* Goes to a frame, 0 .. frames. */
lub_status lub_reader_seek(lub_reader *reader, int64_t frame, lub_error *err);
/* Reads up to n frames of interleaved channels into x; *got < n at the end of the data. Whole numbers of b bits
 * become x / 2^(b-1). */
lub_status lub_reader_read(lub_reader *reader, float *x, int64_t n, int64_t *got, lub_error *err);

#endif
