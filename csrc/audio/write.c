#define _XOPEN_SOURCE 700
#include "audio/write.h"

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

const char *const lub_subtype_names[] = {"PCM_16", "PCM_24", "FLOAT", NULL};

struct lub_writer {
  SNDFILE *file;
  int fd;     /* a second descriptor, for fsync after libsndfile has closed its own */
  char *path; /* final name */
  char *side; /* where it is written; the same pointer as path for devices */
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
  struct stat status;
  bool special = stat(writer->path, &status) == 0 && !S_ISREG(status.st_mode);
  if (special && S_ISDIR(status.st_mode)) return world(writer, "is a folder", err);
  char *target = special ? NULL : realpath(writer->path, NULL); /* a link keeps pointing where it did */
  if (target) {
    free(writer->path);
    writer->path = target;
  }
  if (special) {
    writer->side = writer->path;
  } else {
    size_t length = strlen(writer->path) + sizeof ".part";
    writer->side = lub_alloc(length);
    if (!writer->side) return lub_nomem(err, "writer", (double)length);
    snprintf(writer->side, length, "%s.part", writer->path);
  }
  SF_INFO info = {.samplerate = samplerate, .channels = channels, .format = format};
  int fd = open(writer->side, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return world(writer, strerror(errno), err);
  writer->fd = dup(fd);
  writer->file = sf_open_fd(fd, SFM_WRITE, &info, SF_TRUE);
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
  writer->fd = -1;
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
  errno = 0;
  if (sf_writef_float(writer->file, x, n) != n)
    return world(writer, errno ? strerror(errno) : sf_strerror(writer->file), err);
  return LUB_OK;
}

static void free_writer(lub_writer *writer) {
  if (writer->file) sf_close(writer->file);
  if (writer->fd >= 0) close(writer->fd);
  if (writer->side != writer->path) free(writer->side);
  free(writer->path);
  free(writer);
}

lub_status lub_writer_finish(lub_writer *writer, lub_error *err) {
  lub_status status = LUB_OK;
  bool aside = writer->side != writer->path;
  errno = 0;
  int failed = sf_close(writer->file);
  writer->file = NULL;
  if (failed) status = world(writer, errno ? strerror(errno) : sf_error_number(failed), err);
  if (status == LUB_OK && aside && fsync(writer->fd) != 0) status = world(writer, strerror(errno), err);
  if (status == LUB_OK && aside && rename(writer->side, writer->path) != 0)
    status = world(writer, strerror(errno), err);
  if (status != LUB_OK && aside) unlink(writer->side);
  free_writer(writer);
  return status;
}

void lub_writer_discard(lub_writer *writer) {
  if (!writer) return;
  if (writer->file) sf_close(writer->file);
  writer->file = NULL;
  if (writer->fd >= 0 && writer->side != writer->path) unlink(writer->side);
  free_writer(writer);
}
