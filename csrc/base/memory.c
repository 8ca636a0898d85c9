#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

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
