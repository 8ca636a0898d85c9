/* internal.h - what the files of csrc/h5 share. */
#ifndef LUB_H5_INTERNAL_H
#define LUB_H5_INTERNAL_H

#define H5_USE_110_API /* newer libraries speak 1.10's names on request */
#include <hdf5.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h> /* drivers */
#endif

#include "h5/h5.h"

typedef struct lub_h5_memory lub_h5_memory;

struct lub_h5 {
  hid_t id, driver;
  lub_h5_memory *memory; /* the file's */
};

/* === where the bytes of a file are (memory.c) === */

/* Registers the driver with HDF5: to be unregistered behind the file's end, since HDF5 looks at it until then. Negative
 * where that fails. */
hid_t lub_h5_memory_driver(void);
/* If HDF5 now writes these bytes, all at once, they are not copied. End with an offer of NULL. */
void lub_h5_memory_offer(lub_h5_memory *memory, const void *numbers, size_t size);
/* All bytes of a file that has been flushed, in pieces; NULL: no memory. */
const lub_piece *lub_h5_memory_pieces(lub_h5_memory *memory, size_t *count);

/* === the library (library.c) === */

/* Every call of HDF5 stands between these two: the lock, and HDF5's printing of errors off. */
void lub_h5_enter(void);
void lub_h5_leave(void);

/* Fails with "new HDF5 file: object: reason (the innermost of HDF5's messages)"; object may be NULL. Call
 * before anything else can clear HDF5's error stack. */
lub_status lub_h5_fail(lub_error *err, const char *object, const char *reason);

/* Files have no names before they are saved. */
#define LUB_H5_NAME "new HDF5 file"

#endif
