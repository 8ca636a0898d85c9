/* polyphase.h - soxr's filter between two rates as a table, and the resampling to a higher rate with it.
 *
 * Where the rates are whole numbers in a ratio of to : from, every output is a sum over some 200 inputs around it, with
 * weights that repeat after `to` outputs. libsoxr designs that filter anew for every recording, which takes as long as
 * a few seconds of sound, and applies it through an FFT of 4 floats at a time. Here its response to impulses is
 * measured once, in double, and kept; to apply the weights directly is faster then (on AVX-512 by half), and nearer to
 * the exact sum. To a lower rate soxr itself is as fast.
 *
 * soxr works in stages, and the later ones do not hear what the first would ring before the start: the first few
 * outputs have weights of their own.
 *
 * A frame is `from` inputs or `to` outputs. Outputs are computed LUB_POLYPHASE_GROUP at a time, from the same inputs:
 *   y[to * f + group * 32 + lane] = sum_j weight[group][j][lane] * x[from * f + start[group] + j],  j < taps */
#ifndef LUB_AUDIO_POLYPHASE_H
#define LUB_AUDIO_POLYPHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LUB_POLYPHASE_GROUP 32

typedef struct lub_polyphase {
  int64_t from, to;
  int64_t groups, taps;
  int32_t *start;  /* [groups], rising; the first is not above 0 */
  float *weight;   /* [groups][taps][LUB_POLYPHASE_GROUP], aligned; 0 beyond the last output */
  struct lub_polyphase *edge; /* one frame, in the place of the first outputs; all its groups start at input 0 */
} lub_polyphase;

/* The table of soxr_hq for these rates, measured at the first call for them and kept for the process; thread-safe. NULL
 * without an error where there is none: rates in no small ratio, to a lower rate, or a filter too long. */
lub_status lub_polyphase_find(const lub_polyphase **out, double orig_sr, double target_sr, lub_error *err);

/* One signal on its way. */
typedef struct lub_polyphase_line {
  float *held; /* inputs that are still wanted, from start[0] of the next frame on */
  int64_t capacity, count, taken;
  bool begun; /* the first frames are made */
} lub_polyphase_line;

void lub_polyphase_line_free(lub_polyphase_line *line);

/* Takes n samples and appends the frames that they complete to `out`, at *made, which counts the outputs: also those
 * beyond `room`, which are dropped. `finish` goes on, as if zeros came, to the end as soxr rounds it, or to `room`. */
lub_status lub_polyphase_process(const lub_polyphase *table, lub_polyphase_line *line, const float *x, int64_t n,
                                 float *out, int64_t room, int64_t *made, lub_error *err);
lub_status lub_polyphase_finish(const lub_polyphase *table, lub_polyphase_line *line, float *out, int64_t room,
                                int64_t *made, lub_error *err);

#endif
