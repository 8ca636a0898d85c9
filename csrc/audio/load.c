#include "audio/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/read.h"
#include "base/memory.h"

#define BLOCK 16384 /* native samples (all channels) per step */

#define FIELD(field) .name = #field, .offset = offsetof(lub_load_options, field)
const lub_option lub_load_table[] = {
    {FIELD(sr), .type = LUB_OPTION_NUMBER, .fallback = 22050, .nullable = true, .min = 1, .max = 1e9},
    {FIELD(mono), .type = LUB_OPTION_BOOL, .fallback = 1},
    {FIELD(offset), .type = LUB_OPTION_NUMBER, .min = 0, .max = INFINITY},
    {FIELD(duration), .type = LUB_OPTION_NUMBER, .nullable = true, .none = true, .min = 0, .max = INFINITY},
    {FIELD(res_type), .type = LUB_OPTION_CHOICE, .choices = lub_quality_names, .fallback = LUB_SOXR_HQ},
    {FIELD(strict), .type = LUB_OPTION_BOOL},
    LUB_OPTIONS_END};

struct lub_load {
  char *name;
  bool strict;
  lub_reader *reader;                /* NULL: memory */
  const float *data;                 /* memory: row-major, `pitch` frames per channel */
  int64_t pitch;
  int64_t start, at, end;            /* native frames: first, next, one after the last */
  int channels, out_channels;        /* native, and of the result */
  double native_sr, sr;
  lub_quality quality;
  lub_resampler *resampler;          /* of the result's channels; NULL where the rate stays */
  int64_t made;                      /* frames in each row */
  const float **row;                 /* each channel of the block */
  float **to;                        /* each row of the result */
  float *interleaved, *channel;      /* one block */
  int64_t room, missing, frames;
  char warning[512];
};

static lub_status world(const lub_load *load, const char *reason, lub_error *err) {
  return lub_fail(err, LUB_EWORLD, "%s: %s", load->name, reason);
}

/* Says that the data ends early; strict makes it a failure. */
static lub_status broken_off(lub_load *load, int64_t promised, int64_t found, lub_error *err) {
  snprintf(load->warning, sizeof load->warning, "%.400s: the header promises %lld frames, the file holds %lld",
           load->name, (long long)promised, (long long)found);
  if (load->strict || found == 0) return lub_fail(err, LUB_EWORLD, "%s", load->warning);
  return LUB_OK;
}

/* === opening === */

/* int(seconds * rate), at most `most` */
static int64_t whole_frames(double seconds, double rate, int64_t most) {
  double frames = seconds * rate;
  return frames < (double)most ? (int64_t)frames : most;
}

static lub_status choose_range(lub_load *load, int64_t frames, const lub_load_options *o, lub_error *err) {
  if (frames == 0) return world(load, "holds no audio", err);
  load->start = load->at = whole_frames(o->offset, load->native_sr, frames);
  if (load->start == frames)
    return lub_fail(err, LUB_EWORLD, "%s: the offset (%g s) is not before its end (%g s)", load->name, o->offset,
                    (double)frames / load->native_sr);
  int64_t wanted = frames - load->start;
  if (!isnan(o->duration)) wanted = whole_frames(o->duration, load->native_sr, INT64_C(1) << 53);
  load->end = wanted < frames - load->start ? load->start + wanted : frames;
  load->missing = wanted - (load->end - load->start);
  load->sr = isnan(o->sr) ? load->native_sr : o->sr;
  load->room = lub_resampled_length(load->end - load->start, load->native_sr, load->sr);
  return LUB_OK;
}

/* How many frames the next block has, where `loads` loads like this one share the step. */
static int64_t next_block(const lub_load *load, int loads) {
  int64_t most = BLOCK / load->channels / loads, want = load->end - load->at;
  return want <= most ? want : most > 0 ? most : 1;
}

static lub_status prepare(lub_load *load, int64_t frames, const lub_load_options *o, lub_error *err) {
  if (choose_range(load, frames, o, err) != LUB_OK) return err->status;
  load->out_channels = o->mono ? 1 : load->channels;
  load->row = lub_calloc((size_t)load->out_channels, sizeof(float *));
  load->to = lub_calloc((size_t)load->out_channels, sizeof(float *));
  size_t block = (size_t)(next_block(load, 1) * load->channels);
  load->interleaved = lub_alloc(sizeof(float) * block);
  load->channel = lub_alloc(load->channels > 1 ? sizeof(float) * block : 0);
  if (!load->row || !load->to || !load->interleaved || !load->channel)
    return lub_nomem(err, "audio", 8.0 * (double)block);
  load->quality = (lub_quality)o->res_type;
  return LUB_OK;
}

/* With the first block, so that loads that go together need but one. */
static lub_status make_resampler(lub_load *load, int channels, lub_error *err) {
  if (load->resampler || load->sr == load->native_sr) return LUB_OK;
  if (lub_resampler_new(&load->resampler, channels, load->native_sr, load->sr, load->quality, err) == LUB_OK)
    return LUB_OK;
  const lub_error reason = *err;
  return lub_fail(err, LUB_EWORLD, "%s: %s", load->name, reason.message);
}

static lub_status new_load(lub_load **out, const char *name, const lub_load_options *o, lub_error *err) {
  lub_load *load = *out = lub_calloc(1, sizeof *load);
  size_t length = strlen(name) + 1;
  if (load) load->name = lub_alloc(length);
  if (!load || !load->name) {
    lub_load_close(load);
    *out = NULL;
    return lub_nomem(err, "audio", sizeof *load);
  }
  memcpy(load->name, name, length);
  load->strict = o->strict;
  return LUB_OK;
}

static lub_status open_reader(lub_load *load, lub_error *err) {
  if (lub_reader_open(&load->reader, load->name, err) != LUB_OK) return err->status;
  const lub_audio_info *info = lub_reader_info(load->reader);
  load->channels = info->channels;
  load->native_sr = info->samplerate;
  if (info->promised > info->frames && broken_off(load, info->promised, info->frames, err) != LUB_OK)
    return err->status;
  return LUB_OK;
}

lub_status lub_load_file(lub_load **out, const char *path, const lub_load_options *options, lub_error *err) {
  if (new_load(out, path, options, err) != LUB_OK) return err->status;
  lub_status status = open_reader(*out, err);
  if (status == LUB_OK) status = prepare(*out, lub_reader_info((*out)->reader)->frames, options, err);
  if (status == LUB_OK) status = lub_reader_seek((*out)->reader, (*out)->start, err);
  if (status != LUB_OK) {
    lub_load_close(*out);
    *out = NULL;
  }
  return status;
}

lub_status lub_load_memory(lub_load **out, const char *name, const float *data, int64_t channels, int64_t frames,
                           double sr, const lub_load_options *options, lub_error *err) {
  *out = NULL;
  if (channels < 1 || channels > 1024)
    return lub_fail(err, LUB_EARG, "%s: 1 to 1024 channels expected, got %lld", name, (long long)channels);
  if (new_load(out, name, options, err) != LUB_OK) return err->status;
  (*out)->data = data;
  (*out)->pitch = frames;
  (*out)->channels = (int)channels;
  (*out)->native_sr = sr;
  lub_status status = prepare(*out, frames, options, err);
  if (status != LUB_OK) {
    lub_load_close(*out);
    *out = NULL;
  }
  return status;
}

lub_status lub_load_measure_file(const char *path, const lub_load_options *options, int64_t *frames, lub_error *err) {
  lub_load *load;
  if (new_load(&load, path, options, err) != LUB_OK) return err->status;
  lub_status status = open_reader(load, err);
  if (status == LUB_OK) status = choose_range(load, lub_reader_info(load->reader)->frames, options, err);
  *frames = load->room;
  lub_load_close(load);
  return status;
}

lub_status lub_load_measure_memory(const char *name, int64_t frames, double sr, const lub_load_options *options,
                                   int64_t *result, lub_error *err) {
  lub_load *load;
  if (new_load(&load, name, options, err) != LUB_OK) return err->status;
  load->native_sr = sr;
  lub_status status = choose_range(load, frames, options, err);
  *result = load->room;
  lub_load_close(load);
  return status;
}

void lub_load_close(lub_load *load) {
  if (!load) return;
  lub_reader_close(load->reader);
  lub_resampler_free(load->resampler);
  free(load->row);
  free(load->to);
  free(load->interleaved);
  free(load->channel);
  free(load->name);
  free(load);
}

int lub_load_channels(const lub_load *load) { return load->out_channels; }
int64_t lub_load_room(const lub_load *load) { return load->room; }
double lub_load_sr(const lub_load *load) { return load->sr; }
void lub_load_into(lub_load *load, float *out) {
  for (int c = 0; c < load->out_channels; c++) load->to[c] = out + c * load->room;
}
int64_t lub_load_frames(const lub_load *load) { return load->frames; }
int64_t lub_load_missing(const lub_load *load) { return load->missing; }
const char *lub_load_warning(const lub_load *load) { return load->warning[0] ? load->warning : NULL; }

/* === steps === */

/* Fetches n frames, interleaved; *got < n where a file ends early. */
static lub_status fetch(lub_load *load, int64_t n, int64_t *got, lub_error *err) {
  if (load->reader) {
    if (lub_reader_read(load->reader, load->interleaved, n, got, err) != LUB_OK) return err->status;
    if (lub_reader_finite(load->reader)) return LUB_OK;
  } else {
    for (int c = 0; c < load->channels; c++) {
      const float *from = load->data + c * load->pitch + load->at;
      for (int64_t i = 0; i < n; i++) load->interleaved[i * load->channels + c] = from[i];
    }
    *got = n;
  }
  int64_t count = *got * load->channels;
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(load->interleaved[i]))
      return lub_fail(err, LUB_EWORLD, "%s: sample %lld is not finite (%g)", load->name,
                      (long long)(load->at + i / load->channels) + 1, (double)load->interleaved[i]);
  return LUB_OK;
}

/* Points load->row at the channels of a block of n frames: their mean, or each of them. */
static void find_rows(lub_load *load, int64_t n) {
  int channels = load->channels;
  const float *x = load->interleaved;
  load->row[0] = channels == 1 ? x : load->channel;
  if (channels == 1) return;
  if (load->out_channels > 1) {
    for (int c = 0; c < channels; c++) {
      float *row = load->channel + c * n;
      for (int64_t i = 0; i < n; i++) row[i] = x[i * channels + c];
      load->row[c] = row;
    }
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    float sum = x[i * channels];
    for (int k = 1; k < channels; k++) sum += x[i * channels + k];
    load->channel[i] = sum / (float)channels;
  }
}

static lub_status append(lub_load *load, int64_t n, lub_error *err) {
  find_rows(load, n);
  if (make_resampler(load, load->out_channels, err) != LUB_OK) return err->status;
  if (load->resampler)
    return lub_resampler_process(load->resampler, load->row, n, load->to, load->room, &load->made, err);
  for (int c = 0; c < load->out_channels; c++)
    memcpy(load->to[c] + load->made, load->row[c], sizeof(float) * (size_t)n);
  load->made += n;
  return LUB_OK;
}

static lub_status finish(lub_load *load, lub_error *err) {
  int64_t read = load->at - load->start;
  load->frames = lub_resampled_length(read, load->native_sr, load->sr);
  if (!load->resampler || read == 0) return LUB_OK;
  return lub_resampler_finish(load->resampler, load->to, load->frames, &load->made, err);
}

lub_status lub_load_advance(lub_load *load, bool *finished, lub_error *err) {
  int64_t want = next_block(load, 1), got = 0;
  *finished = false;
  if (want > 0) {
    if (fetch(load, want, &got, err) != LUB_OK || append(load, got, err) != LUB_OK) return err->status;
    load->at += got;
    if (got < want) {
      int64_t promised = lub_reader_info(load->reader)->promised;
      if (broken_off(load, promised, load->at, err) != LUB_OK) return err->status;
      load->missing += load->end - load->at;
      load->end = load->at;
    }
  }
  if (load->at < load->end) return LUB_OK;
  *finished = true;
  return finish(load, err);
}

/* === several at once === */

bool lub_load_alike(const lub_load *a, const lub_load *b) {
  return a->out_channels == 1 && b->out_channels == 1 && a->channels == b->channels && a->native_sr == b->native_sr &&
         a->sr == b->sr && a->sr > a->native_sr && a->quality == b->quality && a->end > a->start &&
         a->end - a->start == b->end - b->start && a->room <= LUB_LOAD_SHORT;
}

lub_status lub_load_advance_together(lub_load *const *loads, int count, bool *finished, lub_error *err) {
  lub_load *lead = loads[0];
  const float *row[LUB_LOAD_MOST];
  float *to[LUB_LOAD_MOST];
  int64_t want = next_block(lead, count), got = 0;
  *finished = false;
  for (int i = 0; i < count; i++) {
    if (fetch(loads[i], want, &got, err) != LUB_OK) return err->status;
    if (got < want) return world(loads[i], "broke off", err);
    find_rows(loads[i], want);
    row[i] = loads[i]->row[0];
    to[i] = loads[i]->to[0];
    loads[i]->at += want;
  }
  if (make_resampler(lead, count, err) != LUB_OK ||
      lub_resampler_process(lead->resampler, row, want, to, lead->room, &lead->made, err) != LUB_OK)
    return err->status;
  if (lead->at < lead->end) return LUB_OK;
  *finished = true;
  int64_t frames = lub_resampled_length(lead->end - lead->start, lead->native_sr, lead->sr);
  for (int i = 0; i < count; i++) loads[i]->frames = frames;
  return lub_resampler_finish(lead->resampler, to, frames, &lead->made, err);
}
