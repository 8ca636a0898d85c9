/*** Tensors of float32, row-major, with up to 8 axes. Indices and axes count from 1, negative ones from the end.
Functions that give another look at the same elements return views: what is written to a view is
written to the tensor. Every method is a function of `lubdub.Tensor` too: Tensor.matmul(a, b) is a:matmul(b).
@classmod lubdub.Tensor
*/

/* Here: its tables of methods, and Tensor itself. The methods are in tensor_*.c. */
#include "lua/tensor.h"

/*** Whether x is a tensor.
@function Tensor.is
@static
@param x
@treturn boolean
*/
static int tensor_is(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, lubL_testtensor(L, 1) != NULL);
  return 1;
}

int lubL_open_tensor(lua_State *L) {
  static const luaL_Reg meta[] = {{"__newindex", lubL_tensor_newindex},
                                  {"__tostring", lubL_tensor_tostring},
                                  {"__pairs", lubL_tensor_pairs},
                                  {NULL, NULL}};
  lubL_class(L, LUBL_TENSOR, lubL_tensor_views, meta);
  luaL_getmetatable(L, LUBL_TENSOR);
  luaL_setfuncs(L, lubL_tensor_operators, 0);
  lua_getfield(L, -1, "__index");
  luaL_setfuncs(L, lubL_tensor_converts, 0);
  luaL_setfuncs(L, lubL_tensor_rows, 0);
  luaL_setfuncs(L, lubL_tensor_math, 0);
  luaL_setfuncs(L, lubL_tensor_reduces, 0);
  luaL_setfuncs(L, lubL_tensor_products, 0);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, lubL_tensor_index, 1);
  lua_setfield(L, -3, "__index");

  /* Tensor: the constructors, and every method as a function (Tensor.matmul(a, b)). */
  lua_newtable(L);
  luaL_setfuncs(L, lubL_tensor_makers, 0);
  lua_pushcfunction(L, lubL_tensor_from_bytes);
  lua_setfield(L, -2, "from_bytes");
  lua_pushcfunction(L, tensor_is);
  lua_setfield(L, -2, "is");
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, lubL_tensor_call);
  lua_setfield(L, -2, "__call");
  lua_pushliteral(L, LUBL_TENSOR);
  lua_setfield(L, -2, "__name");
  lua_setmetatable(L, -2);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return 1;
}
