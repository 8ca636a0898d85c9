/* write.h - signals into files: wav, flac, ogg and aiff, through libsndfile.
 *
 * The file is written aside (base/aside.h) and takes its name when it is complete, so that a failure leaves nothing
 * half-written. */
#ifndef LUB_AUDIO_WRITE_H
#define LUB_AUDIO_WRITE_H

#include <stdint.h>

#include "base/error.h"

typedef enum lub_subtype { LUB_PCM_16, LUB_PCM_24, LUB_FLOAT } lub_subtype;
/* "PCM_16", "PCM_24", "FLOAT", NULL */
extern const char *const lub_subtype_names[];

typedef struct lub_writer lub_writer;

/* The format follows from the end of the path: .wav, .flac, .ogg (Vorbis, whatever the subtype), .aiff. LUB_EARG
 * where it is another one, or cannot hold the subtype. Close with lub_writer_finish, or give up with
 * lub_writer_discard. */
lub_status lub_writer_open(lub_writer **out, const char *path, int samplerate, int channels, lub_subtype subtype,
                           lub_error *err);
/* Writes n frames of interleaved samples; values beyond -1 .. 1 are clipped, unless the subtype is FLOAT. */
lub_status lub_writer_write(lub_writer *writer, const float *x, int64_t n, lub_error *err);
/* Completes the file and frees the writer, also where it fails. */
lub_status lub_writer_finish(lub_writer *writer, lub_error *err);
void lub_writer_discard(lub_writer *writer);

#endif
