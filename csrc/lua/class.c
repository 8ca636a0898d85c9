/* What every binding needs to make a class and to report a failure; linked into each of our libraries. */
#include <string.h>

#include "lua/lubdub.h"

int lubL_failure(lua_State *L, const lub_error *err) {
  if (err->status == LUB_EWORLD) {
    lua_pushnil(L);
    lua_pushstring(L, err->message);
    return 2;
  }
  return luaL_error(L, "%s", err->message);
}

const char *lubL_checkpath(lua_State *L, int arg) {
  size_t length;
  const char *path = luaL_checklstring(L, arg, &length);
  luaL_argcheck(L, strlen(path) == length, arg, "a file name without zero bytes expected");
  return path;
}

static int bytes_tostring(lua_State *L) {
  const lubL_bytes *bytes = luaL_checkudata(L, 1, LUBL_BYTES);
  luaL_Buffer string;
  luaL_buffinit(L, &string);
  for (size_t i = 0; i < bytes->count; i++) luaL_addlstring(&string, bytes->pieces[i].bytes, bytes->pieces[i].size);
  luaL_pushresult(&string);
  return 1;
}

lubL_bytes *lubL_newbytes(lua_State *L, size_t size, void **own) {
  lubL_bytes *bytes = lua_newuserdatauv(L, sizeof *bytes + size, 1);
  *own = bytes + 1;
  *bytes = (lubL_bytes){.pieces = &bytes->own, .count = 1, .own = {*own, size}};
  if (luaL_newmetatable(L, LUBL_BYTES)) {
    lua_pushcfunction(L, bytes_tostring);
    lua_setfield(L, -2, "__tostring");
  }
  lua_setmetatable(L, -2);
  return bytes;
}

void lubL_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  if (meta) luaL_setfuncs(L, meta, 0); /* may replace __index */
  lua_pop(L, 1);
}
