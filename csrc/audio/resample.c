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
#define MOST_SKIPPED 4096 /* soxr_qq's last stage never advances by 8192 samples or more */
#define PIECE 2048 /* samples before or after, given to soxr at once: its buffers stay in the cache */
#define TAIL (PIECE / 4) /* of silence at the end, likewise */

struct lub_resampler {
  soxr_t soxr;
  int channels;
  double ratio; /* samples before, for one after */
  int64_t piece, taken;
  const float **from; /* where each channel stands */
  float **to;
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
  if (quality == LUB_SOXR_QQ && orig_sr > target_sr * MOST_SKIPPED)
    return lub_fail(err, LUB_EARG, "resampling from %g to %g Hz: soxr_qq makes at most %d times fewer samples; "
                    "the other qualities can go further", orig_sr, target_sr, MOST_SKIPPED);
  lub_resampler *resampler = *out = lub_calloc(1, sizeof *resampler);
  if (!resampler) return lub_nomem(err, "resampling", sizeof *resampler);
  resampler->channels = channels;
  resampler->ratio = orig_sr / target_sr;
  resampler->piece = (int64_t)fmax(16, PIECE * fmin(1, resampler->ratio));
  resampler->from = lub_calloc((size_t)channels, sizeof(float *));
  resampler->to = lub_calloc((size_t)channels, sizeof(float *));
  bool there = resampler->from && resampler->to;
  if (there) resampler->soxr = soxr_create(orig_sr, target_sr, (unsigned)channels, &failure, &io, &spec, NULL);
  if (resampler->soxr && !failure) return LUB_OK;
  lub_resampler_free(resampler);
  *out = NULL;
  if (!there) return lub_nomem(err, "resampling", 16.0 * channels);
  return lub_fail(err, LUB_EARG, "resampling from %g to %g Hz: %s", orig_sr, target_sr, failure);
}

void lub_resampler_free(lub_resampler *resampler) {
  if (!resampler) return;
  if (resampler->soxr) soxr_delete(resampler->soxr);
  free(resampler->from);
  free(resampler->to);
  free(resampler);
}

/* Gives soxr n samples of resampler->from, and takes what is ready. */
static lub_status feed(lub_resampler *resampler, int64_t n, float *const *out, int64_t room, int64_t *made,
                       lub_error *err) {
  size_t done = 0;
  for (int c = 0; c < resampler->channels; c++) resampler->to[c] = out[c] + *made;
  soxr_error_t failure = soxr_process(resampler->soxr, (soxr_in_t)resampler->from, (size_t)n, NULL,
                                      (soxr_out_t)resampler->to, (size_t)(room - *made), &done);
  if (failure) return lub_fail(err, LUB_EARG, "resampling: %s", failure);
  *made += (int64_t)done;
  return LUB_OK;
}

lub_status lub_resampler_process(lub_resampler *resampler, const float *const *x, int64_t n, float *const *out,
                                 int64_t room, int64_t *made, lub_error *err) {
  for (int64_t at = 0; at < n; at += resampler->piece) {
    int64_t piece = n - at < resampler->piece ? n - at : resampler->piece;
    for (int c = 0; c < resampler->channels; c++) resampler->from[c] = x[c] + at;
    if (feed(resampler, piece, out, room, made, err) != LUB_OK) return err->status;
  }
  resampler->taken += n;
  return LUB_OK;
}

/* Silence brings out what soxr still holds, as its own flush does; but that fills every stage of the filter to the
 * brim, which for a few seconds of sound is a seventh of all work. As many samples are taken as the flush would
 * give. */
lub_status lub_resampler_finish(lub_resampler *resampler, float *const *out, int64_t room, int64_t *made,
                                lub_error *err) {
  static const float silence[TAIL];
  int64_t all = (int64_t)((double)resampler->taken / resampler->ratio + 0.5);
  if (all > room) all = room;
  for (int c = 0; c < resampler->channels; c++) resampler->from[c] = silence;
  while (*made < all)
    if (feed(resampler, resampler->piece / 4, out, all, made, err) != LUB_OK) return err->status;
  for (int c = 0; c < resampler->channels && *made < room; c++)
    memset(out[c] + *made, 0, sizeof(float) * (size_t)(room - *made));
  if (*made < room) *made = room;
  return LUB_OK;
}
