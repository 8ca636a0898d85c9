#define _POSIX_C_SOURCE 200809L
#include "pipeline/fingerprint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/pool.h"

#define SLICE 0.02
#define PIECE (1 << 18) /* bytes between two looks at the clock */

lub_status lub_identify(const char *path, lub_identity *identity, lub_error *err) {
  struct stat status;
  if (stat(path, &status) != 0) return lub_fail(err, LUB_EWORLD, "%s: %s", path, strerror(errno));
  *identity = (lub_identity){.device = (int64_t)status.st_dev,
                             .inode = (int64_t)status.st_ino,
                             .size = (int64_t)status.st_size,
                             .mtime = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec};
  return LUB_OK;
}

/* What one thread has at hand. */
typedef struct slot {
  int64_t item; /* -1: none */
  int fd;
  int64_t at; /* in memory */
  lub_hash hash;
  char *piece;
} slot;

typedef struct result {
  bool known;
  uint64_t digest[4];
} result;

struct lub_fingerprints {
  const lub_content *contents;
  int64_t count;
  result *results;
  _Atomic int64_t next, done;
  double deadline;
  int slots;
  slot *slot;
};

static void leave(lub_fingerprints *job, slot *s, bool known) {
  const lub_content *content = &job->contents[s->item];
  result *r = &job->results[s->item];
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
  lub_hash_add(&s->hash, content->extra, sizeof content->extra);
  lub_hash_end(&s->hash, r->digest);
  r->known = known;
  s->item = -1;
  atomic_fetch_add(&job->done, 1);
}

static bool step(lub_fingerprints *job, slot *s) {
  if (s->item < 0) {
    int64_t i = atomic_fetch_add(&job->next, 1);
    if (i >= job->count) return false;
    s->item = i;
    s->at = 0;
    lub_hash_begin(&s->hash);
    const char *path = job->contents[i].path;
    if (path) s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (path && s->fd < 0) leave(job, s, false);
    return true;
  }
  const lub_content *content = &job->contents[s->item];
  if (content->path) {
    ssize_t n = read(s->fd, s->piece, PIECE);
    if (n > 0) lub_hash_add(&s->hash, s->piece, (size_t)n);
    else if (n == 0 || errno != EINTR) leave(job, s, n == 0);
  } else {
    int64_t rest = content->size - s->at, n = rest < PIECE ? rest : PIECE;
    lub_hash_add(&s->hash, (const char *)content->bytes + s->at, (size_t)n);
    s->at += n;
    if (s->at == content->size) leave(job, s, true);
  }
  return true;
}

static void work(void *context, int64_t chunk, int thread) {
  lub_fingerprints *job = context;
  (void)thread;
  while (step(job, &job->slot[chunk]) && lub_clock() < job->deadline) {}
}

lub_status lub_fingerprints_new(lub_fingerprints **out, const lub_content *contents, int64_t count, lub_error *err) {
  int threads = lub_num_threads();
  lub_fingerprints *job = *out = lub_calloc(1, sizeof *job);
  if (!job) return lub_nomem(err, "cache", sizeof *job);
  job->contents = contents, job->count = count;
  job->slots = count < threads ? (int)count : threads;
  job->results = calloc((size_t)count, sizeof(result));
  job->slot = calloc((size_t)job->slots, sizeof(slot));
  bool there = job->results && job->slot;
  for (int i = 0; job->slot && i < job->slots; i++) {
    job->slot[i] = (slot){.item = -1, .fd = -1, .piece = malloc(PIECE)};
    there = there && job->slot[i].piece;
  }
  if (there) return LUB_OK;
  lub_fingerprints_free(job);
  *out = NULL;
  return lub_nomem(err, "cache", 40.0 * (double)count);
}

void lub_fingerprints_free(lub_fingerprints *job) {
  if (!job) return;
  for (int i = 0; job->slot && i < job->slots; i++) {
    if (job->slot[i].fd >= 0) close(job->slot[i].fd);
    free(job->slot[i].piece);
  }
  free(job->slot);
  free(job->results);
  free(job);
}

int64_t lub_fingerprints_advance(lub_fingerprints *job) {
  job->deadline = lub_clock() + SLICE;
  if (atomic_load(&job->done) < job->count) lub_parallel(job->slots, job->slots, work, job);
  return atomic_load(&job->done);
}

const uint64_t *lub_fingerprint(const lub_fingerprints *job, int64_t i) {
  return job->results[i].known ? job->results[i].digest : NULL;
}
