#include "feature/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "feature/internal.h"

#define MOST_ORDERS 8

struct lub_stream {
  const lub_plan *plan;
  lub_block_work work;
  float *samples; /* from .. until - 1 of all that came */
  int64_t from, until, room;
  bool ended;

  float *middle, *result; /* one block of frames, [row][lane] */
  int64_t computed;       /* frames so far; the last `ready` of them are in result */
  int64_t ready, taken;   /* how many are there, and how many of those have been taken */

  int64_t orders, given;
  lub_delta delta[MOST_ORDERS];
  float *recent; /* the last `width` frames, [frame mod width][row] */
  int64_t heard; /* frames that went into it */
};

static lub_status check(const lub_plan *plan, const lub_stream_options *options, lub_error *err) {
  const char *name = lub_plan_names[plan->kind];
  if (plan->kind == LUB_PLAN_MFCC && !isnan(plan->options.top_db))
    return lub_fail(err, LUB_EARG,
                    "stream: top_db = %g of %s is a floor below the loudest frame of the whole clip, which live sound "
                    "does not know; give top_db = false",
                    plan->options.top_db, name);
  if (plan->kind == LUB_PLAN_SPECTRAL_CONTRAST && plan->middle)
    return lub_fail(err, LUB_EARG,
                    "stream: %s has a floor 80 dB below the highest peak of the whole clip, which live sound does not "
                    "know; give linear = true",
                    name);
  if (options->orders > 0 && options->mode == LUB_DELTA_WRAP)
    return lub_fail(err, LUB_EARG, "stream: deltas of mode 'wrap' begin with the end of the whole clip, which live "
                                   "sound does not know; give another mode");
  if (options->orders < 0 || options->orders > MOST_ORDERS)
    return lub_fail(err, LUB_EARG, "stream: deltas must be of order 0 to %d, got %lld", MOST_ORDERS,
                    (long long)options->orders);
  return LUB_OK;
}

lub_status lub_stream_new(lub_stream **out, const lub_plan *plan, const lub_stream_options *options, lub_error *err) {
  *out = NULL;
  if (check(plan, options, err) != LUB_OK) return err->status;
  int64_t lanes = plan->kernels->lanes, width = options->orders > 0 ? options->width : 1;
  lub_stream *stream = lub_calloc(1, sizeof *stream);
  if (!stream) return lub_nomem(err, "stream", sizeof *stream);
  stream->plan = plan;
  lub_status status = lub_block_work_init(&stream->work, plan, err);
  for (int64_t i = 0; status == LUB_OK && i < options->orders; i++) {
    status = lub_delta_init(&stream->delta[i], width, i + 1, options->mode, err);
    stream->orders = i + 1;
  }
  if (status == LUB_OK) {
    stream->middle = lub_calloc((size_t)(plan->middle * lanes), sizeof(float));
    stream->result = lub_calloc((size_t)(plan->rows * lanes), sizeof(float));
    stream->recent = lub_calloc((size_t)plan->rows * (size_t)width, sizeof(float));
    if (!stream->middle || !stream->result || !stream->recent)
      status = lub_nomem(err, "stream", 4.0 * (double)(plan->rows * (lanes + width)));
  }
  if (status == LUB_OK) *out = stream;
  else lub_stream_free(stream);
  return status;
}

void lub_stream_free(lub_stream *stream) {
  if (!stream) return;
  lub_block_work_free(&stream->work);
  for (int i = 0; i < MOST_ORDERS; i++) lub_delta_free(&stream->delta[i]);
  free(stream->samples);
  free(stream->middle);
  free(stream->result);
  free(stream->recent);
  free(stream);
}

void lub_stream_reset(lub_stream *stream) {
  stream->from = stream->until = 0;
  stream->ended = false;
  stream->computed = stream->ready = stream->taken = stream->given = stream->heard = 0;
}

int64_t lub_stream_rows(const lub_stream *stream) { return stream->plan->rows * (1 + stream->orders); }
int64_t lub_stream_given(const lub_stream *stream) { return stream->given; }

int64_t lub_stream_latency(const lub_stream *stream) {
  const lub_framing *framing = &stream->plan->framing;
  int64_t latency = framing->length - framing->pad;
  bool mirrored = framing->mode == LUB_PAD_REFLECT && framing->pad > 0; /* the first frame sees sample `pad` */
  return mirrored && latency < framing->pad + 1 ? framing->pad + 1 : latency;
}

/* === samples === */

/* Forgets what no frame to come can see: what lies before the next one, but for what may be mirrored at the end. */
static void forget(lub_stream *stream) {
  const lub_framing *framing = &stream->plan->framing;
  int64_t keep = stream->computed * framing->hop - framing->pad, mirror = stream->until - framing->pad - 1;
  if (keep > mirror) keep = mirror;
  if (keep <= stream->from) return;
  memmove(stream->samples, stream->samples + (keep - stream->from), sizeof(float) * (size_t)(stream->until - keep));
  stream->from = keep;
}

lub_status lub_stream_push(lub_stream *stream, const float *x, int64_t n, lub_error *err) {
  if (stream->ended) return lub_fail(err, LUB_EARG, "stream: nothing can follow flush; reset begins anew");
  if (!stream->plan->kernels->finite(x, n)) {
    int64_t at = 0;
    while (isfinite(x[at])) at++;
    return lub_fail(err, LUB_EARG, "stream: sample %lld of the block is not finite (%g)", (long long)at + 1,
                    (double)x[at]);
  }
  forget(stream);
  int64_t held = stream->until - stream->from;
  if (held + n > stream->room) {
    /* with room for twice as much as ever, so that sizes that vary a little soon fit */
    int64_t room = lub_round_up(2 * (held + n), LUB_ALIGN);
    float *more = lub_alloc(sizeof(float) * (size_t)room);
    if (!more) return lub_nomem(err, "stream", 4.0 * (double)room);
    if (held > 0) memcpy(more, stream->samples, sizeof(float) * (size_t)held);
    free(stream->samples);
    stream->samples = more;
    stream->room = room;
  }
  if (n > 0) memcpy(stream->samples + held, x, sizeof(float) * (size_t)n);
  stream->until += n;
  return LUB_OK;
}

/* How many frames can be computed, with those that have been. */
static int64_t available(const lub_stream *stream) {
  const lub_framing *framing = &stream->plan->framing;
  if (stream->ended) return stream->until > 0 ? lub_frames(framing, stream->until) : 0;
  int64_t rest = stream->until - lub_stream_latency(stream);
  return rest < 0 ? 0 : 1 + rest / framing->hop;
}

lub_status lub_stream_end(lub_stream *stream, lub_error *err) {
  if (stream->ended) return LUB_OK;
  stream->ended = true;
  int64_t frames = available(stream);
  return stream->orders > 0 && frames > 0 ? lub_delta_check(&stream->delta[0], frames, err) : LUB_OK;
}

/* === frames === */

static bool compute(lub_stream *stream) {
  const lub_plan *plan = stream->plan;
  int64_t lanes = plan->kernels->lanes, count = available(stream) - stream->computed;
  if (count <= 0) return false;
  if (count > lanes) count = lanes;
  lub_source source = {.signal = {.x = stream->samples,
                                  .from = stream->from,
                                  .until = stream->until,
                                  .n = stream->ended ? stream->until : LUB_ENDLESS}};
  float highest[2] = {-INFINITY, -INFINITY};
  unsigned control = lub_cpu_flush_denormals();
  lub_block_analyse(&stream->work, &source, stream->computed, count, plan->middle ? stream->middle : stream->result,
                    highest);
  if (plan->middle) lub_block_conclude(&stream->work, stream->middle, highest, stream->result);
  lub_cpu_restore(control);
  stream->computed += count;
  stream->ready = count;
  stream->taken = 0;
  return true;
}

/* The next frame without its deltas. */
static bool take(lub_stream *stream, float *out) {
  int64_t rows = stream->plan->rows, lanes = stream->plan->kernels->lanes;
  if (stream->taken == stream->ready && !compute(stream)) return false;
  const float *from = stream->result + stream->taken++;
  for (int64_t r = 0; r < rows; r++) out[r] = from[r * lanes];
  return true;
}

/* Fetches frames until those are there that the deltas of frame t see. */
static bool hear(lub_stream *stream, int64_t t) {
  const lub_delta *delta = &stream->delta[0];
  int64_t half = (delta->width - 1) / 2, rows = stream->plan->rows;
  int64_t middle = delta->mode == LUB_DELTA_INTERP && t < half ? half : t;
  while (stream->heard <= middle + half) {
    if (!take(stream, stream->recent + stream->heard % delta->width * rows)) return stream->ended && t < stream->heard;
    stream->heard++;
  }
  return true;
}

bool lub_stream_next(lub_stream *stream, float *out) {
  int64_t t = stream->given, rows = stream->plan->rows;
  if (stream->orders == 0) {
    if (!take(stream, out)) return false;
    stream->given++;
    return true;
  }
  if (!hear(stream, t)) return false;
  int64_t width = stream->delta[0].width, n = stream->ended ? available(stream) : LUB_ENDLESS;
  memcpy(out, stream->recent + t % width * rows, sizeof(float) * (size_t)rows);
  for (int64_t o = 0; o < stream->orders; o++)
    for (int64_t r = 0; r < rows; r++) {
      const lub_delta *delta = &stream->delta[o];
      double sum = 0;
      for (int64_t i = 0; i < width; i++) {
        int64_t at = lub_delta_index(delta, t, i, n);
        sum += delta->weight[i] * (at < 0 ? 0.0 : (double)stream->recent[at % width * rows + r]);
      }
      out[(o + 1) * rows + r] = (float)sum;
    }
  stream->given++;
  return true;
}
