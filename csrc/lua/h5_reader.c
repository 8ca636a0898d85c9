/* core.h5: reads HDF5 files, from a disk or from a string (csrc/h5/reader/reader.h). */
#include <stdlib.h>
#include <string.h>

#include "h5/reader/reader.h"
#include "lua/nn.h"

#define H5_FILE "lubdub.h5.File"

/* Numbers on their way to a list: freed by the collector where Lua raises. */
#define H5_VALUES "lubdub.h5.Values"

static lub_h5_reader **file_slot(lua_State *L) { return luaL_checkudata(L, 1, H5_FILE); }

static lub_h5_reader *check_file(lua_State *L) {
  lub_h5_reader *file = *file_slot(L);
  luaL_argcheck(L, file, 1, "the file is closed");
  return file;
}

/* The path of an object, or the name of an attribute: C would see only its beginning if it had a zero byte. */
static const char *check_name(lua_State *L, int arg) {
  size_t length;
  const char *name = luaL_checklstring(L, arg, &length);
  luaL_argcheck(L, strlen(name) == length, arg, "a name without zero bytes expected");
  return name;
}

/* A file userdata that owns nothing yet, so that opening cannot leak. Its user value keeps the bytes in memory. */
static lub_h5_reader **new_slot(lua_State *L) {
  lub_h5_reader **slot = lua_newuserdatauv(L, sizeof *slot, 1);
  *slot = NULL;
  luaL_setmetatable(L, H5_FILE);
  return slot;
}

/* h5.open(path) -> File | nil, reason */
static int h5_open(lua_State *L) {
  lub_error err;
  const char *path = lubL_checkpath(L, 1);
  return lub_h5_open(path, new_slot(L), &err) == LUB_OK ? 1 : lubL_failure(L, &err);
}

/* The bytes at `arg`: a string, or what archive:bytes gave. */
static const void *check_bytes(lua_State *L, int arg, size_t *size) {
  const lubL_bytes *bytes = luaL_testudata(L, arg, LUBL_BYTES);
  if (!bytes) return luaL_checklstring(L, arg, size);
  luaL_argcheck(L, !bytes->lent, arg, "a file's image is only lent: tostring makes a string of it");
  *size = bytes->own.size;
  return bytes->own.bytes;
}

/* h5.open_buffer(string or an archive's Bytes, name) -> File | nil, reason; `name` stands for the path in messages */
static int h5_open_buffer(lua_State *L) {
  lub_error err;
  size_t size;
  const void *bytes = check_bytes(L, 1, &size);
  const char *name = luaL_optstring(L, 2, "HDF5 file in memory");
  lub_h5_reader **slot = new_slot(L);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return lub_h5_open_memory(bytes, size, name, slot, &err) == LUB_OK ? 1 : lubL_failure(L, &err);
}

/* file:close(), __gc, __close; a second time does nothing */
static int file_close(lua_State *L) {
  lub_h5_reader **slot = file_slot(L);
  lub_h5_reader_close(*slot);
  *slot = NULL;
  lua_pushnil(L);
  lua_setiuservalue(L, 1, 1);
  return 0;
}

static int file_tostring(lua_State *L) {
  lub_h5_reader *file = *file_slot(L);
  if (file) lua_pushfstring(L, "h5.File(%s)", lub_h5_reader_name(file));
  else lua_pushliteral(L, "h5.File(closed)");
  return 1;
}

/* #file: its length in bytes */
static int file_length(lua_State *L) {
  lua_pushinteger(L, lub_h5_reader_bytes(check_file(L)));
  return 1;
}

/* file:kind(object) -> "group" | "dataset" | "other" | nil where there is nothing; nil, reason */
static int file_kind(lua_State *L) {
  static const char *const names[] = {NULL, "group", "dataset", "other"};
  lub_error err;
  lub_h5_kind kind;
  lub_h5_reader *file = check_file(L);
  if (lub_h5_find(file, check_name(L, 2), &kind, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushstring(L, names[kind]);
  return 1;
}

static void push_list(lua_State *L, const lub_h5_text *text) {
  lua_createtable(L, text->count < 1 << 20 ? (int)text->count : 0, 0);
  for (size_t i = 0; i < text->count; i++) {
    lua_pushstring(L, text->string[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* file:members(group) -> list of names | nil, reason */
static int file_members(lua_State *L) {
  lub_error err;
  lub_h5_text names;
  lub_h5_reader *file = check_file(L);
  if (lub_h5_members(file, check_name(L, 2), &names, &err) != LUB_OK) return lubL_failure(L, &err);
  push_list(L, &names);
  return 1;
}

/* file:attributes(object) -> list of names | nil, reason */
static int file_attributes(lua_State *L) {
  lub_error err;
  lub_h5_text names;
  lub_h5_reader *file = check_file(L);
  if (lub_h5_attributes(file, check_name(L, 2), &names, &err) != LUB_OK) return lubL_failure(L, &err);
  push_list(L, &names);
  return 1;
}

/* file:attribute(object, name) -> string | list of strings | nil where there is none; nil, reason */
static int file_attribute(lua_State *L) {
  lub_error err;
  lub_h5_attribute kind;
  lub_h5_text text;
  lub_h5_reader *file = check_file(L);
  const char *object = check_name(L, 2), *name = check_name(L, 3);
  if (lub_h5_read_attribute(file, object, name, &kind, &text, &err) != LUB_OK) return lubL_failure(L, &err);
  if (kind == LUB_H5_ABSENT) lua_pushnil(L);
  else if (kind == LUB_H5_STRING && text.count == 1) lua_pushstring(L, text.string[0]);
  else push_list(L, &text);
  return 1;
}

static int values_free(lua_State *L) {
  void **values = luaL_checkudata(L, 1, H5_VALUES);
  free(*values);
  *values = NULL;
  return 0;
}

static void push_numbers(lua_State *L, lub_h5_number number, const void *values, int64_t count) {
  lua_createtable(L, count < 1 << 20 ? (int)count : 0, 0);
  for (int64_t i = 0; i < count; i++) {
    if (number == LUB_H5_INT64) lua_pushinteger(L, ((const int64_t *)values)[i]);
    else lua_pushnumber(L, ((const double *)values)[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* file:attribute_numbers(object, name) -> flat list of numbers, {sizes} | nil where there is none; nil, reason */
static int file_attribute_numbers(lua_State *L) {
  lub_error err;
  lub_shape shape;
  lub_h5_number number;
  lub_h5_reader *file = check_file(L);
  const char *object = check_name(L, 2), *name = check_name(L, 3);
  void **values = lua_newuserdatauv(L, sizeof *values, 0);
  *values = NULL;
  luaL_setmetatable(L, H5_VALUES);
  if (lub_h5_attribute_numbers(file, object, name, &shape, &number, values, &err) != LUB_OK)
    return lubL_failure(L, &err);
  if (!*values) return 0;
  push_numbers(L, number, *values, lub_shape_size(&shape));
  lubL_pushshape(L, &shape);
  return 2;
}

/* file:shape(dataset) -> {sizes}, "float32" | "float64" | "int64"; nil, reason */
static int file_shape(lua_State *L) {
  static const char *const names[] = {"float32", "float64", "int64"};
  lub_error err;
  lub_shape shape;
  lub_h5_number number;
  lub_h5_reader *file = check_file(L);
  if (lub_h5_dataset(file, check_name(L, 2), &shape, &number, &err) != LUB_OK) return lubL_failure(L, &err);
  lubL_pushshape(L, &shape);
  lua_pushstring(L, names[number]);
  return 2;
}

/* file:read(dataset) -> Tensor (float32, whatever the file holds) | nil, reason */
static int file_read(lua_State *L) {
  lub_error err;
  lub_shape shape;
  lub_h5_number number;
  lub_h5_reader *file = check_file(L);
  const char *object = check_name(L, 2);
  if (lub_h5_dataset(file, object, &shape, &number, &err) != LUB_OK) return lubL_failure(L, &err);
  lub_tensor *t = lubL_newtensor(L, &shape);
  if (lub_h5_read(file, object, LUB_H5_FLOAT32, t->data, lub_shape_size(&shape), &err) != LUB_OK)
    return lubL_failure(L, &err);
  return 1;
}

/* file:read_weight(dataset, layer, i) -> true | nil, reason: the dataset becomes the layer's i-th weight, without a
 * copy in between; it must have its shape. After a failure the weight is anything. */
static int file_read_weight(lua_State *L) {
  lub_error err;
  lub_shape shape;
  lub_h5_number number;
  lub_h5_reader *file = check_file(L);
  const char *object = check_name(L, 2);
  lub_layer *layer = lubL_checklayer(L, 3);
  lua_Integer i = luaL_checkinteger(L, 4);
  luaL_argcheck(L, i >= 1 && i <= layer->nparams, 4, "the layer has no such weight");
  lub_param *param = &layer->param[i - 1];
  if (lub_h5_dataset(file, object, &shape, &number, &err) != LUB_OK) return lubL_failure(L, &err);
  luaL_argcheck(L, lub_shape_equal(&shape, &param->shape), 4, "the weight has another shape");
  if (lub_h5_read(file, object, LUB_H5_FLOAT32, param->value, lub_shape_size(&shape), &err) != LUB_OK)
    return lubL_failure(L, &err);
  layer->version++;
  lua_pushboolean(L, 1);
  return 1;
}

/* file:numbers(dataset) -> flat list of Lua numbers, exact: integers for integer types | nil, reason */
static int file_numbers(lua_State *L) {
  lub_error err;
  lub_shape shape;
  lub_h5_number number;
  lub_h5_reader *file = check_file(L);
  const char *object = check_name(L, 2);
  if (lub_h5_dataset(file, object, &shape, &number, &err) != LUB_OK) return lubL_failure(L, &err);
  int64_t count = lub_shape_size(&shape);
  void *values = lua_newuserdatauv(L, (size_t)count * sizeof(double), 0);
  if (number == LUB_H5_FLOAT32) number = LUB_H5_FLOAT64;
  if (lub_h5_read(file, object, number, values, count, &err) != LUB_OK) return lubL_failure(L, &err);
  push_numbers(L, number, values, count);
  return 1;
}

int lubL_open_h5(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", h5_open}, {"open_buffer", h5_open_buffer}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"close", file_close},
                                     {"kind", file_kind},
                                     {"members", file_members},
                                     {"attributes", file_attributes},
                                     {"attribute", file_attribute},
                                     {"attribute_numbers", file_attribute_numbers},
                                     {"shape", file_shape},
                                     {"read", file_read},
                                     {"read_weight", file_read_weight},
                                     {"numbers", file_numbers},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", file_close},
                                  {"__close", file_close},
                                  {"__tostring", file_tostring},
                                  {"__len", file_length},
                                  {NULL, NULL}};
  static const luaL_Reg values[] = {{"__gc", values_free}, {NULL, NULL}}, none[] = {{NULL, NULL}};
  lubL_class(L, H5_FILE, methods, meta);
  lubL_class(L, H5_VALUES, none, values);
  luaL_newlib(L, functions);
  return 1;
}
