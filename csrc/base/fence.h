/* fence.h - under AddressSanitizer, memory within a block that nobody may touch for now. By itself it guards only what
 * lies around blocks; who deals one out in pieces tells it here what lies between them. Elsewhere this is nothing. */
#ifndef LUB_BASE_FENCE_H
#define LUB_BASE_FENCE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)

#include <sanitizer/asan_interface.h>

#define LUB_FENCE 64 /* bytes to leave behind a piece that might otherwise end where the next begins */
static inline void lub_forbid(const void *from, size_t bytes) { __asan_poison_memory_region(from, bytes); }
static inline void lub_allow(const void *from, size_t bytes) { __asan_unpoison_memory_region(from, bytes); }

#else

#define LUB_FENCE 0
static inline void lub_forbid(const void *from, size_t bytes) { (void)from, (void)bytes; }
static inline void lub_allow(const void *from, size_t bytes) { (void)from, (void)bytes; }

#endif

#endif
