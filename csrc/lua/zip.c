/* lubdub.zip: zip archives in memory, for lua/lubdub/keras. A library of its own, loaded with the first .keras file. */
#include <string.h>

#include "lua/lubdub.h"
#include "zip/zip.h"

#define ZIP_ARCHIVE "lubdub.zip.Archive"

static lub_zip **archive_slot(lua_State *L) { return luaL_checkudata(L, 1, ZIP_ARCHIVE); }

/* zip.open(path) -> Archive for reading | nil, reason */
static int archive_open(lua_State *L) {
  lub_error err;
  const char *path = lubL_checkpath(L, 1);
  lub_zip **slot = lua_newuserdatauv(L, sizeof *slot, 0);
  *slot = NULL;
  luaL_setmetatable(L, ZIP_ARCHIVE);
  return lub_zip_open(path, slot, &err) == LUB_OK ? 1 : lubL_failure(L, &err);
}

/* archive:close(), __gc, __close; a second time does nothing */
static int archive_close(lua_State *L) {
  lub_zip **slot = archive_slot(L);
  lub_zip_close(*slot);
  *slot = NULL;
  return 0;
}

static int read_member(lua_State *L, bool as_string) {
  lub_error err;
  int64_t size;
  luaL_Buffer string;
  void *out;
  lub_zip *archive = *archive_slot(L);
  const char *name = luaL_checkstring(L, 2);
  luaL_argcheck(L, archive, 1, "the archive is closed");
  if (lub_zip_find(archive, name, &size, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushnil(L);
  if (size < 0) return 1;
  if (as_string) out = luaL_buffinitsize(L, &string, (size_t)size);
  else lubL_newbytes(L, (size_t)size, &out);
  if (lub_zip_read(archive, name, out, size, &err) != LUB_OK) return lubL_failure(L, &err);
  if (as_string) luaL_pushresultsize(&string, (size_t)size);
  return 1;
}

/* archive:read(name) -> the member's bytes, a string | nil where there is none; nil, reason */
static int archive_read(lua_State *L) { return read_member(L, true); }

/* archive:bytes(name): the same as Bytes, which h5.open_buffer takes; large members are not copied then */
static int archive_bytes(lua_State *L) { return read_member(L, false); }

/* The pieces of what is at the top of the stack: a string, or Bytes such as file:image() of an HDF5 file lends; none
 * where it is neither. */
static void pieces_at_top(lua_State *L, lub_piece *string, lub_zip_member *member) {
  const lubL_bytes *bytes = luaL_testudata(L, -1, LUBL_BYTES);
  member->pieces = bytes ? bytes->pieces : string;
  member->count = bytes ? bytes->count : lua_type(L, -1) == LUA_TSTRING;
  if (!bytes && member->count > 0) string->bytes = lua_tolstring(L, -1, &string->size);
}

/* zip.write(path, {{ name, string or Bytes }, ...}) -> true | nil, reason */
static int archive_write(lua_State *L) {
  lub_error err;
  const char *path = lubL_checkpath(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  size_t count = lua_rawlen(L, 2);
  lub_zip_member *members = lua_newuserdatauv(L, (count + 1) * sizeof *members, 0);
  lub_piece *strings = lua_newuserdatauv(L, (count + 1) * sizeof *strings, 0);
  for (size_t i = 0; i < count; i++) {
    luaL_argcheck(L, lua_rawgeti(L, 2, (lua_Integer)i + 1) == LUA_TTABLE, 2, "a list of { name, bytes } expected");
    luaL_argcheck(L, lua_rawgeti(L, -1, 1) == LUA_TSTRING, 2, "a member's name must be a string");
    lua_rawgeti(L, -2, 2);
    members[i].name = lua_tostring(L, -2); /* the list keeps both alive */
    pieces_at_top(L, &strings[i], &members[i]);
    luaL_argcheck(L, members[i].count > 0, 2, "a member's bytes must be a string, or a file's image");
    luaL_argcheck(L, strlen(members[i].name) <= UINT16_MAX, 2, "a member's name is longer than 65535 bytes");
    lua_pop(L, 3);
  }
  if (lub_zip_write(path, members, count, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_lubdub_zip(lua_State *L);

int luaopen_lubdub_zip(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", archive_open}, {"write", archive_write}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"read", archive_read}, {"bytes", archive_bytes}, {"close", archive_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", archive_close}, {"__close", archive_close}, {NULL, NULL}};
  luaL_checkversion(L);
  lubL_class(L, ZIP_ARCHIVE, methods, meta);
  luaL_newlib(L, functions);
  return 1;
}
