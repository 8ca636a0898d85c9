/* Tensor userdata: memory, views and shapes; what the other binding files use. The class itself,
 * as Lua sees it, is in tensor.c.
 *
 * A fresh tensor is one userdata: the header, then its floats, over-allocated so that they can be
 * aligned; so the collector knows its weight. A view is a header alone, with its owner in user value 1. */
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "lua/lubdub.h"

/* Blocks from here on are asked for on trial, because Lua's own error would not say what they were for. */
#define LARGE ((size_t)64 << 20)

static bool has_room(lua_State *L, size_t bytes) {
  void *volatile trial = malloc(bytes); /* volatile: the compiler would believe an unused one */
  if (!trial) {
    lua_gc(L, LUA_GCCOLLECT);
    trial = malloc(bytes);
  }
  free(trial);
  return trial != NULL;
}

lub_tensor *lubL_newtensor(lua_State *L, const lub_shape *shape) {
  char text[LUB_SHAPE_TEXT];
  int64_t size = lub_shape_size(shape);
  if (size < 0 || (uint64_t)size > (SIZE_MAX - sizeof(lub_tensor) - LUB_ALIGN) / sizeof(float) / 2)
    luaL_error(L, "Tensor: a size of %s overflows", lub_shape_text(shape, "?", text));
  size_t bytes = sizeof(lub_tensor) + LUB_ALIGN + sizeof(float) * (size_t)size;
  if (bytes >= LARGE && !has_room(L, bytes))
    luaL_error(L, "Tensor: out of memory: a size of %s takes %f MB", lub_shape_text(shape, "?", text),
               (lua_Number)(bytes >> 20));
  lub_tensor *t = lua_newuserdatauv(L, bytes, 1);
  uintptr_t data = (uintptr_t)(t + 1);
  *t = lub_tensor_over((float *)((data + LUB_ALIGN - 1) / LUB_ALIGN * LUB_ALIGN), shape);
  luaL_setmetatable(L, LUBL_TENSOR);
  return t;
}

lub_tensor *lubL_checktensor(lua_State *L, int arg) { return luaL_checkudata(L, arg, LUBL_TENSOR); }

lub_tensor *lubL_testtensor(lua_State *L, int arg) { return luaL_testudata(L, arg, LUBL_TENSOR); }

lub_tensor *lubL_newview(lua_State *L, int owner, const lub_tensor *view) {
  owner = lua_absindex(L, owner);
  lub_tensor *t = lua_newuserdatauv(L, sizeof *t, 1);
  *t = *view;
  /* a view of a view holds the true owner, so that chains do not grow */
  if (lua_getiuservalue(L, owner, 1) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushvalue(L, owner);
  }
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, LUBL_TENSOR);
  return t;
}

lub_tensor *lubL_checkcontiguous(lua_State *L, int arg) {
  lub_tensor *t = lubL_checktensor(L, arg);
  if (lub_tensor_contiguous(t)) return t;
  arg = lua_absindex(L, arg);
  lub_tensor *copy = lubL_newtensor(L, &t->shape);
  lub_tensor_copy(copy, t);
  lua_replace(L, arg);
  return copy;
}

static lub_shape read_shape(lua_State *L, int arg, const char *where, lua_Integer least) {
  lub_shape shape = {0};
  if (!lua_istable(L, arg)) luaL_error(L, "%s: a shape must be a table of sizes, got %s", where, luaL_typename(L, arg));
  arg = lua_absindex(L, arg);
  lua_Unsigned n = lua_rawlen(L, arg);
  if (n > LUB_MAX_DIMS)
    luaL_error(L, "%s: a shape has at most %d dimensions, got %I", where, LUB_MAX_DIMS, (LUAI_UACINT)n);
  shape.ndim = (int)n;
  for (int i = 0; i < shape.ndim; i++) {
    int exact;
    lua_rawgeti(L, arg, i + 1);
    lua_Integer size = lua_tointegerx(L, -1, &exact);
    if (lua_type(L, -1) != LUA_TNUMBER || !exact || size < least)
      luaL_error(L, "%s: size %d of a shape must be a whole number of at least %I, got %s", where, i + 1,
                 (LUAI_UACINT)least, luaL_tolstring(L, -1, NULL));
    shape.dim[i] = size;
    lua_pop(L, 1);
  }
  return shape;
}

lub_shape lubL_readshape(lua_State *L, int arg, const char *where) { return read_shape(L, arg, where, 0); }
lub_shape lubL_readopenshape(lua_State *L, int arg, const char *where) { return read_shape(L, arg, where, -1); }

lub_shape lubL_checkshape(lua_State *L, int arg) { return lubL_readshape(L, arg, "shape"); }

void lubL_pushshape(lua_State *L, const lub_shape *shape) {
  lua_createtable(L, shape->ndim, 0);
  for (int i = 0; i < shape->ndim; i++) {
    lua_pushinteger(L, shape->dim[i]);
    lua_rawseti(L, -2, i + 1);
  }
}
