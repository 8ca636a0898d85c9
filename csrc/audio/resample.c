#include "audio/resample.h"

#include <math.h>
#include <stdbool.h>
#include <soxr.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const char *const lub_quality_names[] = {"soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq", NULL};

int64_t lub_resampled_length(int64_t n, double orig_sr, double target_sr) {
  return orig_sr == target_sr ? n : (int64_t)ceil((double)n * (target_sr / orig_sr));
}

#define MOST_RATIO 65536 /* far beyond it soxr 0.1.3 never ends, or crashes */
#define SURPLUS 256
#define PIECE 4096.0 /* samples before or after, given to soxr at once: its buffers stay in the cache */

struct lub_resampler {
  soxr_t soxr;
  int channels;
  int64_t piece;
  const float **from; /* where each channel stands */
  float **to;
  float *surplus; /* SURPLUS for each channel: beyond its room soxr's output is dropped, as librosa cuts it */
};

lub_status lub_resampler_new(lub_resampler **out, int channels, double orig_sr, double target_sr, lub_quality quality,
                             lub_error *err) {
  static const unsigned long recipes[] = {SOXR_VHQ, SOXR_HQ, SOXR_MQ, SOXR_LQ, SOXR_QQ};
  soxr_quality_spec_t spec = soxr_quality_spec(recipes[quality], 0);
  soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
  soxr_error_t failure = NULL;
  *out = NULL;
  if (!(target_sr <= orig_sr * MOST_RATIO))
    return lub_fail(err, LUB_EARG, "resampling from %g to %g Hz: at most %d times as many samples can be made", orig_sr,
                    target_sr, MOST_RATIO);
  lub_resampler *resampler = *out = lub_calloc(1, sizeof *resampler);
  if (!resampler) return lub_nomem(err, "resampling", sizeof *resampler);
  resampler->channels = channels;
  resampler->piece = (int64_t)fmax(16, orig_sr > target_sr ? PIECE : PIECE * orig_sr / target_sr);
  resampler->from = lub_calloc((size_t)channels, sizeof(float *));
  resampler->to = lub_calloc((size_t)channels, sizeof(float *));
  resampler->surplus = lub_calloc((size_t)channels * SURPLUS, sizeof(float));
  bool there = resampler->from && resampler->to && resampler->surplus;
  if (there) resampler->soxr = soxr_create(orig_sr, target_sr, (unsigned)channels, &failure, &io, &spec, NULL);
  if (resampler->soxr && !failure) return LUB_OK;
  lub_resampler_free(resampler);
  *out = NULL;
  if (!there) return lub_nomem(err, "resampling", SURPLUS * 4.0 * channels);
  return lub_fail(err, LUB_EARG, "resampling from %g to %g Hz: %s", orig_sr, target_sr, failure);
}

void lub_resampler_free(lub_resampler *resampler) {
  if (!resampler) return;
  if (resampler->soxr) soxr_delete(resampler->soxr);
  free(resampler->from);
  free(resampler->to);
  free(resampler->surplus);
  free(resampler);
}

static lub_status run(lub_resampler *resampler, const float *const *x, int64_t n, float *const *out, int64_t room,
                      int64_t *made, lub_error *err) {
  int channels = resampler->channels;
  int64_t taken = 0;
  for (;;) {
    size_t used = 0, done = 0;
    int64_t space = room - *made;
    bool drop = space <= 0;
    for (int c = 0; c < channels; c++) {
      if (x) resampler->from[c] = x[c] + taken;
      resampler->to[c] = drop ? resampler->surplus + c * SURPLUS : out[c] + *made;
    }
    int64_t piece = n - taken < resampler->piece ? n - taken : resampler->piece;
    soxr_error_t failure =
        soxr_process(resampler->soxr, x ? (soxr_in_t)resampler->from : NULL, (size_t)piece, x ? &used : NULL,
                     (soxr_out_t)resampler->to, drop ? SURPLUS : (size_t)space, &done);
    if (failure) return lub_fail(err, LUB_EARG, "resampling: %s", failure);
    if (!drop) *made += (int64_t)done;
    taken += (int64_t)used;
    if (x ? taken == n : done == 0 || drop) return LUB_OK;
  }
}

lub_status lub_resampler_process(lub_resampler *resampler, const float *const *x, int64_t n, float *const *out,
                                 int64_t room, int64_t *made, lub_error *err) {
  return n > 0 ? run(resampler, x, n, out, room, made, err) : LUB_OK;
}

lub_status lub_resampler_finish(lub_resampler *resampler, float *const *out, int64_t room, int64_t *made,
                                lub_error *err) {
  if (run(resampler, NULL, 0, out, room, made, err) != LUB_OK) return err->status;
  for (int c = 0; c < resampler->channels && *made < room; c++)
    memset(out[c] + *made, 0, sizeof(float) * (size_t)(room - *made));
  if (*made < room) *made = room;
  return LUB_OK;
}
