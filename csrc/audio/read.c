#define _POSIX_C_SOURCE 200809L
#include "audio/read.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdio.h> /* SEEK_SET */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define SHORTS 16384 /* read and converted at once */

/* libsndfile looks at a header with a few dozen system calls; a buffer of its first bytes makes them four. */
#define BUFFER 8192

typedef struct source {
  int fd;
  int64_t at, from, held; /* position; what the buffer holds: `held` bytes from `from` on */
  char buffer[BUFFER];
} source;

struct lub_reader {
  SNDFILE *file;
  source source; /* of a regular file; others are read by libsndfile itself */
  lub_audio_info info;
  bool pcm16; /* read as int16_t and converted here: much faster than libsndfile's own way */
  char *path;
};

static lub_status world(lub_error *err, const char *path, const char *reason) {
  return lub_fail(err, LUB_EWORLD, "%s: %s", path, reason);
}

/* === a regular file, for libsndfile and for the look at its header === */

/* Up to n bytes from `at` on; fewer at the end, and where the disk fails. */
static int64_t read_at(source *s, char *to, int64_t n, int64_t at) {
  int64_t done = 0;
  while (done < n) {
    int64_t place = at + done, in = place - s->from;
    if (in >= 0 && in < s->held) {
      int64_t some = s->held - in < n - done ? s->held - in : n - done;
      memcpy(to + done, s->buffer + in, (size_t)some);
      done += some;
      continue;
    }
    bool direct = n - done >= BUFFER;
    ssize_t came = pread(s->fd, direct ? to + done : s->buffer, (size_t)(direct ? n - done : BUFFER), place);
    if (came < 0 && errno == EINTR) continue;
    if (came <= 0) break;
    if (direct) done += came;
    else s->from = place, s->held = came;
  }
  return done;
}

static sf_count_t source_length(void *user) {
  struct stat status;
  return fstat(((source *)user)->fd, &status) == 0 ? status.st_size : 0;
}

static sf_count_t source_seek(sf_count_t offset, int whence, void *user) {
  source *s = user;
  int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : source_length(user);
  if (base + offset < 0) return -1;
  return s->at = base + offset;
}

static sf_count_t source_read(void *to, sf_count_t n, void *user) {
  source *s = user;
  int64_t came = read_at(s, to, n, s->at);
  s->at += came;
  return came;
}

static sf_count_t source_write(const void *from, sf_count_t n, void *user) {
  (void)from, (void)n, (void)user;
  return 0;
}

static sf_count_t source_tell(void *user) { return ((source *)user)->at; }

/* === the length of a wav file, as its header has it === */

static uint32_t little32(const unsigned char *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* libsndfile silently shrinks the data of a cut wav file to what is there. Returns the frames that the header
 * promises where that is more than the file holds; otherwise `frames`. */
static int64_t promised_frames(source *s, int64_t size, int64_t frames) {
  char head[12];
  unsigned char chunk[24];
  int64_t at = 12, block = 0;
  if (read_at(s, head, 12, 0) != 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0) return frames;
  while (read_at(s, (char *)chunk, sizeof chunk, at) >= 8) {
    int64_t length = little32(chunk + 4);
    if (memcmp(chunk, "fmt ", 4) == 0) {
      unsigned format = chunk[8] | (unsigned)chunk[9] << 8;
      /* bytes per frame; those of compressed formats hold many frames */
      if (format == 1 || format == 3 || format == 0xFFFE) block = chunk[20] | chunk[21] << 8;
    } else if (memcmp(chunk, "data", 4) == 0) {
      /* programs that write to a pipe leave a size of nothing or of "unknown" */
      bool known = length > 0 && length < INT64_C(0x7FFFF000);
      if (!known || block == 0 || at + 8 + length <= size) return frames;
      int64_t promised = length / block;
      return promised > frames ? promised : frames;
    }
    at += 8 + length + length % 2;
  }
  return frames;
}

/* === opening === */

/* "WAV (Microsoft)" and the like are for people; these are soundfile's names. */
static const char *format_name(int format) {
  static const struct {
    int format;
    const char *name;
  } names[] = {{SF_FORMAT_WAV, "WAV"},   {SF_FORMAT_AIFF, "AIFF"}, {SF_FORMAT_AU, "AU"},       {SF_FORMAT_FLAC, "FLAC"},
               {SF_FORMAT_OGG, "OGG"},   {SF_FORMAT_WAVEX, "WAVEX"}, {SF_FORMAT_RF64, "RF64"}, {SF_FORMAT_CAF, "CAF"},
               {SF_FORMAT_W64, "W64"},   {SF_FORMAT_MAT4, "MAT4"}, {SF_FORMAT_MAT5, "MAT5"},   {SF_FORMAT_NIST, "NIST"},
               {SF_FORMAT_VOC, "VOC"},   {SF_FORMAT_SVX, "SVX"},   {0x230000, "MPEG"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].format == (format & SF_FORMAT_TYPEMASK)) return names[i].name;
  return "other";
}

static const char *subtype_name(int format) {
  static const struct {
    int format;
    const char *name;
  } names[] = {{SF_FORMAT_PCM_S8, "PCM_S8"}, {SF_FORMAT_PCM_U8, "PCM_U8"}, {SF_FORMAT_PCM_16, "PCM_16"},
               {SF_FORMAT_PCM_24, "PCM_24"}, {SF_FORMAT_PCM_32, "PCM_32"}, {SF_FORMAT_FLOAT, "FLOAT"},
               {SF_FORMAT_DOUBLE, "DOUBLE"}, {SF_FORMAT_ULAW, "ULAW"},     {SF_FORMAT_ALAW, "ALAW"},
               {SF_FORMAT_VORBIS, "VORBIS"}, {SF_FORMAT_OPUS, "OPUS"},     {SF_FORMAT_IMA_ADPCM, "IMA_ADPCM"},
               {SF_FORMAT_MS_ADPCM, "MS_ADPCM"}, {0x0082, "MPEG_LAYER_III"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].format == (format & SF_FORMAT_SUBMASK)) return names[i].name;
  return "other";
}

/* libsndfile keeps the reason of a failed opening for the whole process: openings take turns. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static lub_status open_file(lub_reader *reader, const char *path, lub_error *err) {
  struct stat status;
  SF_INFO info = {0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return world(err, path, strerror(errno));
  if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
    close(fd);
    return world(err, path, "is a folder");
  }
  if (S_ISREG(status.st_mode) && status.st_size == 0) {
    close(fd);
    return world(err, path, "the file is empty");
  }
  pthread_mutex_lock(&opening);
  if (S_ISREG(status.st_mode)) {
    static SF_VIRTUAL_IO calls = {source_length, source_seek, source_read, source_write, source_tell};
    reader->source.fd = fd; /* lub_reader_close closes it */
    reader->file = sf_open_virtual(&calls, SFM_READ, &info, &reader->source);
  } else {
    reader->file = sf_open_fd(fd, SFM_READ, &info, SF_TRUE); /* closes fd, also when it fails */
  }
  const int code = reader->file ? SF_ERR_NO_ERROR : sf_error(NULL);
  pthread_mutex_unlock(&opening);
  if (!reader->file) {
    const char *reason = sf_error_number(code);
    if (code == SF_ERR_UNRECOGNISED_FORMAT) reason = "no audio file, or in a format that is not known";
    return lub_fail(err, LUB_EWORLD, "%s: %s", path, reason);
  }
  reader->pcm16 = (info.format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16;
  reader->info = (lub_audio_info){.frames = info.frames,
                                  .promised = info.frames,
                                  .samplerate = info.samplerate,
                                  .channels = info.channels,
                                  .format = format_name(info.format),
                                  .subtype = subtype_name(info.format)};
  if (info.samplerate < 1 || info.channels < 1) return world(err, path, "the header is broken");
  if (info.frames < 0 || info.frames > INT64_MAX / 64 / info.channels)
    return world(err, path, "its length is not known");
  if (reader->source.fd >= 0)
    reader->info.promised = promised_frames(&reader->source, status.st_size, info.frames);
  return LUB_OK;
}

lub_status lub_reader_open(lub_reader **out, const char *path, lub_error *err) {
  lub_reader *reader = lub_calloc(1, sizeof *reader);
  *out = NULL;
  if (!reader) return lub_nomem(err, "reader", sizeof *reader);
  reader->source.fd = -1;
  size_t length = strlen(path) + 1;
  reader->path = lub_alloc(length);
  lub_status status = reader->path ? LUB_OK : lub_nomem(err, "reader", (double)length);
  if (status == LUB_OK) {
    memcpy(reader->path, path, length);
    status = open_file(reader, path, err);
  }
  if (status == LUB_OK) *out = reader;
  else lub_reader_close(reader);
  return status;
}

void lub_reader_close(lub_reader *reader) {
  if (!reader) return;
  if (reader->file) sf_close(reader->file);
  if (reader->source.fd >= 0) close(reader->source.fd);
  free(reader->path);
  free(reader);
}

const lub_audio_info *lub_reader_info(const lub_reader *reader) { return &reader->info; }
bool lub_reader_finite(const lub_reader *reader) { return reader->pcm16; }

/* === reading === */

lub_status lub_reader_seek(lub_reader *reader, int64_t frame, lub_error *err) {
  if (frame == 0) return LUB_OK;
  if (sf_seek(reader->file, frame, SF_SEEK_SET) != frame) return world(err, reader->path, sf_strerror(reader->file));
  return LUB_OK;
}

lub_status lub_reader_read(lub_reader *reader, float *x, int64_t n, int64_t *got, lub_error *err) {
  int channels = reader->info.channels;
  *got = 0;
  if (!reader->pcm16 || channels > SHORTS) {
    *got = sf_readf_float(reader->file, x, n);
  } else {
    int16_t block[SHORTS];
    int64_t most = SHORTS / channels;
    while (*got < n) {
      int64_t want = n - *got < most ? n - *got : most, came = sf_readf_short(reader->file, block, want);
      float *to = x + *got * channels;
      for (int64_t i = 0; i < came * channels; i++) to[i] = (float)block[i] * (1.0f / 32768);
      *got += came;
      if (came < want) break;
    }
  }
  if (*got < n && sf_error(reader->file) != SF_ERR_NO_ERROR)
    return world(err, reader->path, sf_strerror(reader->file));
  return LUB_OK;
}
