#include "audio/resample.h"

#include <math.h>
#include <stdbool.h>
#include <soxr.h>
#include <string.h>

#define MOST_RATIO 65536 /* far beyond it soxr 0.1.3 never ends, or crashes */

const char *const lub_quality_names[] = {"soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq", NULL};

int64_t lub_resampled_length(int64_t n, double orig_sr, double target_sr) {
  return orig_sr == target_sr ? n : (int64_t)ceil((double)n * (target_sr / orig_sr));
}

lub_status lub_resampler_new(lub_resampler **out, double orig_sr, double target_sr, lub_quality quality,
                             lub_error *err) {
  static const unsigned long recipes[] = {SOXR_VHQ, SOXR_HQ, SOXR_MQ, SOXR_LQ, SOXR_QQ};
  *out = NULL;
  if (!(target_sr <= orig_sr * MOST_RATIO))
    return lub_fail(err, LUB_EARG, "resampling from %g to %g Hz: at most %d times as many samples can be made", orig_sr,
                    target_sr, MOST_RATIO);
  soxr_quality_spec_t spec = soxr_quality_spec(recipes[quality], 0);
  soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  soxr_error_t failure = NULL;
  *out = (lub_resampler *)soxr_create(orig_sr, target_sr, 1, &failure, &io, &spec, NULL);
  if (!*out || failure) return lub_fail(err, LUB_EARG, "resampling from %g to %g Hz: %s", orig_sr, target_sr, failure);
  return LUB_OK;
}

void lub_resampler_free(lub_resampler *resampler) {
  if (resampler) soxr_delete((soxr_t)resampler);
}

static lub_status run(lub_resampler *resampler, const float *x, int64_t n, float *out, int64_t room, int64_t *made,
                      lub_error *err) {
  /* beyond its room soxr's output is dropped, as librosa cuts it */
  float surplus[256];
  for (;;) {
    size_t used = 0, done = 0;
    int64_t space = room - *made;
    bool drop = space <= 0;
    soxr_error_t failure = soxr_process((soxr_t)resampler, x, (size_t)n, x ? &used : NULL, drop ? surplus : out + *made,
                                        drop ? 256 : (size_t)space, &done);
    if (failure) return lub_fail(err, LUB_EARG, "resampling: %s", failure);
    if (!drop) *made += (int64_t)done;
    if (x) x += used, n -= (int64_t)used;
    if (x ? n == 0 : done == 0 || drop) return LUB_OK;
  }
}

lub_status lub_resampler_process(lub_resampler *resampler, const float *x, int64_t n, float *out, int64_t room,
                                 int64_t *made, lub_error *err) {
  return n > 0 ? run(resampler, x, n, out, room, made, err) : LUB_OK;
}

lub_status lub_resampler_finish(lub_resampler *resampler, float *out, int64_t room, int64_t *made, lub_error *err) {
  if (run(resampler, NULL, 0, out, room, made, err) != LUB_OK) return err->status;
  if (*made < room) {
    memset(out + *made, 0, sizeof(float) * (size_t)(room - *made));
    *made = room;
  }
  return LUB_OK;
}
