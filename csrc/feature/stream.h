/* stream.h - a plan on live sound: frames one by one, from blocks of any size, the same bits as offline.
 *
 * Frame t is there as soon as `latency` samples behind its nominal time, t * hop, have come: n_fft - n_fft / 2 where
 * frames are centred (one more where they are mirrored at an even n_fft), n_fft where not. Deltas wait for half a
 * window of further frames. No step allocates memory, but for a block larger than all before it. */
#ifndef LUB_FEATURE_STREAM_H
#define LUB_FEATURE_STREAM_H

#include "feature/delta.h"
#include "feature/plan.h"

typedef struct lub_stream_options {
  int64_t orders; /* deltas of order 1 .. orders stand behind the features of each frame; 0: none */
  int64_t width;
  lub_delta_mode mode; /* not LUB_DELTA_WRAP */
} lub_stream_options;

typedef struct lub_stream lub_stream;

/* The plan must outlive the stream. LUB_EARG where a step needs the whole clip: a floor of dB below the loudest frame
 * (MFCC with top_db, SpectralContrast that is not linear), deltas that wrap around. Free with lub_stream_free. */
lub_status lub_stream_new(lub_stream **out, const lub_plan *plan, const lub_stream_options *options, lub_error *err);
void lub_stream_free(lub_stream *stream);

/* The floats of one frame: the plan's rows, times 1 + orders. */
int64_t lub_stream_rows(const lub_stream *stream);
/* In samples, see above; a frame with deltas comes (width - 1) / 2 hops later. In mode "interp" the frames before the
 * middle of the first window come with that one. */
int64_t lub_stream_latency(const lub_stream *stream);

/* Takes n samples; a copy is kept. LUB_EARG where one is not finite (nothing is taken then), or after the end. */
lub_status lub_stream_push(lub_stream *stream, const float *x, int64_t n, lub_error *err);
/* No more samples come: the frames that reach beyond the end are ready. LUB_EARG where there are fewer frames than
 * mode "interp" needs. */
lub_status lub_stream_end(lub_stream *stream, lub_error *err);
/* Begins anew, with nothing heard. */
void lub_stream_reset(lub_stream *stream);

/* Writes the next frame to out; false where none is ready. At most LUB_MAX_LANES frames are computed at once. */
bool lub_stream_next(lub_stream *stream, float *out);
/* How many frames it gave. */
int64_t lub_stream_given(const lub_stream *stream);

#endif
