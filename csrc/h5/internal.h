/* internal.h - what the files of csrc/h5 share. */
#ifndef LUB_H5_INTERNAL_H
#define LUB_H5_INTERNAL_H

#define H5_USE_110_API /* newer libraries speak 1.10's names on request */
#include <hdf5.h>

#include "h5/h5.h"

struct lub_h5 {
  hid_t id;
  char *path;      /* NULL: made in memory */
  int64_t bytes;   /* the length of a file that was opened */
  char *text;      /* the strings last given, and before them their addresses */
};

/* Every call of HDF5 stands between these two: the lock, and HDF5's printing of errors off. */
void lub_h5_enter(void);
void lub_h5_leave(void);

/* Fails with "file: object: reason (the innermost of HDF5's messages)"; object may be NULL. Call
 * before anything else can clear HDF5's error stack. */
lub_status lub_h5_fail(lub_error *err, const lub_h5 *file, const char *object, const char *reason);

/* The file's name in messages. */
const char *lub_h5_name(const lub_h5 *file);

/* lub_h5_find, inside the lock. */
lub_status lub_h5_look(lub_h5 *file, const char *object, lub_h5_kind *kind, lub_error *err);

/* Fails unless the object at `object` is there and of this kind (LUB_H5_OTHER: of any). Inside the lock. */
lub_status lub_h5_expect(lub_h5 *file, const char *object, lub_h5_kind kind, lub_error *err);

/* Makes room for `count` strings of `length` characters in all ('\0's not counted) in file->text, and
 * gives the array of their addresses and the first free character; *text shows them. */
lub_status lub_h5_room(lub_h5 *file, size_t count, size_t length, char ***at, char **characters, lub_h5_text *text,
                       lub_error *err);

#endif
