/* memory.h - allocation aligned for the widest vectors. */
#ifndef LUB_BASE_MEMORY_H
#define LUB_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define LUB_ALIGN 64

/* Rounds n up to a multiple of `unit`. */
static inline int64_t lub_round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/* Returns at least `bytes` bytes aligned to LUB_ALIGN, not cleared; NULL where there is
 * no memory. Free with free(). A size of 0 gives a valid pointer. */
void *lub_alloc(size_t bytes);

/* Like lub_alloc, for count * size bytes (NULL on overflow), cleared. */
void *lub_calloc(size_t count, size_t size);

/* Asks the system for large pages in a block that is about to be filled: where it has them, a hundred megabytes cost 50
 * faults and not 25000. Only a hint. */
void lub_expect_fill(void *block, size_t bytes);

#endif
