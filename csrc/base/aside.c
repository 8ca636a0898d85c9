#define _XOPEN_SOURCE 700 /* realpath */
#include "base/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h> /* rename */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/filelimit.h"

static lub_status fail_errno(lub_error *err, const char *path, int reason) {
  return lub_fail(err, LUB_EWORLD, "%s: %s", path, strerror(reason));
}

/* Writes everything; 0, or the errno. */
static int write_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    bytes += n;
    size -= (size_t)n;
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

static int write_device(const char *target, const void *bytes, size_t size) {
  int fd = open(target, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return errno;
  int reason = write_all(fd, bytes, size);
  if (close(fd) != 0 && !reason) reason = errno;
  return reason;
}

/* `old` is NULL where there is no file yet. */
static int write_side(const char *side, const char *target, const struct stat *old, const void *bytes, size_t size) {
  int fd = open(side, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return errno;
  int reason = write_all(fd, bytes, size);
  if (!reason && old && fchmod(fd, old->st_mode & 07777) != 0) reason = errno;
  if (!reason && fsync(fd) != 0) reason = errno;
  if (close(fd) != 0 && !reason) reason = errno;
  if (!reason && rename(side, target) != 0) reason = errno;
  if (reason) unlink(side);
  return reason;
}

static lub_status write_aside(const char *path, const void *bytes, size_t size, lub_error *err) {
  struct stat old;
  bool exists = stat(path, &old) == 0;
  if (exists && S_ISCHR(old.st_mode)) {
    int reason = write_device(path, bytes, size);
    return reason ? fail_errno(err, path, reason) : LUB_OK;
  }
  if (exists && S_ISDIR(old.st_mode)) return fail_errno(err, path, EISDIR);
  if (exists && !S_ISREG(old.st_mode)) return lub_fail(err, LUB_EWORLD, "%s: not a regular file", path);
  if (exists && access(path, W_OK) != 0) return fail_errno(err, path, errno);

  char *target = exists ? realpath(path, NULL) : strdup(path);
  if (!target) return fail_errno(err, path, errno);
  size_t length = strlen(target);
  char *side = malloc(length + sizeof ".part");
  if (!side) {
    free(target);
    return lub_nomem(err, path, (double)length);
  }
  memcpy(side, target, length);
  memcpy(side + length, ".part", sizeof ".part");
  int reason = write_side(side, target, exists ? &old : NULL, bytes, size);
  if (!reason) sync_folder(target);
  free(side);
  free(target);
  return reason ? fail_errno(err, path, reason) : LUB_OK;
}

lub_status lub_write_aside(const char *path, const void *bytes, size_t size, lub_error *err) {
  lub_filelimit hold;
  lub_filelimit_hold(&hold);
  lub_status status = write_aside(path, bytes, size, err);
  lub_filelimit_release(&hold);
  return status;
}
