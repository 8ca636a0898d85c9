/*** Tensors as text, as tables and numbers, and as bytes.
@submodule lubdub.Tensor
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lua/tensor.h"
#include "tensor/view.h"

/* === text === */

enum { EDGE = 3 }; /* how many rows and columns are shown at each end */

/* Which indices of an axis are shown: all of them where they are few, else EDGE at each end. Returns how many. */
static int shown(int64_t size, int64_t index[2 * EDGE]) {
  if (size <= 2 * EDGE) {
    for (int i = 0; i < size; i++) index[i] = i;
    return (int)size;
  }
  for (int i = 0; i < EDGE; i++) {
    index[i] = i;
    index[EDGE + i] = size - EDGE + i;
  }
  return 2 * EDGE;
}

/* Adds the corners of a matrix, one row per line, columns aligned. */
static void add_matrix(luaL_Buffer *text, const lub_tensor *t) {
  int64_t row[2 * EDGE], column[2 * EDGE];
  int rows = shown(t->shape.dim[0], row), columns = shown(t->shape.dim[1], column);
  int width = 0;
  char cell[2 * EDGE][2 * EDGE][16];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) {
      float value = t->data[row[i] * t->stride[0] + column[j] * t->stride[1]];
      /* the sign of a NaN says nothing */
      int length = snprintf(cell[i][j], sizeof cell[i][j], "%.5g", isnan(value) ? (double)NAN : (double)value);
      if (length > width) width = length;
    }
  for (int i = 0; i < rows; i++) {
    if (i == EDGE && t->shape.dim[0] > 2 * EDGE) luaL_addstring(text, "\n  ...");
    luaL_addstring(text, "\n ");
    for (int j = 0; j < columns; j++) {
      char padded[32];
      if (j == EDGE && t->shape.dim[1] > 2 * EDGE) luaL_addstring(text, " ...");
      snprintf(padded, sizeof padded, " %*s", width, cell[i][j]);
      luaL_addstring(text, padded);
    }
  }
}

/*** The shape, and the corners of the (first) matrix; never more than a screen.
@function Tensor:__tostring
@treturn string
*/
int lubL_tensor_tostring(lua_State *L) {
  lub_tensor view = *lubL_checktensor(L, 1);
  char shape[LUB_SHAPE_TEXT];
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, "Tensor ");
  luaL_addstring(&text, lub_shape_text(&view.shape, "?", shape));
  luaL_addstring(&text, " float32");
  if (lub_tensor_size(&view) > 0) {
    /* the one channel of a batch of features is not worth a column */
    while (view.shape.ndim > 2 && view.shape.dim[view.shape.ndim - 1] == 1)
      view = lub_tensor_drop_axis(&view, view.shape.ndim - 1);
    if (view.shape.ndim > 2) {
      luaL_addstring(&text, "\n  t");
      for (int i = view.shape.ndim; i > 2; i--) luaL_addstring(&text, "[1]");
      luaL_addstring(&text, " =");
    }
    while (view.shape.ndim > 2) view = lub_tensor_at(&view, 0);
    while (view.shape.ndim < 2) view = lub_tensor_add_axis(&view, 0);
    add_matrix(&text, &view);
  }
  luaL_pushresult(&text);
  return 1;
}

/* === tables and numbers === */

static void push_nested(lua_State *L, const lub_tensor *t) {
  if (t->shape.ndim == 0) {
    lua_pushnumber(L, (lua_Number)*t->data);
    return;
  }
  int64_t n = t->shape.dim[0];
  lua_createtable(L, n < INT32_MAX ? (int)n : INT32_MAX, 0);
  for (int64_t i = 0; i < n; i++) {
    lub_tensor part = lub_tensor_at(t, i);
    push_nested(L, &part);
    lua_rawseti(L, -2, i + 1);
  }
}

/*** The elements as nested tables; a number where there are no dimensions.
@function Tensor:totable
@treturn table|number
*/
static int tensor_totable(lua_State *L) {
  luaL_checkstack(L, LUB_MAX_DIMS + 4, "Tensor:totable");
  push_nested(L, lubL_checktensor(L, 1));
  return 1;
}

/*** The number in a tensor of one element.
@function Tensor:item
@treturn number
@raise where there is not exactly one
*/
static int tensor_item(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  char text[LUB_SHAPE_TEXT];
  if (lub_tensor_size(t) != 1)
    return luaL_error(L, "Tensor:item: expected a tensor of one element, got %s",
                      lub_shape_text(&t->shape, "?", text));
  lua_pushnumber(L, (lua_Number)*t->data);
  return 1;
}

/* === bytes === */

/* Reverses the bytes of n floats where this machine does not store them little-endian. */
static void little_endian(float *x, int64_t n) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  for (int64_t i = 0; i < n; i++) {
    uint32_t word;
    memcpy(&word, x + i, sizeof word);
    word = __builtin_bswap32(word);
    memcpy(x + i, &word, sizeof word);
  }
#else
  (void)x, (void)n;
#endif
}

/*** A tensor from what `Tensor:to_bytes` gave.
@function Tensor.from_bytes
@static
@tparam string bytes little-endian float32, row-major
@tparam[opt] table shape the sizes; one dimension without it
@treturn Tensor
@raise where the length is not that of the shape
*/
int lubL_tensor_from_bytes(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  lub_shape shape = {.ndim = 1, .dim = {(int64_t)(length / sizeof(float))}};
  if (!lua_isnoneornil(L, 2)) shape = lubL_readshape(L, 2, "Tensor.from_bytes");
  int64_t size = lub_shape_size(&shape);
  char text[LUB_SHAPE_TEXT];
  lub_shape_text(&shape, "?", text);
  if (size < 0 || (uint64_t)size != length / sizeof(float) || length % sizeof(float) != 0)
    return luaL_error(L, "Tensor.from_bytes: a shape of %s needs %I bytes, got %I", text,
                      (LUAI_UACINT)(size < 0 ? size : size * 4), (LUAI_UACINT)length);
  lub_tensor *t = lubL_newtensor(L, &shape);
  memcpy(t->data, bytes, length);
  little_endian(t->data, size);
  return 1;
}

/*** The elements as little-endian float32, row-major.
@function Tensor:to_bytes
@treturn string
*/
static int tensor_to_bytes(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  size_t length = (size_t)lub_tensor_size(t) * sizeof(float);
  luaL_Buffer buffer;
  float *out = (float *)(void *)luaL_buffinitsize(L, &buffer, length);
  lub_tensor packed = lub_tensor_over(out, &t->shape);
  lub_tensor_copy(&packed, t);
  little_endian(out, lub_tensor_size(t));
  luaL_pushresultsize(&buffer, length);
  return 1;
}

const luaL_Reg lubL_tensor_converts[] = {
    {"totable", tensor_totable}, {"item", tensor_item}, {"to_bytes", tensor_to_bytes}, {NULL, NULL}};
