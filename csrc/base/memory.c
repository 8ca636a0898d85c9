#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *lub_alloc(size_t bytes) {
  if (bytes > SIZE_MAX - LUB_ALIGN) return NULL;
  size_t rounded = (bytes + LUB_ALIGN - 1) / LUB_ALIGN * LUB_ALIGN;
  return aligned_alloc(LUB_ALIGN, rounded > 0 ? rounded : LUB_ALIGN);
}

void *lub_calloc(size_t count, size_t size) {
  if (size > 0 && count > SIZE_MAX / size) return NULL;
  void *block = lub_alloc(count * size);
  if (block) memset(block, 0, count * size);
  return block;
}

void lub_expect_fill(void *block, size_t bytes) {
#ifdef MADV_HUGEPAGE
  const uintptr_t large = (uintptr_t)1 << 21;
  uintptr_t from = ((uintptr_t)block + large - 1) / large * large, to = ((uintptr_t)block + bytes) / large * large;
  if (from < to) madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
  (void)block;
  (void)bytes;
#endif
}
