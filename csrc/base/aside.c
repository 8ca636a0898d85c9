#define _GNU_SOURCE /* realpath, flock, sync_file_range */
#include "base/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct lub_aside {
  char *path;   /* as given, for messages */
  char *target; /* what is replaced: the end of a chain of links */
  char *side;   /* NULL: a device or pipe, written in place */
  int fd;
  bool existed;
  mode_t mode;
  size_t unsent; /* bytes that the disk was not told of yet */
};

enum { CHUNK = 8 << 20 };

static lub_status fail_errno(lub_error *err, const char *path, int reason) {
  return lub_fail(err, LUB_EWORLD, "%s: %s", path, strerror(reason));
}

void lub_size_guard_enter(lub_size_guard *guard) {
  sigset_t held, earlier;
  sigemptyset(&held);
  sigaddset(&held, SIGXFSZ);
  sigpending(&earlier);
  guard->pending = sigismember(&earlier, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &held, &guard->before);
}

void lub_size_guard_leave(lub_size_guard *guard) {
  sigset_t held, now;
  int taken;
  sigemptyset(&held);
  sigaddset(&held, SIGXFSZ);
  sigpending(&now);
  if (sigismember(&now, SIGXFSZ) && !guard->pending) sigwait(&held, &taken);
  pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

int lub_aside_write(lub_aside *aside, const void *bytes, size_t size) {
  const char *from = bytes;
  while (size > 0) {
    ssize_t n = write(aside->fd, from, size < CHUNK ? size : CHUNK);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    from += n;
    size -= (size_t)n;
    aside->unsent += (size_t)n;
#ifdef SYNC_FILE_RANGE_WRITE
    if (aside->unsent >= CHUNK) { /* the disk begins, while the next bytes are on their way */
      sync_file_range(aside->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
      aside->unsent = 0;
    }
#endif
  }
  return 0;
}

/* The rename itself must reach the disk too. Some file systems cannot sync a folder: no matter. */
static void sync_folder(char *file) {
  char *slash = strrchr(file, '/');
  const char *folder = ".";
  if (slash) {
    slash[slash == file] = '\0';
    folder = file;
  }
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

/* Takes the lock; 0, or the errno: EWOULDBLOCK after a second. File systems without locks go without. */
static int lock(int fd) {
  const struct timespec pause = {.tv_nsec = 5000000};
  for (int i = 0; i < 200; i++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK && errno != EINTR) return 0;
    nanosleep(&pause, NULL);
  }
  return EWOULDBLOCK;
}

/* Opens the side file and takes its lock. Who waited for it holds a file that has been renamed since: once more. */
static int open_side(lub_aside *aside) {
  struct stat mine, there;
  for (;;) {
    aside->fd = open(aside->side, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (aside->fd < 0) return errno;
    int reason = lock(aside->fd);
    if (!reason && fstat(aside->fd, &mine) != 0) reason = errno;
    bool same = !reason && stat(aside->side, &there) == 0 && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
    if (same) return ftruncate(aside->fd, 0) == 0 ? 0 : errno;
    close(aside->fd);
    aside->fd = -1;
    if (reason) return reason;
  }
}

static void free_aside(lub_aside *aside) {
  if (aside->fd >= 0) close(aside->fd); /* and gives the lock back */
  free(aside->path);
  free(aside->target);
  free(aside->side);
  free(aside);
}

/* Where a chain of links ends that leads to no file yet, as a copy; NULL and errno. */
static char *end_of_links(const char *path) {
  char *at = strdup(path);
  for (int links = 0; at; links++) {
    char to[4096];
    ssize_t length = readlink(at, to, sizeof to);
    if (length < 0 && (errno == EINVAL || errno == ENOENT)) return at; /* no link, or nothing */
    const char *slash = strrchr(at, '/');
    size_t folder = length > 0 && to[0] != '/' && slash ? (size_t)(slash - at) + 1 : 0;
    int reason = length < 0 ? errno : (size_t)length == sizeof to ? ENAMETOOLONG : links == 40 ? ELOOP : 0;
    char *next = reason ? NULL : malloc(folder + (size_t)length + 1);
    if (next) {
      memcpy(next, at, folder);
      memcpy(next + folder, to, (size_t)length);
      next[folder + (size_t)length] = '\0';
    }
    free(at);
    at = next;
    errno = reason ? reason : ENOMEM;
  }
  return NULL;
}

static lub_status open_aside(lub_aside *aside, const char *path, lub_error *err) {
  struct stat old;
  aside->existed = stat(path, &old) == 0;
  if (aside->existed && S_ISDIR(old.st_mode)) return fail_errno(err, path, EISDIR);
  if (aside->existed && !S_ISREG(old.st_mode)) {
    aside->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return aside->fd < 0 ? fail_errno(err, path, errno) : LUB_OK;
  }
  if (aside->existed && access(path, W_OK) != 0) return fail_errno(err, path, errno);
  aside->mode = old.st_mode & 07777;
  aside->target = aside->existed ? realpath(path, NULL) : end_of_links(path);
  if (!aside->target) return fail_errno(err, path, errno);
  size_t length = strlen(aside->target);
  aside->side = malloc(length + sizeof ".part");
  if (!aside->side) return lub_nomem(err, path, (double)length);
  memcpy(aside->side, aside->target, length);
  memcpy(aside->side + length, ".part", sizeof ".part");
  int reason = open_side(aside);
  if (reason == EWOULDBLOCK) return lub_fail(err, LUB_EWORLD, "%s: another program is writing it", path);
  return reason ? fail_errno(err, path, reason) : LUB_OK;
}

lub_status lub_aside_open(lub_aside **out, const char *path, lub_error *err) {
  lub_aside *aside = calloc(1, sizeof *aside);
  *out = NULL;
  if (!aside) return lub_nomem(err, path, sizeof *aside);
  aside->fd = -1;
  aside->path = strdup(path);
  lub_status status = aside->path ? open_aside(aside, path, err) : lub_nomem(err, path, (double)strlen(path));
  if (status == LUB_OK) *out = aside;
  else free_aside(aside);
  return status;
}

int lub_aside_descriptor(const lub_aside *aside) { return aside->fd; }

lub_status lub_aside_commit(lub_aside *aside, lub_error *err) {
  int reason = 0;
  if (aside->side) {
    if (aside->existed && fchmod(aside->fd, aside->mode) != 0) reason = errno;
    if (!reason && fsync(aside->fd) != 0) reason = errno;
    /* renamed before it is closed, so that nobody gets the lock of a file that is still to be renamed */
    if (!reason && rename(aside->side, aside->target) != 0) reason = errno;
    if (reason) unlink(aside->side);
    else sync_folder(aside->target);
  }
  lub_status status = reason ? fail_errno(err, aside->path, reason) : LUB_OK;
  free_aside(aside);
  return status;
}

void lub_aside_discard(lub_aside *aside) {
  if (!aside) return;
  if (aside->side) unlink(aside->side);
  free_aside(aside);
}

lub_status lub_write_aside(const char *path, const lub_piece *pieces, size_t count, lub_error *err) {
  int reason = 0;
  lub_aside *aside;
  if (lub_aside_open(&aside, path, err) != LUB_OK) return err->status;
  lub_size_guard guard;
  lub_size_guard_enter(&guard);
  for (size_t i = 0; i < count && !reason; i++) reason = lub_aside_write(aside, pieces[i].bytes, pieces[i].size);
  lub_size_guard_leave(&guard);
  if (!reason) return lub_aside_commit(aside, err);
  lub_aside_discard(aside);
  return fail_errno(err, path, reason);
}
