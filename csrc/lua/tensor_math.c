/* Arithmetic. */
#include "lua/tensor.h"

/* #t: the size of axis 1. */
static int tensor_len(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  if (t->shape.ndim == 0) return luaL_error(L, "Tensor: a tensor without dimensions has no length");
  lua_pushinteger(L, t->shape.dim[0]);
  return 1;
}

const luaL_Reg lubL_tensor_operators[] = {{"__len", tensor_len}, {NULL, NULL}};
const luaL_Reg lubL_tensor_math[] = {{NULL, NULL}};
