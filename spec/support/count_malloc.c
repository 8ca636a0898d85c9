/* Counts calls of malloc and its kin in a process that preloads this: spec/stream_spec.lua builds it. glibc only. */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

static long calls;

void *malloc(size_t size) { return calls++, __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return calls++, __libc_calloc(count, size); }
void *realloc(void *p, size_t size) { return calls++, __libc_realloc(p, size); }
void *memalign(size_t align, size_t size) { return calls++, __libc_memalign(align, size); }
void *aligned_alloc(size_t align, size_t size) { return calls++, __libc_memalign(align, size); }
int posix_memalign(void **p, size_t align, size_t size) {
  calls++;
  *p = __libc_memalign(align, size);
  return *p ? 0 : 12;
}

int count(lua_State *L);
int count(lua_State *L) {
  lua_pushinteger(L, calls);
  return 1;
}
