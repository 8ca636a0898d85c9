/* lubdub.h5_writer: makes HDF5 files, for lua/lubdub/h5.lua. A library of its own, so that libhdf5 is loaded with
 * the first file that is written, and neither with lubdub nor with a model that is read (h5_reader.c).
 *
 * core.so and this one share no symbols: each has its own copy of tensor_object.c. A tensor made there is known here
 * all the same, because a class is a metatable that both find by name in the registry, and its
 * layout is csrc/tensor/tensor.h for both; so numbers go straight from the tensor into the file. */
#include <stdlib.h>
#include <string.h>

#include "h5/h5.h"
#include "lua/lubdub.h"

#define H5_FILE "lubdub.h5.NewFile"
static lub_h5 **file_slot(lua_State *L) { return luaL_checkudata(L, 1, H5_FILE); }

/* What file:image() lent is empty from now on. */
static void take_back_image(lua_State *L) {
  if (lua_getiuservalue(L, 1, 1) == LUA_TUSERDATA) *(lubL_bytes *)lua_touserdata(L, -1) = (lubL_bytes){.lent = true};
  lua_pop(L, 1);
}

/* The file, to be used or changed. */
static lub_h5 *check_file(lua_State *L) {
  lub_h5 *file = *file_slot(L);
  luaL_argcheck(L, file, 1, "the file is closed");
  take_back_image(L);
  return file;
}

/* A file userdata that owns nothing yet, so that opening cannot leak. Its user values are the image that it lent last,
 * and a list of the tensors that are parts of it. */
static lub_h5 **new_slot(lua_State *L) {
  lub_h5 **slot = lua_newuserdatauv(L, sizeof *slot, 2);
  *slot = NULL;
  luaL_setmetatable(L, H5_FILE);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 2);
  return slot;
}

/* The value at `arg` stays as long as the file. */
static void keep(lua_State *L, int arg) {
  lua_getiuservalue(L, 1, 2);
  lua_pushvalue(L, arg);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* h5.create() -> File in memory, to be saved */
static int h5_create(lua_State *L) {
  lub_error err;
  return lub_h5_create(new_slot(L), &err) == LUB_OK ? 1 : lubL_failure(L, &err);
}

/* file:save(path) -> true | nil, reason */
static int file_save(lua_State *L) {
  lub_error err;
  lub_h5 *file = check_file(L);
  if (lub_h5_save(file, lubL_checkpath(L, 2), &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* file:image() -> the bytes that file:save would write, lent until the file is used again: a userdata that zip.write
 * takes, and tostring makes a string of | nil, reason */
static int file_image(lua_State *L) {
  lub_error err;
  void *none;
  lub_h5 *file = check_file(L);
  lubL_bytes *lent = lubL_newbytes(L, 0, &none);
  lent->lent = true;
  if (lub_h5_image(file, &lent->pieces, &lent->count, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushvalue(L, 1); /* it keeps the file alive */
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1);
  return 1;
}

/* file:close(), __gc, __close; a second time does nothing */
static int file_close(lua_State *L) {
  lub_h5 **slot = file_slot(L);
  take_back_image(L);
  lub_h5_close(*slot);
  *slot = NULL;
  lua_pushnil(L);
  lua_setiuservalue(L, 1, 2);
  return 0;
}

static int file_tostring(lua_State *L) {
  lub_h5 *file = *file_slot(L);
  if (!file) lua_pushliteral(L, "h5.File(closed)");
  else lua_pushliteral(L, "h5.File(new, in memory)");
  return 1;
}

/* file:group(path) -> true | nil, reason */
static int file_group(lua_State *L) {
  lub_error err;
  lub_h5 *file = check_file(L);
  if (lub_h5_make_group(file, luaL_checkstring(L, 2), &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* Pushes a userdata that holds the addresses of the strings in the list at `arg`, which keeps them alive. */
static const char **check_strings(lua_State *L, int arg, size_t *count) {
  luaL_checktype(L, arg, LUA_TTABLE);
  *count = lua_rawlen(L, arg);
  const char **strings = lua_newuserdatauv(L, (*count + 1) * sizeof *strings, 0);
  for (size_t i = 0; i < *count; i++) {
    if (lua_rawgeti(L, arg, (lua_Integer)i + 1) != LUA_TSTRING)
      luaL_error(L, "set_attribute: element %d must be a string, got %s", (int)i + 1, luaL_typename(L, -1));
    strings[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  return strings;
}

/* file:set_attribute(object, name, string or list of strings) -> true | nil, reason */
static int file_set_attribute(lua_State *L) {
  lub_error err;
  lub_status status;
  lub_h5 *file = check_file(L);
  const char *object = luaL_checkstring(L, 2), *name = luaL_checkstring(L, 3);
  if (lua_type(L, 4) == LUA_TSTRING) {
    status = lub_h5_write_string(file, object, name, lua_tostring(L, 4), &err);
  } else {
    size_t count;
    const char **strings = check_strings(L, 4, &count);
    status = lub_h5_write_strings(file, object, name, strings, count, &err);
  }
  if (status != LUB_OK) return lubL_failure(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int written(lua_State *L, lub_status status, const lub_error *err) {
  if (status != LUB_OK) return lubL_failure(L, err);
  lua_pushboolean(L, 1);
  return 1;
}

/* Writes the list at index 3, of integers as int64 or of numbers as float64: one row after the other where the number
 * of columns is at index 4. */
static int write_list(lua_State *L, lub_h5 *file, const char *object) {
  lub_error err;
  lua_Integer count = luaL_len(L, 3), columns = luaL_optinteger(L, 4, 0);
  luaL_argcheck(L, columns >= 0 && (columns == 0 || count % columns == 0), 4, "columns do not divide the list");
  bool whole = true;
  union {
    int64_t whole;
    double number;
  } *values = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *values, 0);
  for (lua_Integer i = 1; i <= count && whole; i++) {
    lua_rawgeti(L, 3, i);
    whole = lua_isinteger(L, -1);
    lua_pop(L, 1);
  }
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, 3, i);
    if (whole) values[i - 1].whole = lua_tointeger(L, -1);
    else values[i - 1].number = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  lub_shape shape = {1, {count}};
  if (columns > 0) shape = (lub_shape){2, {count / columns, columns}};
  return written(L, lub_h5_write(file, object, whole ? LUB_H5_INT64 : LUB_H5_FLOAT64, &shape, values, false, &err),
                 &err);
}

/* file:write(dataset, value, columns or nil) -> true | nil, reason. A Tensor is written as float32; a Lua integer as a
 * scalar int64, and a float as a scalar float64; a list of numbers as a list, or a matrix of so many columns. A tensor
 * must stay as it is until the file is saved: a large one is not copied. */
static int file_write(lua_State *L) {
  static const lub_shape scalar = {0};
  lub_error err;
  lub_h5 *file = check_file(L);
  const char *object = luaL_checkstring(L, 2);
  if (lua_isinteger(L, 3)) {
    int64_t value = lua_tointeger(L, 3);
    return written(L, lub_h5_write(file, object, LUB_H5_INT64, &scalar, &value, false, &err), &err);
  }
  if (lua_type(L, 3) == LUA_TNUMBER) {
    double value = lua_tonumber(L, 3);
    return written(L, lub_h5_write(file, object, LUB_H5_FLOAT64, &scalar, &value, false, &err), &err);
  }
  if (lua_type(L, 3) == LUA_TTABLE) return write_list(L, file, object);
  const lub_tensor *t = lubL_checkcontiguous(L, 3);
  keep(L, 3);
  return written(L, lub_h5_write(file, object, LUB_H5_FLOAT32, &t->shape, t->data, true, &err), &err);
}

__attribute__((visibility("default"))) int luaopen_lubdub_h5_writer(lua_State *L);

int luaopen_lubdub_h5_writer(lua_State *L) {
  static const luaL_Reg functions[] = {{"create", h5_create}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"save", file_save},
                                     {"image", file_image},
                                     {"close", file_close},
                                     {"group", file_group},
                                     {"set_attribute", file_set_attribute},
                                     {"write", file_write},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", file_close}, {"__close", file_close}, {"__tostring", file_tostring}, {NULL, NULL}};
  luaL_checkversion(L);
  lua_getglobal(L, "require"); /* the class of tensors is core's */
  lua_pushliteral(L, "lubdub.core");
  lua_call(L, 1, 0);
  lubL_class(L, H5_FILE, methods, meta);
  luaL_newlib(L, functions);
  return 1;
}
