/* tensor.h - what the files of the Tensor class share (tensor.c binds them together). */
#ifndef LUB_LUA_TENSOR_H
#define LUB_LUA_TENSOR_H

#include "lua/lubdub.h"

/* Methods and constructors, one list per file; NULL at the end. */
extern const luaL_Reg lubL_tensor_makers[];  /* tensor_make.c: Tensor.zeros, ... */
extern const luaL_Reg lubL_tensor_views[];   /* tensor_view.c: t:shape, t:slice, ... */
extern const luaL_Reg lubL_tensor_converts[]; /* tensor_convert.c: t:totable, ... */
int lubL_tensor_from_bytes(lua_State *L);
extern const luaL_Reg lubL_tensor_rows[];    /* tensor_rows.c: Tensor.concat, t:take, ... */
extern const luaL_Reg lubL_tensor_math[];    /* tensor_math.c: t:exp, ... */
extern const luaL_Reg lubL_tensor_products[]; /* tensor_matmul.c: t:matmul */
extern const luaL_Reg lubL_tensor_reduces[]; /* tensor_reduce.c: t:sum, ... */

/* Metamethods. */
int lubL_tensor_call(lua_State *L);     /* Tensor(nested) */
int lubL_tensor_index(lua_State *L);    /* t[i]; upvalue 1: the methods */
int lubL_tensor_newindex(lua_State *L); /* t[i] = v */
int lubL_tensor_tostring(lua_State *L);
int lubL_tensor_pairs(lua_State *L);
extern const luaL_Reg lubL_tensor_operators[]; /* tensor_math.c: + - * / ^ -t == */

/* The axis at `arg` of a tensor with ndim axes, as C counts: 1 .. ndim and -ndim .. -1 in Lua. */
int lubL_checkaxis(lua_State *L, int arg, const char *where, int ndim);

/* Index `i` of Lua (1 .. size, or -size .. -1) as C counts, or -1 where it is outside. */
static inline int64_t lubL_position(lua_Integer i, int64_t size) {
  if (i >= 1 && i <= size) return i - 1;
  return i < 0 && i >= -size ? i + size : -1;
}

/* Pushes a new tensor with what is at `arg`: a number (no dimensions), or a nested table. */
lub_tensor *lubL_newfromtable(lua_State *L, int arg, const char *where);

/* The tensor at `arg`, or a new one from the number or nested table there, which replaces it. */
lub_tensor *lubL_totensor(lua_State *L, int arg, const char *where);

/* out = in, stretched to its shape; they may overlap. Raises an error where it does not fit. May push a copy. */
void lubL_assign(lua_State *L, const char *where, const lub_tensor *out, const lub_tensor *in);

#endif
