#define _DEFAULT_SOURCE /* strcasecmp */
#include "audio/write.h"

#include <errno.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/aside.h"
#include "base/memory.h"

const char *const lub_subtype_names[] = {"PCM_16", "PCM_24", "FLOAT", NULL};

struct lub_writer {
  SNDFILE *file;
  lub_aside *aside;
  char *path;
};

static lub_status world(const lub_writer *writer, const char *reason, lub_error *err) {
  return lub_fail(err, LUB_EWORLD, "%s: %s", writer->path, reason);
}

static int format_of(const char *path, lub_subtype subtype) {
  static const struct {
    const char *end;
    int format;
  } formats[] = {{".wav", SF_FORMAT_WAV}, {".flac", SF_FORMAT_FLAC}, {".ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
                 {".aiff", SF_FORMAT_AIFF}, {".aif", SF_FORMAT_AIFF}};
  static const int subtypes[] = {SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_FLOAT};
  size_t length = strlen(path);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    size_t end = strlen(formats[i].end);
    if (length < end || strcasecmp(path + length - end, formats[i].end) != 0) continue;
    bool complete = (formats[i].format & SF_FORMAT_SUBMASK) != 0;
    return complete ? formats[i].format : formats[i].format | subtypes[subtype];
  }
  return 0;
}

static lub_status open_side(lub_writer *writer, int format, int samplerate, int channels, lub_error *err) {
  if (lub_aside_open(&writer->aside, writer->path, err) != LUB_OK) return err->status;
  SF_INFO info = {.samplerate = samplerate, .channels = channels, .format = format};
  lub_size_guard guard;
  lub_size_guard_enter(&guard);
  writer->file = sf_open_fd(lub_aside_descriptor(writer->aside), SFM_WRITE, &info, SF_FALSE);
  lub_size_guard_leave(&guard);
  if (!writer->file) return world(writer, errno ? strerror(errno) : sf_strerror(NULL), err);
  sf_command(writer->file, SFC_SET_CLIPPING, NULL, SF_TRUE);
  return LUB_OK;
}

lub_status lub_writer_open(lub_writer **out, const char *path, int samplerate, int channels, lub_subtype subtype,
                           lub_error *err) {
  SF_INFO info = {.samplerate = samplerate, .channels = channels, .format = format_of(path, subtype)};
  *out = NULL;
  if (!info.format)
    return lub_fail(err, LUB_EARG, "%s: the name must end in .wav, .flac, .ogg or .aiff", path);
  if (!sf_format_check(&info))
    return lub_fail(err, LUB_EARG, "%s: this format cannot hold %d channels of %s at %d Hz", path, channels,
                    lub_subtype_names[subtype], samplerate);
  lub_writer *writer = lub_calloc(1, sizeof *writer);
  size_t length = strlen(path) + 1;
  if (!writer) return lub_nomem(err, "writer", sizeof *writer);
  writer->path = lub_alloc(length);
  lub_status status = LUB_OK;
  if (writer->path) {
    memcpy(writer->path, path, length);
    errno = 0;
    status = open_side(writer, info.format, samplerate, channels, err);
  } else {
    status = lub_nomem(err, "writer", (double)length);
  }
  if (status == LUB_OK) *out = writer;
  else lub_writer_discard(writer);
  return status;
}

lub_status lub_writer_write(lub_writer *writer, const float *x, int64_t n, lub_error *err) {
  lub_size_guard guard;
  lub_size_guard_enter(&guard);
  errno = 0;
  bool written = sf_writef_float(writer->file, x, n) == n;
  int reason = errno;
  lub_size_guard_leave(&guard);
  return written ? LUB_OK : world(writer, reason ? strerror(reason) : sf_strerror(writer->file), err);
}

/* Closes what libsndfile has, which may write; 0, or its error, and why in errno. */
static int close_file(lub_writer *writer) {
  lub_size_guard guard;
  lub_size_guard_enter(&guard);
  errno = 0;
  int failed = writer->file ? sf_close(writer->file) : 0, reason = errno;
  lub_size_guard_leave(&guard);
  writer->file = NULL;
  errno = reason;
  return failed;
}

lub_status lub_writer_finish(lub_writer *writer, lub_error *err) {
  lub_aside *aside = writer->aside;
  int failed = close_file(writer);
  lub_status status = LUB_OK;
  if (failed) status = world(writer, errno ? strerror(errno) : sf_error_number(failed), err);
  else status = lub_aside_commit(aside, err);
  writer->aside = failed ? aside : NULL;
  lub_writer_discard(writer);
  return status;
}

void lub_writer_discard(lub_writer *writer) {
  if (!writer) return;
  close_file(writer);
  lub_aside_discard(writer->aside);
  free(writer->path);
  free(writer);
}
